"""Cleanup on the real stores: a whole call of it, what a lost answer does, and a data key that nothing needs any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.domain.audit import AuditEntry
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.compaction import PackedShard, StoredShard
from fanfare.domain.dead_letter import DeadLetter, dead_letter_id
from fanfare.domain.device import InactiveReason
from fanfare.domain.errors import Unavailable
from fanfare.domain.filters import AuditFilter
from fanfare.domain.key_rotation import next_data_key
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.registration import RegistrationPlan, deactivate
from fanfare.domain.retention import Kind
from fanfare.domain.shard import pack_shard
from fanfare.ports import Deps
from fanfare.services.clean_up import clean_up
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_notification, a_profile, a_recipient, a_tenant
from tests.fakes import FixedClock, fake_deps

DAY = timedelta(days=1)
TODAY = NOW.date()


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that loses the answer of the next commit, and `others`, whose network is well."""

    firestore: Firestore
    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def lose(self) -> None:
        self.proxy.lose_next = 1

    def end(self, name: str, days: int, *, failed: bool = False) -> None:
        """A notification of one chunk that ended so many days ago."""
        key, at = ChunkKey(TENANT_ID, name, 0), NOW - days * DAY
        told = a_notification(id=name, created_at=at)
        self.others.notifications.accept(told, [a_recipient()])
        claim = self.others.chunks.claim(key, "owner", at)
        assert isinstance(claim, Chunk)
        ended = replace(told, status=NotificationStatus.COMPLETED, completed_at=at, counts=Counts(1, sent=1 - failed, failed=int(failed)))
        letter = DeadLetter(dead_letter_id(key), key, {"UNAVAILABLE": 1}, "UNAVAILABLE", at) if failed else None
        assert self.others.chunks.conclude(replace(claim, state=ChunkState.DONE, completed_at=at), ended, letter)

    def documents(self) -> set[str]:
        """The names, below the tenant, of everything but audit entries and numbers."""
        found: set[str] = set()
        pending = list(self.firestore.collection("tenants").document(TENANT_ID).collections())
        while pending:
            collection = pending.pop()
            for document in collection.list_documents():
                found.add(document.path.removeprefix(f"tenants/{TENANT_ID}/"))
                pending.extend(document.collections())
        return {name for name in found if name.partition("/")[0] not in {"audit", "stats", "stats_days", "keys", "retention"}}


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    """Two instances with a tenant."""
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        others = real_stores(direct, FixedClock(NOW))
        others.tenants.create(a_tenant())
        yield Network(direct, proxy, real_stores(behind, FixedClock(NOW)), others)
        behind.close()
        direct.close()


def _deps(stores: Stores) -> Deps:
    names = ("clock", "tenants", "profiles", "devices", "notifications", "chunks", "audience", "analytics", "audit", "ended", "retention")
    return fake_deps(**{name: getattr(stores, name) for name in names})


def test_what_is_due_goes_and_the_rest_stays(network: Network) -> None:
    stores = network.others
    due = deactivate(a_device(id="gone"), InactiveReason.UNREGISTERED, NOW - 31 * DAY)
    stores.devices.save(
        TENANT_ID, [RegistrationPlan(device) for device in (due, a_device(id="kept"), a_device(id="idle", last_seen_at=NOW - 271 * DAY))]
    )
    profile, _ = stores.profiles.create(TENANT_ID, a_profile(id="person", deleted_at=NOW - 31 * DAY))
    network.end("old", 91, failed=True)
    network.end("failed", 8, failed=True)
    network.end("ended", 8)
    network.end("new", 1)
    stores.audit.record(TENANT_ID, AuditEntry("device.updated", a_call().actor, NOW - 91 * DAY))
    removed = clean_up(_deps(stores), TENANT_ID, "request-1")
    assert removed == {
        Kind.IDLE_TARGETS: 1,
        Kind.INACTIVE_DEVICES: 1,
        Kind.PROFILES: 1,
        Kind.DEAD_LETTERS: 1,
        Kind.RECIPIENTS: 2,
        Kind.NOTIFICATIONS: 1,
        Kind.AUDIT: 1,
    }
    left = {name for name in network.documents() if name.partition("/")[0] in {"notifications", "dead_letters"}}
    chunks = {f"notifications/{name}/chunks/0" for name in ("failed", "ended", "new")}
    rows = {f"notifications/{name}/recipients/0" for name in ("failed", "new")}
    assert left == {"notifications/failed", "notifications/ended", "notifications/new", "dead_letters/failed-0"} | chunks | rows
    assert [device.id for device in stores.devices.get(TENANT_ID, ["gone", "kept", "idle"]) if device.active] == ["kept"]
    assert [row.amounts.cleaned for row in stores.analytics.totals(TENANT_ID, TODAY, TODAY)] == [1]
    stored = stores.profiles.get(TENANT_ID, profile.id)
    assert stored is not None
    assert stored.username is None
    told = stores.audit.list(TENANT_ID, AuditFilter(action="cleanup.performed"), 10, None).items
    assert [row.entry.facts["notifications"] for row in told] == ["1"]
    assert clean_up(_deps(stores), TENANT_ID, "request-2") == {}


