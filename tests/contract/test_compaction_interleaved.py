"""Compaction on the emulator: compactors that are overtaken, die, and lose the answers of their commits leave the shards as the devices are.

The clock is ahead of the server's by as much as a watermark lags, so that what is compacted lies behind it at once; a hand ends the leases.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.system import SystemIdentifiers
from fanfare.domain.audience import OVERLAP
from fanfare.ports import Deps
from tests.audience_world import World, overtake
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import open_firestore, real_stores
from tests.factories import NOW, a_tenant
from tests.fakes import fake_deps
from tests.interleaving import crew

HISTORIES = 14


class AheadClock:
    """The time at which a watermark is (nearly) the present."""

    def now(self) -> datetime:
        return datetime.now(UTC) + OVERLAP - timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class Database:
    """A database, a bare client of it, and a proxy through which the stores reach it."""

    firestore: Firestore
    deps: Deps
    proxy: FirestoreProxy

    def world(self, seed: int, tenant: str) -> World:
        self.deps.tenants.create(a_tenant(id=tenant, firebase_project_id=f"{tenant}-app"))
        header = self.firestore.document(f"tenants/{tenant}/audience/header")

        def end_lease() -> None:
            lease = (header.get(["lease"]).to_dict() or {}).get("lease")
            if lease:
                header.update({"lease": {**lease, "until": NOW - timedelta(days=365)}})

        return World(self.deps, random.Random(seed), end_lease, tenant)  # noqa: S311 - histories that can be lived again


@pytest.fixture
def database(emulator: str, project_id: str) -> Iterator[Database]:
    """An empty database."""
    with firestore_proxy(emulator) as (proxy, host):
        bare, behind = open_firestore(emulator, project_id), open_firestore(host, project_id)
        stores = real_stores(behind)
        deps = fake_deps(
            clock=AheadClock(), identifiers=SystemIdentifiers(), tenants=stores.tenants, devices=stores.devices, audience=stores.audience
        )
        yield Database(bare, deps, proxy)
        bare.close()
        behind.close()


@pytest.mark.parametrize("rewrite", ["revert", "retire", "erase"])
def test_compactor_that_was_overtaken_writes_nothing_over_what_is_newer(database: Database, rewrite: str) -> None:
    calls = 0
    while overtake(world := database.world(0, f"acme-{calls}"), calls, rewrite):
        world.check()
        calls += 1
    assert calls > 6, "it made its calls"


def test_shards_hold_the_active_devices_after_any_history(database: Database) -> None:
    lost = 0
    for seed in range(HISTORIES):
        world = database.world(seed, f"acme-{seed}")
        with crew(world.chance) as compactors:
            for _ in range(100):
                if world.chance.random() < 0.02:
                    database.proxy.lose_next = 1
                    lost += 1
                world.live(compactors)
            compactors.finish()
        world.check()
    assert lost > 10, "answers were lost"
