"""One predicate, two representations: what is selected in packed shards is what the filters mean of the devices themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.device import Device, Owner
from fanfare.domain.ownership import as_reached
from fanfare.domain.recipient import Recipient, recipient_of
from fanfare.domain.segment import Segment, is_match
from fanfare.domain.shard import count_fresh, count_matching, pack_shard, row_of, select, select_with_zones, shard_of, unpack_shard
from tests.factories import NOW
from tests.segments import WISHES, devices, segment_of


@st.composite
def populations(draw: st.DrawFn) -> list[Device]:
    """Devices under names of their own, some of whose owners are deleted, some of which said versions that are none."""
    found = draw(st.lists(devices(), max_size=12))
    odd = draw(st.lists(st.sampled_from(["", "beta", "3.2-rc1", "v4"]), min_size=len(found), max_size=len(found)))
    return [
        replace(device, id=f"d{number:02}", owners=tuple(_perhaps_deleted(draw, owner) for owner in device.owners), os_version=version or None)
        for number, (device, version) in enumerate(zip(found, odd, strict=True))
    ]


def _perhaps_deleted(draw: st.DrawFn, owner: Owner) -> Owner:
    return replace(owner, suspended=draw(st.booleans()))


def meant(population: list[Device], segments: list[Segment]) -> set[Recipient]:
    """The truth: each device asked by itself."""
    reached = [as_reached(device) for device in population]
    return {recipient_of(device) for device in reached if all(is_match(segment, device, NOW) for segment in segments)}


@settings(max_examples=150)
@given(populations(), st.lists(WISHES, max_size=3), st.sampled_from([1, 2, 16]))
def test_shards_select_exactly_the_devices_that_are_meant(population: list[Device], wishes: list[dict[str, Any]], shards: int) -> None:
    segments = [segment_of(wish) for wish in wishes]
    packed = [unpack_shard(pack_shard(row_of(device) for device in population if shard_of(device.id, shards) == number)) for number in range(shards)]
    selected = [recipient for shard in packed for recipient in select(shard, segments, NOW)]
    expected = meant(population, segments)
    assert set(selected) == expected
    assert len(selected) == len(expected) == sum(count_matching(shard, segments, NOW) for shard in packed)
    zones = {device.id: device.timezone for device in population}
    zoned = [found for shard in packed for found in select_with_zones(shard, segments, NOW)]
    assert zoned == [(recipient, zones[recipient.device_id]) for recipient in selected]


@given(populations(), st.lists(WISHES, max_size=2))
def test_shard_counts_those_who_were_heard_of_lately(population: list[Device], wishes: list[dict[str, Any]]) -> None:
    segments = [segment_of(wish) for wish in wishes]
    within = timedelta(hours=40)
    seen = [device for device in population if NOW - device.last_seen_at <= within]
    packed = unpack_shard(pack_shard(map(row_of, population)))
    assert count_fresh(packed, segments, NOW, within) == (len(meant(population, segments)), len(meant(seen, segments)))