def test_device_whose_wiping_was_not_answered_is_counted_once(network: Network) -> None:
    network.others.devices.save(TENANT_ID, [RegistrationPlan(deactivate(a_device(), InactiveReason.DELETED, NOW - 31 * DAY))])
    network.lose()
    assert network.stores.devices.erase(TENANT_ID, ["device-1"], cleaned_on=TODAY) == 1
    assert [row.amounts.cleaned for row in network.others.analytics.totals(TENANT_ID, TODAY, TODAY)] == [1]


@pytest.mark.parametrize("whole", [False, True])
def test_removal_of_a_notification_that_was_not_answered_is_known_to_be_done(network: Network, *, whole: bool) -> None:
    network.end("a", 91, failed=True)
    network.lose()
    found = network.stores.ended.find(TENANT_ID, NOW, 10)
    assert network.stores.ended.remove_small(TENANT_ID, found, NOW, whole=whole) == 1
    assert network.documents() == (set() if whole else {"notifications/a"})


def test_removal_of_a_dead_letter_that_was_not_answered_is_known_to_be_done(network: Network) -> None:
    network.end("a", 91, failed=True)
    (due,) = network.stores.ended.find_letters(TENANT_ID, NOW, 10)
    network.lose()
    assert network.stores.ended.remove_letter(due, with_rows=True)
    assert network.documents() == {"notifications/a", "notifications/a/chunks/0"}


def test_device_that_a_hand_has_broken_does_not_keep_the_others(network: Network) -> None:
    stores = network.others
    for name in ("a", "b"):
        stores.devices.save(TENANT_ID, [RegistrationPlan(deactivate(a_device(id=name), InactiveReason.DELETED, NOW - 31 * DAY))])
    network.firestore.document(f"tenants/{TENANT_ID}/devices/a").update({"target": b"no ciphertext"})
    assert [device.id for device in stores.retention.find_deleted(TENANT_ID, NOW, 10)] == ["b"]


def test_retired_data_key_goes_with_the_last_thing_that_it_opens(network: Network) -> None:
    stores = network.others
    deps = _deps(stores)
    network.end("a", 8)
    tenant = stores.tenants.get_fresh(TENANT_ID)
    assert tenant is not None
    stores.audience.write_shards(TENANT_ID, 1, 1, [PackedShard(StoredShard(0), 0, pack_shard([]))])
    newer = next_data_key(tenant)
    stores.tenants.add_data_key(TENANT_ID, newer, NOW)
    stores.tenants.update(TENANT_ID, lambda stored: replace(stored, data_key_id=newer))
    stores.tenants.settle_data_keys(TENANT_ID, newer, NOW - 5 * DAY)
    retired = stores.retention.find_retired_keys(TENANT_ID, NOW)
    assert retired == {tenant.data_key_id: NOW - 5 * DAY}
    assert Kind.DATA_KEYS not in clean_up(deps, TENANT_ID, "request-1"), "a notification is older"
    network.end("b", 1)
    stores.ended.remove_small(TENANT_ID, [row for row in stores.ended.find(TENANT_ID, NOW, 2) if row.id == "a"], NOW, whole=True)
    shard = f"tenants/{TENANT_ID}/audience/1-0"
    written_at = network.firestore.document(shard).get().update_time
    assert written_at is not None
    assert stores.retention.is_anything_older(TENANT_ID, written_at), "a shard is"
    assert not stores.retention.is_anything_older(TENANT_ID, min(written_at, NOW) - 2 * DAY)
    network.firestore.document(shard).delete()
    assert clean_up(deps, TENANT_ID, "request-2") == {Kind.DATA_KEYS: 1}
    assert stores.retention.find_retired_keys(TENANT_ID, NOW) == {}
    assert stores.chunks.read_recipients(ChunkKey(TENANT_ID, "b", 0)) == (a_recipient(),), "what is sealed with the key in use is read"


def test_data_key_that_is_gone_opens_nothing(network: Network) -> None:
    network.end("a", 1)
    tenant = network.others.tenants.get_fresh(TENANT_ID)
    assert tenant is not None
    network.others.retention.remove_data_key(TENANT_ID, tenant.data_key_id)
    fresh = real_stores(network.firestore, FixedClock(NOW))
    with pytest.raises(Unavailable):
        fresh.chunks.read_recipients(ChunkKey(TENANT_ID, "a", 0))
