"""How many devices filters reach, counted in the packed audience and compared with the devices themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import count, islice
from random import Random

import pytest

from fanfare.domain.audience import Audience
from fanfare.domain.buckets import bucket_of
from fanfare.domain.compaction import PackedShard, StoredShard
from fanfare.domain.message import Platform
from fanfare.domain.segment import Segment
from fanfare.domain.shard import pack_shard, row_of
from fanfare.ports import Deps
from fanfare.services.count_audience import MOST_SHARDS, SOON, AudienceCount, count_audience, sample_of
from tests.factories import NOW, TENANT_ID, a_device, a_token
from tests.fakes import FixedClock, MemoryDeviceStore, RecordingTaskQueue, fake_deps
from tests.fakes.audience import MemoryAudienceStore
from tests.unit.services.seeding import add_devices

IOS = Segment(platform=(Platform.IOS,))
MINUTE = timedelta(minutes=1)


def _count(deps: Deps, *segments: Segment) -> AudienceCount:
    return count_audience(deps, TENANT_ID, segments, "request-1")


def _add(deps: Deps, *days_ago: int, platform: Platform = Platform.IOS, prefix: str = "d") -> None:
    seen = [NOW - timedelta(days=days) for days in days_ago]
    add_devices(deps, *(a_device(id=f"{prefix}{n}", last_seen_at=at, platform=platform, target=a_token(f"{prefix}{n}")) for n, at in enumerate(seen)))


def test_first_count_makes_the_audience_and_tells_the_stale_from_the_reachable() -> None:
    deps = fake_deps()
    _add(deps, 0, 30, 31, 400)
    _add(deps, 0, 0, platform=Platform.WEB, prefix="w")
    add_devices(deps, a_device(id="gone", active=False))
    counted = _count(deps, IOS)
    assert (counted.count, counted.reachable, counted.estimated) == (4, 2, False)
    assert counted.as_of is not None
    assert _count(deps) == replace(counted, count=6, reachable=4)
    assert _count(deps, IOS, Segment(seen_within_days=31)) == replace(counted, count=3)


def test_tenant_without_devices_counts_nobody() -> None:
    counted = _count(fake_deps())
    assert (counted.count, counted.reachable, counted.estimated) == (0, 0, False)


def test_small_audience_is_brought_up_to_date_after_a_minute() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    _add(deps, 0)
    first = _count(deps)
    _add(deps, 0, prefix="new")
    clock.advance(MINUTE)
    assert _count(deps) == first
    clock.advance(timedelta(microseconds=1))
    second = _count(deps)
    assert second.count == 2
    assert first.as_of is not None
    assert second.as_of is not None
    assert second.as_of > first.as_of


def _add_to_first_bucket(deps: Deps, devices: int) -> None:
    names = islice((name for name in map(str, count()) if bucket_of(name) == 0), devices)
    add_devices(deps, *(a_device(id=name) for name in names))


def test_many_changes_are_left_to_a_task_and_the_answer_does_not_wait_for_it() -> None:
    tasks = RecordingTaskQueue()
    deps = fake_deps(tasks=tasks)
    _add_to_first_bucket(deps, SOON)
    assert _count(deps) == AudienceCount(0, 0, estimated=False, as_of=None)
    assert [(task.work, task.tenant, task.request_id) for task in tasks.fanouts] == [("audience", TENANT_ID, "request-1")]


def test_few_changes_are_counted_at_once() -> None:
    tasks = RecordingTaskQueue()
    deps = fake_deps(tasks=tasks)
    _add_to_first_bucket(deps, SOON - 1)
    assert _count(deps).count == SOON - 1
    assert tasks.fanouts == []


def test_unfinished_first_compaction_tells_no_time() -> None:
    clock = FixedClock()
    devices = MemoryDeviceStore(clock)
    audience = MemoryAudienceStore(devices)
    audience.update(TENANT_ID, lambda fresh: replace(fresh, compacted_at=clock.now()))
    deps = fake_deps(clock=clock, devices=devices, audience=audience)
    assert _count(deps) == AudienceCount(0, 0, estimated=False, as_of=None)


@pytest.mark.parametrize("shards", [1, 2, 16, 256, 512, 4_096, 1 << 20])
def test_sample_holds_every_shard_or_256_of_them_spread_evenly(shards: int) -> None:
    sample = sample_of(shards)
    assert len(sample) == len(set(sample)) == min(shards, MOST_SHARDS)
    assert all(0 <= number < shards for number in sample)
    step = shards // len(sample)
    assert [number // step for number in sample] == list(range(len(sample)))
    if shards >= 16:
        assert set(Counter(number % 16 for number in sample).values()) == {len(sample) // 16}


def test_part_of_a_big_audience_is_scaled_to_the_whole() -> None:
    shards, random = 1_024, Random(4)  # noqa: S311 - a drawing for a test
    clock = FixedClock()
    devices = MemoryDeviceStore(clock)
    audience = MemoryAudienceStore(devices)
    header = Audience(TENANT_ID, shards=shards, generations={1: shards}, watermarks=(NOW,) * 16, compacted_at=NOW - timedelta(hours=1))
    audience.headers[TENANT_ID] = header
    ios = 0
    for number in range(shards):
        kinds = [random.choice([Platform.IOS, Platform.ANDROID, Platform.WEB]) for _ in range(random.randint(4, 12))]
        ios += kinds.count(Platform.IOS)
        rows = [row_of(a_device(id=f"{number}-{n}", platform=kind)) for n, kind in enumerate(kinds)]
        assert audience.write_shards(TENANT_ID, 1, 1, [PackedShard(StoredShard(number), len(rows), pack_shard(rows))]) == []
    counted = _count(fake_deps(clock=clock, devices=devices, audience=audience), IOS)
    assert counted.estimated
    assert counted.as_of == NOW
    assert counted.count == counted.reachable
    assert abs(counted.count - ios) < 0.1 * ios
