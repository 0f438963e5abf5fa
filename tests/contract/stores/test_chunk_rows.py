"""Where every chunk store finds the rows of a chunk of many: among the notification's own, in the pinned generation, or in the current one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.chunk_rows import Rows
from fanfare.domain.compaction import PackedShard, StoredShard
from fanfare.domain.layout import Layout, Source
from fanfare.domain.shard import pack_shard, row_of, shard_of
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_notification, a_recipient

ID, SHARDS = "notification-1", 4
DEVICES = [a_device(id=f"device-{number}") for number in range(30)]


def _pack(stores: Stores, generation: int, shards: int) -> None:
    """Store a generation as compaction does, and make it the current one."""
    header = stores.audience.update("acme", lambda stored: replace(stored, generation=generation, newest=generation, shards=shards))
    rows = [[row_of(device) for device in DEVICES if shard_of(device.id, shards) == number] for number in range(shards)]
    packed = [PackedShard(StoredShard(number), len(found), pack_shard(found)) for number, found in enumerate(rows)]
    assert stores.audience.write_shards("acme", generation, header.epoch, packed) == []


@pytest.fixture
def broadcast(stores: Stores, tenant: str) -> Stores:
    """A broadcast over four shards of generation 2."""
    assert tenant == "acme"
    _pack(stores, 2, SHARDS)
    layout = Layout(Source.AUDIENCE, 2, (SHARDS,))
    stores.notifications.accept(a_notification(layout=layout, chunk_count=SHARDS), [])
    return stores


def _ids(found: object) -> set[str]:
    assert isinstance(found, tuple)
    rows: Rows = found[1]
    assert rows.shards is not None
    return {row.device_id for shard in rows.shards for row in shard.recipients()}


def _members(number: int) -> set[str]:
    return {device.id for device in DEVICES if shard_of(device.id, SHARDS) == number}


@pytest.mark.parametrize("generation", [2, None])
def test_shard_is_read_whether_its_generation_is_told_or_not(broadcast: Stores, generation: int | None) -> None:
    for number in range(SHARDS):
        found = broadcast.chunks.read_chunk(ChunkKey("acme", ID, number), generation)
        assert found is not None
        assert found[0].chunk_count == SHARDS
        assert _ids(found) == _members(number)


@pytest.mark.parametrize("shards", [SHARDS, 2 * SHARDS, 4 * SHARDS])
def test_generation_that_is_kept_no_longer_is_looked_for_in_the_current_one(broadcast: Stores, shards: int) -> None:
    broadcast.audience.delete_shards("acme", 2, range(SHARDS))
    _pack(broadcast, 3, shards)
    for number in range(SHARDS):
        assert _ids(broadcast.chunks.read_chunk(ChunkKey("acme", ID, number), 2)) == _members(number)


def test_audience_without_a_header_or_shard_has_no_rows(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(a_notification(layout=Layout(Source.AUDIENCE, 2, (SHARDS,)), chunk_count=SHARDS), [])
    assert _ids(stores.chunks.read_chunk(ChunkKey(tenant, ID, 0), 2)) == set()
    stores.audience.pin(tenant, ID, NOW)
    assert _ids(stores.chunks.read_chunk(ChunkKey(tenant, ID, 0), 2)) == set()


def test_rows_of_its_own_are_read_by_number(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(a_notification(layout=Layout(Source.RECIPIENTS, None, (2,)), chunk_count=2), [])
    stores.recipients.write(tenant, ID, 0, [[a_recipient(device_id="a")], [a_recipient(device_id="b")]])
    found = stores.chunks.read_chunk(ChunkKey(tenant, ID, 1))
    assert found is not None
    assert found[1] == Rows((a_recipient(device_id="b"),))
    assert stores.chunks.read_chunk(ChunkKey(tenant, ID, 2)) is None
    assert stores.chunks.read_chunk(ChunkKey(tenant, "nothing", 0), 2) is None


def test_broadcast_that_is_not_laid_out_has_no_chunk(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(a_notification(layout=Layout(Source.AUDIENCE), chunk_count=0), [])
    assert stores.chunks.read_chunk(ChunkKey(tenant, ID, 0), 2) is None
