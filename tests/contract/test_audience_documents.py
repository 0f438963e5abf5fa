"""An audience's documents as they lie in Firestore: sealed, bound to their places, and no trap when a hand has broken one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.cipher import Undecipherable
from fanfare.domain.audience import BEGINNING
from fanfare.domain.buckets import bucket_of
from fanfare.domain.compaction import Change, PackedShard, StoredShard, merge
from fanfare.domain.errors import Unavailable
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.shard import row_of
from tests.contract.firestore_proxy import firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, TENANT_ID, a_device, a_tenant

HEADER = f"tenants/{TENANT_ID}/audience/header"
SHARD = f"tenants/{TENANT_ID}/audience/1-0"
DEVICE = f"tenants/{TENANT_ID}/devices/device-1"


@dataclass(frozen=True, slots=True)
class Stored:
    """The stores of an instance and what lies below them."""

    stores: Stores
    firestore: Firestore

    def fields(self, path: str) -> dict[str, Any]:
        return self.firestore.document(path).get().to_dict() or {}

    def read(self) -> list[str]:
        (shard,) = self.stores.audience.read_shards(TENANT_ID, 1, [0])
        return [row.device_id for row in shard.rows()]


def a_packed(number: int = 0, device_id: str = "device-1") -> PackedShard:
    return merge(StoredShard(number), [Change(device_id, NOW, row_of(a_device(id=device_id)))])


@pytest.fixture
def stored(firestore: Firestore) -> Stored:
    """A tenant with one shard."""
    stores = real_stores(firestore)
    stores.tenants.create(a_tenant())
    stores.audience.write_shards(TENANT_ID, 1, 3, [a_packed()])
    return Stored(stores, firestore)


def test_shard_names_nobody_in_clear(stored: Stored) -> None:
    fields = stored.fields(SHARD)
    assert a_device().target.value.encode() not in fields["rows"]
    assert b"device-1" not in fields["rows"]
    assert (fields["generation"], fields["epoch"], fields["count"]) == (1, 3, 1)


def test_rows_that_were_moved_to_another_place_do_not_open(stored: Stored) -> None:
    for path in ("1-1", "2-0"):
        stored.firestore.document(f"tenants/{TENANT_ID}/audience/{path}").set(stored.fields(SHARD))
    for generation, number in ((1, 1), (2, 0)):
        with pytest.raises(Unavailable) as refusal:
            stored.stores.audience.read_shards(TENANT_ID, generation, [number])
        assert isinstance(refusal.value.__cause__, Undecipherable)


def test_shard_opens_under_the_key_that_it_was_sealed_with_until_it_is_written_anew(stored: Stored, firestore: Firestore) -> None:
    stored.stores.tenants.add_data_key(TENANT_ID, "key-2", NOW)
    stored.stores.tenants.update(TENANT_ID, lambda tenant: replace(tenant, data_key_id="key-2"))
    later = Stored(real_stores(firestore, stored.stores.clock), firestore)
    assert later.read() == ["device-1"]
    (read,) = later.stores.audience.read_stored(TENANT_ID, 1, [0])
    assert list(later.stores.audience.write_shards(TENANT_ID, 1, 4, [merge(read, [])])) == []
    assert b"key-2" in later.fields(SHARD)["rows"][:10]
    assert later.read() == stored.read() == ["device-1"]


@pytest.mark.parametrize("change", [{"rows": b"\x01\x05key-1nothing"}, {"rows": "text"}, {"rows": b""}, {"epoch": None, "rows": None}])
def test_broken_shard_is_told_and_never_taken_for_an_empty_one(stored: Stored, change: dict[str, Any]) -> None:
    stored.firestore.document(SHARD).update(change)
    for read in (stored.stores.audience.read_shards, stored.stores.audience.read_stored):
        with pytest.raises(Unavailable):
            read(TENANT_ID, 1, [0])


@pytest.mark.parametrize("change", [{"lease": "mine"}, {"generations": None}, {"generations": {"one": 1}}, {"watermarks": 7}])
def test_broken_header_is_told(stored: Stored, change: dict[str, Any]) -> None:
    stored.stores.audience.pin(TENANT_ID, "notification-1", NOW)
    stored.firestore.document(HEADER).update(change)
    with pytest.raises(Unavailable):
        stored.stores.audience.get(TENANT_ID)


@pytest.mark.parametrize("change", [{"platform": "pager"}, {"target": b"\x01\x05key-1nothing"}, {"profiles": [7]}, {"tags": None}])
def test_broken_device_is_no_row_and_stops_nobody(stored: Stored, change: dict[str, Any]) -> None:
    stored.stores.devices.save(TENANT_ID, [RegistrationPlan(a_device())])
    stored.firestore.document(DEVICE).update(change)
    (found,) = stored.stores.audience.read_changes(TENANT_ID, bucket_of("device-1"), BEGINNING, 10)
    assert (found.device_id, found.row, found.is_readable) == ("device-1", None, False)


@pytest.fixture
def behind_a_proxy(emulator: str, project_id: str) -> Iterator[tuple[Stores, Any]]:
    """Stores whose answers can be lost."""
    with firestore_proxy(emulator) as (proxy, host):
        behind = open_firestore(host, project_id)
        stores = real_stores(behind)
        stores.tenants.create(a_tenant())
        yield stores, proxy
        behind.close()


def test_write_whose_answer_was_lost_is_made_once_and_told_as_made(behind_a_proxy: tuple[Stores, Any]) -> None:
    stores, proxy = behind_a_proxy
    proxy.lose_next = 1
    assert list(stores.audience.write_shards(TENANT_ID, 1, 1, [a_packed(0), a_packed(1)])) == []
    (read,) = stores.audience.read_stored(TENANT_ID, 1, [0])
    proxy.lose_next = 1
    assert list(stores.audience.write_shards(TENANT_ID, 1, 2, [merge(read, [])])) == []
    proxy.lose_next = 1
    assert stores.audience.update(TENANT_ID, lambda found: replace(found, epoch=found.epoch + 1)).epoch == 1
    proxy.lose_next = 1
    assert stores.audience.update(TENANT_ID, lambda found: replace(found, epoch=found.epoch + 1)).epoch == 2
    assert proxy.lose_next == 0


def test_large_shards_are_written_in_several_commits(behind_a_proxy: tuple[Stores, Any]) -> None:
    stores, proxy = behind_a_proxy
    rows = [row_of(a_device(id=f"device-{number}", model=None, tags=("x" * 20_000,))) for number in range(30)]
    large = [
        merge(StoredShard(number), [Change(row.device_id, NOW, row._replace(tags=(f"{row.device_id}{row.tags[0]}",))) for row in rows])
        for number in range(9)
    ]
    assert 500_000 < len(large[0].blob) < 700_000
    proxy.commits = 0
    assert list(stores.audience.write_shards(TENANT_ID, 1, 1, large)) == []
    assert proxy.commits == 3
    assert [shard.count for shard in stores.audience.read_shards(TENANT_ID, 1, range(9))] == [30] * 9
