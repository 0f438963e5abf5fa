"""What every audience store does: a header that is decided upon, shards that are guarded, and a feed of the devices that changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from fanfare.domain.audience import BEGINNING, KEPT, Audience, Lease
from fanfare.domain.buckets import bucket_of
from fanfare.domain.compaction import Change, PackedShard, StoredShard, merge
from fanfare.domain.device import InactiveReason
from fanfare.domain.errors import Unavailable
from fanfare.domain.message import Platform
from fanfare.domain.registration import RegistrationPlan, deactivate
from fanfare.domain.shard import ShardRow, row_of
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_profile, an_owner

FULL = Audience(
    tenant="acme",
    generation=3,
    shards=64,
    newest=4,
    epoch=7,
    devices=20_000,
    is_counted=False,
    watermarks=tuple(NOW + timedelta(seconds=number) for number in range(16)),
    generations={1: 16, 3: 64, 4: 128},
    pins={"notification-1": 1, "5-": 3},
    superseded={1: NOW, 4: NOW},
    lease=Lease("owner-1", NOW),
    began_at=NOW,
    compacted_at=NOW,
    next_check_at=NOW,
)


def put(stores: Stores, tenant: str, *device_ids: str) -> None:
    plans = [RegistrationPlan(a_device(id=device_id)) for device_id in device_ids]
    assert stores.devices.save(tenant, plans)


def feed(stores: Stores, tenant: str, bucket: int, since: datetime = BEGINNING, *, limit: int = 100, after: Change | None = None) -> list[Change]:
    return list(stores.audience.read_changes(tenant, bucket, since, limit, after))


def packed(device_id: str, over: StoredShard) -> PackedShard:
    return merge(over, [Change(device_id, NOW, row_of(a_device(id=device_id)))])


def ids(rows: tuple[ShardRow, ...]) -> list[str]:
    return [row.device_id for row in rows]


def test_header_comes_back_as_it_was_decided(stores: Stores, tenant: str) -> None:
    assert stores.audience.get(tenant) is None
    assert stores.audience.update(tenant, lambda stored: replace(FULL, devices=stored.shards)) == replace(FULL, devices=1)
    assert stores.audience.update(tenant, lambda stored: replace(stored, devices=20_000)) == FULL
    assert stores.audience.get(tenant) == FULL
    assert stores.audience.update(tenant, lambda _: None) == FULL


def test_header_that_nothing_is_decided_upon_is_not_made(stores: Stores, tenant: str) -> None:
    assert stores.audience.update(tenant, lambda _: None) == Audience(tenant)
    assert stores.audience.get(tenant) is None


def test_headers_of_simultaneous_writers_lose_nothing(stores: Stores, tenant: str) -> None:
    race([partial(stores.audience.pin, tenant, name, NOW) for name in ("one", "two", "three")])
    found = stores.audience.get(tenant)
    assert found is not None
    assert found.pins == {"one": 1, "two": 1, "three": 1}


def test_broadcast_keeps_the_generation_that_it_pinned(stores: Stores, tenant: str) -> None:
    assert stores.audience.pin(tenant, "notification-1", NOW).pins == {"notification-1": 1}
    stores.audience.update(tenant, lambda stored: replace(stored, generation=2, generations={1: 1, 2: 4}, shards=4))
    assert stores.audience.pin(tenant, "notification-1", NOW).pins == {"notification-1": 1}
    assert stores.audience.pin(tenant, "notification-2", NOW).pins == {"notification-1": 1, "notification-2": 2}
    stores.audience.unpin(tenant, "notification-1")
    stores.audience.unpin(tenant, "notification-1")
    found = stores.audience.get(tenant)
    assert found is not None
    assert found.pins == {"notification-2": 2}


def test_unpinning_where_nothing_is_pinned_makes_no_header(stores: Stores, tenant: str) -> None:
    stores.audience.unpin(tenant, "notification-1")
    assert stores.audience.get(tenant) is None


def test_shards_are_read_in_the_order_asked_for_and_missing_ones_are_empty(stores: Stores, tenant: str) -> None:
    shards = [packed(f"device-{number}", StoredShard(number)) for number in (0, 2)]
    assert list(stores.audience.write_shards(tenant, 1, 5, shards)) == []
    assert [ids(shard.rows()) for shard in stores.audience.read_shards(tenant, 1, [2, 1, 0])] == [["device-2"], [], ["device-0"]]
    stored = stores.audience.read_stored(tenant, 1, [0, 1])
    assert [(shard.number, shard.epoch, shard.revision is None) for shard in stored] == [(0, 5, False), (1, 0, True)]
    assert [shard.count for shard in stores.audience.read_shards(tenant, 2, [0])] == [0]


def test_rows_come_back_as_they_were_packed(stores: Stores, tenant: str) -> None:
    device = a_device(
        platform=Platform.IOS, locale="sw-TZ", app_version="3.2", os_version="18", timezone="Africa/Nairobi", tags=("a", "b"), topics=("news",),
        owners=(an_owner("p1", suspended=True), an_owner("p2", username=None), an_owner("p3")),
    )  # fmt: skip
    stores.audience.write_shards(tenant, 1, 1, [merge(StoredShard(0), [Change(device.id, NOW, row_of(device))])])
    assert stores.audience.read_shards(tenant, 1, [0])[0].rows() == (row_of(device),)


def test_shard_that_another_has_written_meanwhile_is_refused(stores: Stores, tenant: str) -> None:
    assert list(stores.audience.write_shards(tenant, 1, 1, [packed("device-1", StoredShard(0))])) == []
    assert list(stores.audience.write_shards(tenant, 1, 2, [packed("device-2", StoredShard(0))])) == [0]
    (read,) = stores.audience.read_stored(tenant, 1, [0])
    assert list(stores.audience.write_shards(tenant, 1, 2, [packed("device-2", read)])) == []
    assert list(stores.audience.write_shards(tenant, 1, 3, [packed("device-3", read)])) == [0]
    (now,) = stores.audience.read_stored(tenant, 1, [0])
    assert (ids(now.shard.rows()), now.epoch) == (["device-1", "device-2"], 2)


def test_of_shards_in_one_commit_all_or_none_are_written(stores: Stores, tenant: str) -> None:
    stores.audience.write_shards(tenant, 1, 1, [packed("device-1", StoredShard(1))])
    refused = stores.audience.write_shards(tenant, 1, 1, [packed("device-0", StoredShard(0)), packed("device-1", StoredShard(1))])
    assert list(refused) == [0, 1]
    assert [shard.count for shard in stores.audience.read_shards(tenant, 1, [0, 1])] == [0, 1]


def test_shards_of_one_generation_are_counted_and_deleted(stores: Stores, tenant: str, other_tenant: str) -> None:
    for generation, owner in ((1, tenant), (2, tenant), (1, other_tenant)):
        stores.audience.write_shards(owner, generation, 1, [packed(f"device-{number}", StoredShard(number)) for number in range(3)])
    stores.audience.update(tenant, lambda stored: replace(stored, devices=40))
    assert stores.audience.count_devices(tenant, 1) == 3
    assert stores.audience.count_devices(tenant, 9) == 0
    stores.audience.delete_shards(tenant, 1, [0, 1, 7])
    assert [stores.audience.count_devices(owner, generation) for owner, generation in ((tenant, 1), (tenant, 2), (other_tenant, 1))] == [1, 3, 3]


def test_changes_are_the_rows_of_active_devices_and_none_for_the_others(stores: Stores, tenant: str) -> None:
    profile, _ = stores.profiles.create(tenant, a_profile(id="p1"))
    owners = (an_owner("gone", suspended=True), an_owner(profile.id, username=profile.username))
    device = a_device(tags=("vip",), topics=("news",), locale="sw", app_version="1.2", os_version="14", timezone="Africa/Nairobi", owners=owners)
    stores.devices.save(tenant, [RegistrationPlan(device)])
    bucket = bucket_of(device.id)
    (stored,) = stores.devices.get(tenant, [device.id])
    assert feed(stores, tenant, bucket) == [Change(device.id, stored.updated_at or NOW, row_of(stored))]
    stores.devices.update(tenant, device.id, lambda found: deactivate(found, InactiveReason.DEACTIVATED, NOW))
    assert [change.row for change in feed(stores, tenant, bucket)] == [None]
    stores.devices.erase(tenant, [device.id])
    assert [(change.device_id, change.row, change.is_readable) for change in feed(stores, tenant, bucket)] == [(device.id, None, True)]


def test_changes_are_paged_in_the_order_of_their_times(stores: Stores, tenant: str, other_tenant: str) -> None:
    names = [name for name in (f"device-{number}" for number in range(120)) if bucket_of(name) == 5][:5]
    put(stores, tenant, *names[:3])
    put(stores, tenant, *names[3:], "device-1")
    put(stores, other_tenant, names[0])
    everything = feed(stores, tenant, 5)
    assert [change.device_id for change in everything] == [*sorted(names[:3]), *sorted(names[3:])] or stores.clock.at == everything[0].updated_at
    assert {change.device_id for change in everything} == set(names)
    paged: list[Change] = []
    while page := feed(stores, tenant, 5, limit=2, after=paged[-1] if paged else None):
        paged += page
    assert paged == everything
    assert feed(stores, tenant, 5, everything[-1].updated_at)[-1:] == everything[-1:]
    assert feed(stores, tenant, 5, everything[-1].updated_at + timedelta(seconds=1)) == []


def test_tenants_with_changes_are_found_everywhere(stores: Stores, tenant: str, other_tenant: str) -> None:
    put(stores, tenant, "device-1")
    put(stores, other_tenant, "device-1")
    found = list(stores.audience.find_changed(bucket_of("device-1"), BEGINNING, 10))
    assert {owner for owner, _ in found} == {tenant, other_tenant}
    assert [at for _, at in found] == sorted(at for _, at in found)
    assert list(stores.audience.find_changed(bucket_of("device-1"), BEGINNING, 1)) == found[:1]
    assert list(stores.audience.find_changed(bucket_of("device-1"), found[-1][1] + timedelta(seconds=1), 10)) == []
    assert list(stores.audience.find_changed((bucket_of("device-1") + 1) % 16, BEGINNING, 10)) == []


def test_audiences_that_must_be_looked_after_are_found_longest_waiting_first(stores: Stores, tenant: str, other_tenant: str) -> None:
    stores.audience.pin(tenant, "notification-1", NOW)
    stores.audience.pin(other_tenant, "notification-1", NOW - KEPT)
    assert list(stores.audience.find_to_check(NOW - timedelta(seconds=1), 10)) == []
    assert list(stores.audience.find_to_check(NOW, 10)) == [other_tenant]
    assert list(stores.audience.find_to_check(NOW + KEPT, 10)) == [other_tenant, tenant]
    assert list(stores.audience.find_to_check(NOW + KEPT, 1)) == [other_tenant]


def test_positions_are_kept(stores: Stores) -> None:
    assert dict(stores.audience.get_positions()) == {}
    stores.audience.set_positions({0: NOW, 15: NOW + timedelta(seconds=1)})
    stores.audience.set_positions({0: NOW, 15: NOW})
    assert dict(stores.audience.get_positions()) == {0: NOW, 15: NOW}


def test_writer_that_always_loses_gives_up(stores: Stores, tenant: str) -> None:
    def meddle(stored: Audience) -> Audience:
        stores.audience.pin(tenant, f"notification-{stored.epoch}-{len(stored.pins)}", NOW)
        return stored

    with pytest.raises(Unavailable):
        stores.audience.update(tenant, meddle)
