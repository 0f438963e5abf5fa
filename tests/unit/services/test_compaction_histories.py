"""The property that audiences are for: the shards hold the active devices as they are, whatever has happened in whatever order.

Histories are drawn from seeds: devices are registered, changed, retired, restored and erased while compactors, some of whom die or sleep past their
leases, run between each other at every call of the store, divide shards, and broadcasts pin generations.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import cast

import pytest

from fanfare.domain.audience import LEASE, OVERLAP
from fanfare.services.tend_audiences import tend_audiences
from tests.audience_world import REWRITES, World, overtake
from tests.factories import NOW, TENANT_ID
from tests.fakes import FixedClock, MemoryAudienceStore, MemoryDeviceStore, fake_deps
from tests.interleaving import crew

HISTORIES = 80


def a_world(seed: int) -> World:
    chance = random.Random(seed)  # noqa: S311 - histories that can be lived again
    clock = FixedClock(NOW)
    devices = MemoryDeviceStore(clock)
    deps = fake_deps(clock=clock, devices=devices, audience=MemoryAudienceStore(devices, per_commit=2))
    return World(deps, chance, lambda: clock.advance(chance.choice([LEASE, OVERLAP + LEASE]) + timedelta(seconds=chance.randrange(6, 10))))


def live(seed: int) -> World:
    world = a_world(seed)
    clock = cast("FixedClock", world.deps.clock)
    with crew(world.chance) as compactors:
        for _ in range(world.chance.randrange(150)):
            clock.advance(timedelta(seconds=world.chance.choice([0, 0, 1, 7])))
            world.live(compactors)
        compactors.finish()
    return world


@pytest.mark.parametrize("rewrite", REWRITES)
def test_compactor_that_was_overtaken_writes_nothing_over_what_is_newer(rewrite: str) -> None:
    calls = 0
    while overtake(world := a_world(0), calls, rewrite):
        world.check()
        calls += 1
    assert calls > 6, "it made its calls"


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_shards_hold_the_active_devices_after_any_history(seed: int) -> None:
    live(seed).check()


@pytest.mark.parametrize("seed", range(10))
def test_what_histories_leave_behind_is_dropped(seed: int) -> None:
    world = live(seed)
    world.check()
    for _ in range(3):
        cast("FixedClock", world.deps.clock).advance(timedelta(minutes=11))
        tend_audiences(world.deps, "request")
    header, kept = world.deps.audience.get(TENANT_ID), cast("MemoryAudienceStore", world.deps.audience)
    assert header is not None
    assert (header.pins, header.superseded, header.generations) == ({}, {}, {header.generation: header.shards})
    assert {generation for _, generation, _ in kept.documents} == {header.generation}
    assert header.next_check_at is None
