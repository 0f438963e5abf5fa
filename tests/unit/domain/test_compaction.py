"""Merging changes into shards, and when there must be more of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.audience import OVERLAP
from fanfare.domain.compaction import (
    MOST_SHARDS,
    Change,
    PackedShard,
    Sizes,
    StoredShard,
    by_shard,
    divide,
    factor_for,
    factor_for_mean,
    merge,
    merge_bounded,
    watermark_after,
)
from fanfare.domain.shard import row_of, shard_of, unpack_shard
from tests.factories import NOW, a_device

SIZES = Sizes(rows=4)
NAMES = [f"device-{number}" for number in range(8)]
ROWS = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2))
CHANGES = st.lists(st.tuples(st.sampled_from(NAMES), st.none() | st.integers(0, 2)))


def a_change(device_id: str, version: int | None = 0) -> Change:
    return Change(device_id, NOW, None if version is None else row_of(a_device(id=device_id, tags=(f"v{version}",))))


def a_shard(*device_ids: str) -> StoredShard:
    return StoredShard(0, unpack_shard(merge(StoredShard(0), map(a_change, device_ids)).blob))


def held(packed: PackedShard) -> dict[str, str]:
    return {row.device_id: row.tags[0] for row in unpack_shard(packed.blob).rows()}


@given(ROWS, CHANGES)
def test_shard_holds_what_was_said_last_of_each_device(rows: dict[str, int], changes: list[tuple[str, int | None]]) -> None:
    before = merge(StoredShard(0), [a_change(*row) for row in rows.items()])
    after = merge(StoredShard(0, unpack_shard(before.blob)), [a_change(*change) for change in changes])
    said: dict[str, int | None] = {**rows, **dict(changes)}
    assert held(after) == {device_id: f"v{version}" for device_id, version in said.items() if version is not None}
    assert after.rows == len(held(after))


def test_full_shard_of_a_superseded_generation_takes_in_who_was_there() -> None:
    full = a_shard("device-0", "device-1", "device-2")
    merged = merge_bounded(full, [a_change(NAMES[number]) for number in (3, 4, 5)] + [a_change("device-0", 1), a_change("device-1", None)], SIZES)
    assert held(merged) == {"device-0": "v1", "device-2": "v0", "device-3": "v0"}
    assert held(merge_bounded(full, [a_change("device-0", 1), a_change("device-3")], SIZES)).keys() == {*NAMES[:4]}
    assert held(merge_bounded(StoredShard(0), [a_change("device-1"), a_change("device-1", 1)], SIZES)) == {"device-1": "v1"}


def test_shard_that_has_grown_too_large_anyway_takes_nobody_in() -> None:
    merged = merge_bounded(a_shard(*NAMES[:5]), [a_change("device-6"), a_change("device-0", 1)], SIZES)
    assert set(held(merged)) == set(NAMES[:5])
    narrow = Sizes(bytes=len(merge(a_shard("device-0"), []).blob) + 10)
    assert set(held(merge_bounded(a_shard("device-0"), [a_change("device-1")], narrow))) == {"device-0"}


def test_changes_are_put_by_shard_in_their_order() -> None:
    changes = [a_change(name) for name in NAMES]
    placed = by_shard(changes, 4)
    assert list(placed) == sorted(placed)
    assert [change for number in placed for change in placed[number]] == sorted(changes, key=lambda change: shard_of(change.device_id, 4))


@given(st.sets(st.sampled_from(NAMES)), st.sampled_from([2, 8]))
def test_divided_shard_is_its_parts(names: set[str], shards: int) -> None:
    parts = divide(a_shard(*names), shards)
    assert {name for part in parts for name in held(part)} == names
    assert all(shard_of(name, shards) == part.stored.number for part in parts for name in held(part))
    assert [part.stored for part in parts] == [StoredShard(part.stored.number) for part in parts]
    assert all(part.rows for part in parts)


def some(rows: int, size: int = 0, number: int = 1) -> list[PackedShard]:
    return [PackedShard(StoredShard(0), rows, b"x" * size)] * number


@pytest.mark.parametrize(
    ("merged", "shards", "factor"),
    [
        (some(500), 1, 1),
        (some(501), 1, 2),
        (some(801), 1, 4),
        (some(20_000), 1, 64),
        (some(450, number=16), 4096, 1),
        (some(300, number=15) + some(501), 4096, 2),
        (some(10, 700 * 1024), 1, 1),
        (some(10, 700 * 1024 + 1), 1, 2),
        (some(5_000), MOST_SHARDS, 1),
        (some(5_000), MOST_SHARDS // 2, 2),
    ],
)
def test_shards_are_doubled_until_they_have_room(merged: list[PackedShard], shards: int, factor: int) -> None:
    assert factor_for(merged, shards, Sizes()) == factor


@pytest.mark.parametrize(("devices", "shards", "factor"), [(0, 1, 1), (400, 1, 1), (401, 1, 2), (1_000_000, 1, 4096), (1 << 40, MOST_SHARDS, 1)])
def test_mean_of_all_shards_decides_at_the_end(devices: int, shards: int, factor: int) -> None:
    assert factor_for_mean(devices, shards, Sizes()) == factor


def test_watermark_stays_behind_what_may_still_be_under_way() -> None:
    assert watermark_after(NOW, None) == NOW - OVERLAP
    assert watermark_after(NOW, NOW) == NOW - OVERLAP
    assert watermark_after(NOW, NOW - OVERLAP - timedelta(seconds=1)) == NOW - OVERLAP - timedelta(seconds=1)
