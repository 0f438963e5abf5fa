"""Shards: where a device stands, and that packing loses nothing."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.buckets import BUCKETS, bucket_of
from fanfare.domain.columns import decode_column, encode_column
from fanfare.domain.device import Device
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.packing import UnknownFormat
from fanfare.domain.recipient import Recipient
from fanfare.domain.segment import Segment
from fanfare.domain.segment_columns import column_tests
from fanfare.domain.shard import Shard, ShardRow, count_fresh, count_matching, pack_shard, row_of, select, shard_of, unpack_shard
from fanfare.domain.target import Target
from tests.factories import NOW, a_device, an_owner
from tests.segments import devices

TEXTS = st.none() | st.sampled_from(["", "sw-TZ", 'Ünïcode " \\ \n'])
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants them naive
MANY = st.lists(st.text(max_size=3), max_size=3).map(tuple)
POWERS = st.integers(0, 20).map(lambda exponent: 1 << exponent)


@st.composite
def rows(draw: st.DrawFn) -> ShardRow:
    target = Target(draw(st.sampled_from([TargetKind.TOKEN, TargetKind.FID])), draw(st.text("abc", min_size=1)))
    return ShardRow("", target, draw(st.sampled_from(Platform)), *(draw(TEXTS) for _ in range(5)), draw(INSTANTS), *(draw(MANY) for _ in range(3)))


@given(st.lists(rows(), max_size=12))
def test_packed_rows_come_back_in_the_order_of_their_ids(drawn: list[ShardRow]) -> None:
    named = [row._replace(device_id=f"d{number:02}") for number, row in enumerate(drawn)]
    shard = unpack_shard(pack_shard(reversed(named)))
    assert shard.rows() == tuple(named)
    assert shard.count == len(named)
    assert shard.recipients() == tuple(Recipient(row.device_id, row.target, row.platform, row.locale, row.username) for row in named)


@given(st.lists(st.sampled_from(["a", "b", None, ("c",), ()])))
def test_column_comes_back(values: list[object]) -> None:
    assert decode_column(encode_column(values), len(values)) == [list(value) if isinstance(value, tuple) else value for value in values]


def test_value_that_all_rows_share_is_written_once() -> None:
    assert len(encode_column(["Africa/Dar_es_Salaam"] * 400)) < 40
    assert len(encode_column(["Africa/Dar_es_Salaam", "Europe/Berlin"] * 200)) < 1_000


@given(st.text(), POWERS)
def test_device_stands_in_a_shard_of_its_bucket(device_id: str, shards: int) -> None:
    number = shard_of(device_id, shards)
    assert 0 <= number < shards
    assert number % BUCKETS == bucket_of(device_id) % min(BUCKETS, shards)


@given(st.text(), POWERS, st.integers(1, 4))
def test_doubling_divides_each_shard(device_id: str, shards: int, doublings: int) -> None:
    assert shard_of(device_id, shards << doublings) % shards == shard_of(device_id, shards)


def test_devices_spread_over_all_shards_even_if_there_are_very_many() -> None:
    numbers = {shard_of(f"device-{number}", 1 << 20) for number in range(2_000)}
    assert len(numbers) > 1_990
    assert max(numbers) > 1 << 19


@given(devices())
def test_row_names_only_owners_who_are_not_deleted(device: Device) -> None:
    gone = an_owner("gone", suspended=True)
    assert row_of(replace(device, owners=(gone, *device.owners))) == row_of(device)


def test_row_has_the_first_username() -> None:
    row = row_of(a_device(owners=(an_owner("p1", username=None), an_owner("p2"), an_owner("p3"))))
    assert (row.username, row.profile_ids) == ("user-of-p2", ("p1", "p2", "p3"))


@pytest.mark.parametrize("blob", [b"", b"\x02", b"\xff{}"])
def test_unknown_format_is_refused(blob: bytes) -> None:
    with pytest.raises(UnknownFormat):
        unpack_shard(blob)


def test_empty_shard_selects_nobody_whatever_filters() -> None:
    for shard in (Shard(), unpack_shard(pack_shard([]))):
        for segments in ([], [Segment(tags=("vip",))]):
            assert select(shard, segments, NOW) == ()
            assert (count_matching(shard, segments, NOW), count_fresh(shard, segments, NOW, timedelta(1))) == (0, (0, 0))


def test_column_that_no_filter_names_is_not_even_parsed() -> None:
    packed = unpack_shard(pack_shard([row_of(a_device(tags=("vip",), platform=Platform.IOS))]))
    broken = replace(packed, columns={**packed.columns, "tags": b"{", "timezone": b"{", "last_seen_at": b"{", "topics": b"{"})
    assert len(select(broken, [Segment(platform=(Platform.IOS,))], NOW)) == 1
    assert count_matching(broken, [], NOW) == 1


def test_row_is_counted_as_fresh_up_to_the_very_instant() -> None:
    packed = unpack_shard(pack_shard([row_of(a_device(last_seen_at=NOW - timedelta(days=1)))]))
    assert count_fresh(packed, [], NOW, timedelta(days=1)) == (1, 1)
    assert count_fresh(packed, [], NOW, timedelta(days=1, microseconds=-1)) == (1, 0)


def test_every_filter_of_a_segment_looks_at_a_column_that_there_is() -> None:
    given = {
        "platform": (Platform.WEB,), "app_version": ("x",), "os_version": ("x",), "locale": ("sw",), "timezone": ("UTC",), "seen_within_days": 0,
        "tags": ("a",), "tags_any": ("a",), "tags_none": ("a",), "topics": ("a",), "profile_ids": ("a",),
    }  # fmt: skip
    assert set(given) == {field.name for field in fields(Segment)}
    columns = {test.column for test in column_tests(Segment(**given), NOW)}  # type: ignore[arg-type]
    assert columns <= set(ShardRow._fields)
    assert len(column_tests(Segment(**given), NOW)) == len(given)  # type: ignore[arg-type]
