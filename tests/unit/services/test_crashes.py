"""A call that dies at any of its steps leaves work that another attempt finishes: everybody is reached, and the counts are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from fanfare.domain.chunk import ChunkState
from fanfare.domain.errors import Unavailable
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome
from fanfare.services.release_tenant import HeldTargets, release_tenant
from tests.factories import TENANT_ID, a_call
from tests.unit.services.delivering import (
    ANDROID,
    BAD_PAYLOAD,
    BAD_TARGET,
    BUSY,
    FORBIDDEN,
    FOREIGN,
    GONE,
    IOS,
    MINUTE,
    SECOND,
    WEB,
    World,
    a_chunk_of,
    audited,
)

SENT, FAILED = Outcome.SENT, Outcome.FAILED


class Crash(Exception):
    """The process is gone, or the store's answer is."""


@dataclass
class Fault:
    """Raises `error` at the `at`-th step, before it takes effect or, if `late`, after: an answer that was lost. 0 raises never."""

    at: int = 0
    late: bool = False
    error: Callable[[], Exception] = Crash
    steps: int = field(default=0)

    def step(self, do: Callable[[], Any], error: Callable[[], Exception] | None = None) -> Any:
        self.steps += 1
        failure = (error or self.error)() if self.steps == self.at else None
        if failure is not None and not self.late:
            raise failure
        answer = do()
        if failure is not None:
            raise failure
        return answer


class Fragile:
    """A fake whose every call is a step that may fail."""

    def __init__(self, whole: object, fault: Fault) -> None:
        self._whole, self._fault = whole, fault

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._whole, name)
        return lambda *values, **named: self._fault.step(lambda: call(*values, **named))


def fragile(world: World, fault: Fault) -> World:
    """The same world, on stores and queues that fail once."""
    names = ("notifications", "chunks", "progress", "tenants", "devices", "tasks")
    return replace(world, deps=replace(world.deps, **{name: Fragile(getattr(world.deps, name), fault) for name in names}))


def live(world: World, fault: Fault, until: Callable[[], bool]) -> None:
    """Deliver, and let the tick find what a crash leaves behind."""
    used, before = fragile(world, fault), world.sender.on_batch
    # A sender that is at work does not say that it can't: between two batches there is only a crash.
    world.sender.on_batch = lambda: fault.step(before, Crash)
    attempts: list[Callable[[], object]] = [used.deliver, *[lambda: used.tick(MINUTE)] * 60]
    for attempt in attempts:
        try:
            attempt()
        except (Crash, Unavailable):
            continue
        if until():
            return
    raise AssertionError("The chunk was left to nobody.")


def faults(life: Callable[[Fault], object]) -> Iterator[Fault]:
    """A failure at each step of a life in turn, found out by living it once without."""
    whole = Fault()
    life(whole)
    for at in range(1, whole.steps + 1):
        for late in (False, True):
            for error in (Crash, lambda: Unavailable("Firestore does not answer.")):
                yield Fault(at, late, error)


def live_through_everything(life: Callable[[Fault], object]) -> int:
    """Live once with each failure; how many there were."""
    lived = 0
    for fault in faults(life):
        life(fault)
        assert fault.steps >= fault.at, "each failure happened"
        lived += 1
    return lived


def is_over(world: World) -> bool:
    return world.notification().status is NotificationStatus.COMPLETED


def mixed_life(fault: Fault) -> None:
    """Seven devices of which each meets another fate, two at a time, with a checkpoint after each."""
    world = a_chunk_of(ANDROID, ANDROID, ANDROID, ANDROID, IOS, WEB, WEB, batch_size=2, ttl_seconds=86_400)
    world.answer({2: GONE, 3: BUSY, 4: BAD_TARGET, 5: BAD_PAYLOAD})

    def on_batch() -> None:
        world.clock.advance(1.1 * SECOND)
        if len([key for key, _ in world.sender.sent if key == "device-3"]) > 1:
            world.answer({2: GONE, 4: BAD_TARGET, 5: BAD_PAYLOAD})

    world.sender.on_batch = on_batch
    live(world, fault, lambda: is_over(world))
    assert world.outcomes() == {1: SENT, 2: FAILED, 3: SENT, 4: FAILED, 5: FAILED, 6: SENT, 7: SENT}
    assert world.notification().counts == world.chunk().counts == Counts(7, sent=4, failed=3)
    assert world.notification().errors == {"UNREGISTERED": 1, "INVALID_ARGUMENT": 2}
    assert world.chunk().state is ChunkState.DONE
    assert set(world.sent_to()) == {1, 2, 3, 4, 5, 6, 7}, "everybody was reached"
    assert world.retired() == [2, 4], "a dead target does not outlive the crash of the call that found it"


def parked_life(fault: Fault) -> None:
    """A project that is broken for two minutes."""
    world = a_chunk_of(ANDROID, IOS, WEB, batch_size=1, ttl_seconds=86_400)
    mended_at = world.clock.now() + 2 * MINUTE

    def on_batch() -> None:
        world.clock.advance(SECOND / 10)
        world.answer({} if world.clock.now() > mended_at else dict.fromkeys((1, 2, 3), FORBIDDEN))

    world.answer(dict.fromkeys((1, 2, 3), FORBIDDEN))
    world.sender.on_batch = on_batch
    live(world, fault, lambda: is_over(world))
    assert world.outcomes() == {1: SENT, 2: SENT, 3: SENT}
    assert world.notification().counts == Counts(3, sent=3)
    live(world, Fault(), lambda: world.tenant().draining_until is None)
    assert world.tenant().breakers == {}


def braked_life(fault: Fault) -> None:
    """A credential that is not the audience's: more than half of the targets die at once."""
    world = a_chunk_of(*[ANDROID] * 60, batch_size=30, ttl_seconds=86_400)
    world.answer(dict.fromkeys(range(1, 51), FOREIGN))

    def is_held() -> bool:
        return world.tenant().quarantine is not None and world.chunk().state in {ChunkState.DONE, ChunkState.PARKED}

    live(world, fault, is_held)
    assert world.retired() == []
    assert {entry.action for entry in audited(world)} == {"tenant.quarantined"}
    if not is_over(world):
        # The call died between the brake and its results: they come in again after the release, and are judged again.
        release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.RETIRE)
        live(world, Fault(), is_held)
        assert world.retired() == []
    assert world.notification().counts == Counts(60, sent=10, failed=50)
    release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.RETIRE)
    assert world.retired() == list(range(1, 51)), "what was held can be retired, whenever the call that held it died"


@pytest.mark.parametrize(("life", "fewest"), [(mixed_life, 60), (parked_life, 60), (braked_life, 28)])
def test_failure_at_any_step_of_a_life_loses_nobody(life: Callable[[Fault], None], fewest: int) -> None:
    assert live_through_everything(life) >= fewest
