"""What the brake remembers: passes whose results are stored, once each, and nothing from before a release."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.brake import FEWEST_RESULTS, WINDOW, HeldChunk, Quarantine
from fanfare.domain.chunk import CLOCK_SKEW, LEASE, ChunkKey
from fanfare.domain.errors import Unavailable
from fanfare.domain.outcome import Outcome
from fanfare.services.release_tenant import HeldTargets, release_tenant
from tests.factories import TENANT_ID, a_call
from tests.unit.services.delivering import ANDROID, GONE, MINUTE, World, a_chunk_of, a_world, accepted

FAILED = Outcome.FAILED


class FailingOnce:
    """Another store's methods, of which `name` gets no answer the first time."""

    def __init__(self, store: Any, name: str) -> None:
        self._store, self._failing = store, {name}

    def __getattr__(self, name: str) -> Any:
        if name in self._failing:
            self._failing.clear()
            return self._raise
        return getattr(self._store, name)

    def _raise(self, *_: object, **__: object) -> None:
        raise Unavailable("Firestore does not answer.")


@pytest.mark.parametrize(("port", "method"), [("devices", "update_many"), ("chunks", "conclude")])
def test_dead_of_a_pass_that_failed_are_counted_once(port: str, method: str) -> None:
    world = a_chunk_of(*[ANDROID] * 30, ttl_seconds=86_400)
    world.answer(dict.fromkeys(range(1, 31), GONE))
    failing = replace(world, deps=replace(world.deps, **{port: FailingOnce(getattr(world.deps, port), method)}))
    with pytest.raises(Unavailable):
        failing.deliver()
    failing.pass_later(LEASE + CLOCK_SKEW)
    assert world.tenant().quarantine is None, "thirty have died, not sixty"
    assert world.retired() == list(range(1, 31))
    assert set(world.outcomes().values()) == {FAILED}


def test_dead_of_small_sends_are_counted_although_each_pass_is_stored_by_itself() -> None:
    world = _small_sends(a_world(*[ANDROID] * 60), range(1, FEWEST_RESULTS))
    assert world.tenant().quarantine is None
    _small_sends(world, range(FEWEST_RESULTS, FEWEST_RESULTS + 1))
    assert world.tenant().quarantine is not None


def _small_sends(world: World, numbers: range) -> World:
    """A send to each of the numbered devices, whose targets are dead."""
    world.answer(dict.fromkeys(range(1, 61), GONE))
    for number in numbers:
        accepted(world, number, id=f"small-{number}")
        world.deliver(ChunkKey(TENANT_ID, f"small-{number}", 0))
    return world


def test_what_another_instance_saw_before_the_release_holds_nobody_after_it() -> None:
    other = _small_sends(a_world(*[ANDROID] * 60), range(1, FEWEST_RESULTS))
    other.clock.advance(MINUTE)
    release(other)
    other.clock.advance(MINUTE)
    _small_sends(other, range(FEWEST_RESULTS, FEWEST_RESULTS + 5))
    assert other.tenant().quarantine is None
    assert other.retired() == list(range(1, FEWEST_RESULTS + 5))


def test_release_is_looked_up_where_the_tenant_is_only_remembered() -> None:
    world = _small_sends(a_world(*[ANDROID] * 60), range(1, FEWEST_RESULTS))
    stale = world.tenant()
    world.clock.advance(MINUTE)
    release(world)
    world.clock.advance(MINUTE)
    remembering = replace(world, deps=replace(world.deps, tenants=Remembering(world.tenants, stale)))
    _small_sends(remembering, range(FEWEST_RESULTS, FEWEST_RESULTS + 5))
    assert world.tenant().quarantine is None


class Remembering:
    """A tenant store that answers `get` from memory, as an instance does for a minute."""

    def __init__(self, store: Any, remembered: Any) -> None:
        self._store, self._remembered = store, remembered

    def get(self, tenant: str) -> Any:
        return self._remembered

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def release(world: World) -> None:
    """What a quarantine that another instance began, and its release, leave behind."""
    now = world.clock.now()
    held = Quarantine("unregistered", now - MINUTE, (HeldChunk("n", 0),))
    world.tenants.update(TENANT_ID, lambda tenant: replace(tenant, quarantine=held))
    release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.KEEP)


def test_what_is_seen_after_the_release_is_judged() -> None:
    world = a_world(*[ANDROID] * 60)
    release(world)
    world.clock.advance(MINUTE)
    _small_sends(world, range(1, FEWEST_RESULTS + 1))
    assert world.tenant().quarantine is not None


def test_memory_is_that_of_the_window() -> None:
    world = _small_sends(a_world(*[ANDROID] * 60), range(1, FEWEST_RESULTS))
    world.clock.advance(WINDOW + timedelta(seconds=1))
    _small_sends(world, range(FEWEST_RESULTS, FEWEST_RESULTS + 5))
    assert world.tenant().quarantine is None
