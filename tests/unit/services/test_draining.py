"""What was parked goes on once its hold has ended: nobody waits for a nudge that does not come, or for a tenant that is only remembered as held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfare.domain.breaker import FIRST_PROBE
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.outcome import Outcome
from fanfare.domain.tenant import DRAINING, Tenant
from fanfare.services import sweep
from tests.factories import TENANT_ID
from tests.fakes import MemoryTenantStore
from tests.unit.services.delivering import ANDROID, BAD_KEY, FORBIDDEN, IOS, KEY, MINUTE, WEB, World, a_chunk_of, a_world, accepted

SENT = Outcome.SENT
LATE = ChunkKey(TENANT_ID, "late", 0)


class CachedTenantStore(MemoryTenantStore):
    """`get` answers what was remembered, as an instance does for a minute."""

    remembered: Tenant | None = None

    def get(self, tenant: str) -> Tenant | None:
        return self.remembered or super().get(tenant)

    def get_fresh(self, tenant: str) -> Tenant | None:
        return super().get(tenant)


def mended(world: World) -> World:
    """The project was broken, a chunk was parked, and the probe has just closed the breaker."""
    world.answer({1: FORBIDDEN})
    world.deliver()
    world.answer({})
    world.tick(FIRST_PROBE)
    assert (world.tenant().breakers, world.chunk().state) == ({}, ChunkState.PARKED)
    return world


def test_draining_does_not_end_while_something_is_still_parked() -> None:
    world = mended(a_chunk_of(ANDROID, ttl_seconds=86_400))
    world.tasks.refusing = True
    for _ in range(15):
        world.tick()
    assert world.clock.now() > (world.tenant().draining_until or world.clock.now())
    world.tasks.refusing = False
    world.tick()
    assert world.outcomes() == {1: SENT}
    world.tick()
    assert world.tenant().draining_until is None


def test_chunk_that_a_pass_parked_after_the_hold_had_ended_is_found() -> None:
    world = mended(a_chunk_of(ANDROID, ttl_seconds=86_400))
    world.tick()
    assert world.outcomes() == {1: SENT}
    world.tick()
    accepted(world, id=LATE.notification_id, ttl_seconds=86_400)
    claim = world.deps.chunks.claim(LATE, "a pass that began before", world.clock.now())
    assert isinstance(claim, Chunk)
    parked = replace(claim, state=ChunkState.PARKED, next_check_at=world.clock.now() + DRAINING * 100)
    assert world.deps.chunks.save_chunk(parked) is not None
    world.tick(MINUTE)
    assert world.outcomes(LATE) == {1: SENT}


def parked(world: World, number: int, name: str) -> ChunkKey:
    """A chunk for one device, that waits for the key of its platform."""
    key = ChunkKey(TENANT_ID, name, 0)
    accepted(world, number, id=name, ttl_seconds=86_400)
    world.deliver(key)
    assert world.chunk(key).state is ChunkState.PARKED
    return key


def test_chunks_that_stay_parked_do_not_keep_the_others_waiting() -> None:
    """More than a page of them wait for another platform's key, and come first."""
    world = _both_keys_bad()
    staying = [parked(world, 1, f"ios-{number}") for number in range(sweep.MOST_PARKED + 20)]
    waiting = [parked(world, 2, f"web-{number}") for number in range(20)]
    world.answer({1: BAD_KEY})
    for _ in range(4):
        world.tick()
    assert [world.outcomes(key) for key in waiting] == [{2: SENT}] * 20
    assert {world.chunk(key).state for key in staying} == {ChunkState.PARKED}
    assert set(world.tenant().breakers) == {"ios"}


def test_draining_of_many_pages_comes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "MOST_PARKED", 4)
    world = _both_keys_bad()
    waiting = [parked(world, 2, f"web-{number}") for number in range(8)]
    world.answer({1: BAD_KEY})
    for _ in range(25):
        world.tick()
    assert [world.outcomes(key) for key in waiting] == [{2: SENT}] * 8
    assert (world.tenant().draining_until, world.tenant().drained_to) == (None, None)


def _both_keys_bad() -> World:
    world = a_world(IOS, WEB)
    world.answer({1: BAD_KEY, 2: BAD_KEY})
    for number, name in ((1, "a-ios"), (2, "a-web")):
        accepted(world, number, id=name)
        world.deliver(ChunkKey(TENANT_ID, name, 0))
    assert set(world.tenant().breakers) == {"ios", "web"}
    return world


def test_hold_that_is_only_remembered_parks_nothing() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: FORBIDDEN})
    world.deliver()
    store = CachedTenantStore()
    store.create(replace(world.tenant(), breakers={}))
    store.remembered = world.tenant()
    later = replace(world, tenants=store, deps=replace(world.deps, tenants=store))
    world.answer({})
    later.deliver(KEY)
    assert later.outcomes() == {1: SENT}
