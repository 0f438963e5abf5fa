"""Ticks on the emulator that overlap, die and lose the answers of their commits ping every device once a day."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from fanfare.adapters.system import SystemIdentifiers
from tests.contract.firestore_proxy import firestore_proxy
from tests.contract.stores.real import open_firestore, real_stores
from tests.fakes import FixedClock, fake_deps
from tests.ping_world import PingWorld

HISTORIES, DAYS = 6, 3


def test_every_device_is_pinged_once_a_day_whatever_becomes_of_ticks(emulator: str, project_id: str) -> None:
    lost = 0
    with firestore_proxy(emulator) as (proxy, host):
        firestore, clock = open_firestore(host, project_id), FixedClock(datetime(2026, 11, 24, 23, 59, 30, tzinfo=UTC))
        stores = real_stores(firestore, clock)
        named = ("tenants", "devices", "notifications", "chunks", "keepalive", "templates")
        deps = fake_deps(clock=clock, identifiers=SystemIdentifiers(), **{name: getattr(stores, name) for name in named})
        for seed in range(HISTORIES):
            world = PingWorld(deps, clock, random.Random(seed), f"acme-{seed}")  # noqa: S311 - histories that can be lived again
            world.begin(world.chance.choice([3, 20]))
            for _ in range(DAYS):
                proxy.lose_next = world.chance.randrange(2)
                lost += proxy.lose_next
                world.live_a_day(60)
        firestore.close()
    assert lost > 3, "answers were lost"
