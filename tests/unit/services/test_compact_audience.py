"""Compaction: who may do it, how it ends early and is gone on with, and what it leaves in the header."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from fanfare.domain.audience import BEGINNING, LEASE, OVERLAP, Audience, Lease, take_lease
from fanfare.domain.compaction import Change, Sizes
from fanfare.domain.errors import Unavailable
from fanfare.domain.registration import RegistrationPlan
from fanfare.ports import Deps
from fanfare.services.compact_audience import compact_audience
from fanfare.services.tenure import WORKING_TIME
from tests.factories import NOW, TENANT_ID, a_device
from tests.fakes import FixedClock, FixedLifecycle, MemoryAudienceStore, MemoryDeviceStore, RecordingLog, RecordingTaskQueue, fake_deps
from tests.fakes.tasks import FanoutTask

GO_ON = FanoutTask("audience", TENANT_ID, (), "request-1")


class Meddling(MemoryAudienceStore):
    """An audience store that does something else before its n-th query for changes."""

    def __init__(self, devices: MemoryDeviceStore) -> None:
        super().__init__(devices)
        self.meddle: dict[int, Any] = {}
        self.queries = 0

    def read_changes(self, *given: Any, **named: Any) -> list[Change]:
        self.queries += 1
        self.meddle.get(self.queries, lambda: None)()
        return super().read_changes(*given, **named)


def a_deps(**overrides: Any) -> Deps:
    clock = FixedClock(NOW)
    devices = MemoryDeviceStore(clock)
    return fake_deps(**{"clock": clock, "devices": devices, "audience": Meddling(devices), **overrides})


def register(deps: Deps, number: int, *, first: int = 0) -> None:
    for index in range(first, first + number):
        deps.devices.save(TENANT_ID, [RegistrationPlan(a_device(id=f"device-{index}"))])


def compact(deps: Deps, sizes: Sizes = Sizes()) -> bool:  # noqa: B008 - it is frozen
    return compact_audience(deps, TENANT_ID, "request-1", sizes=sizes)


def header(deps: Deps) -> Audience:
    found = deps.audience.get(TENANT_ID)
    assert found is not None
    return found


def shard_sizes(deps: Deps) -> Sequence[int]:
    found = header(deps)
    return [shard.count for shard in deps.audience.read_shards(TENANT_ID, found.generation, range(found.shards))]


def store_of(deps: Deps) -> Meddling:
    return cast("Meddling", deps.audience)


def test_first_compaction_makes_an_audience_of_every_device() -> None:
    deps = a_deps()
    register(deps, 30)
    assert compact(deps)
    found = header(deps)
    assert (found.devices, found.shards, found.compacted_at, found.lease) == (30, 1, NOW, None)
    assert found.watermarks == (NOW - OVERLAP,) * 16
    assert list(shard_sizes(deps)) == [30]


def test_audience_of_a_tenant_without_devices_is_empty() -> None:
    deps = a_deps()
    assert compact(deps)
    assert (header(deps).devices, list(shard_sizes(deps))) == (0, [0])


def test_shards_are_divided_before_they_grow_too_large() -> None:
    deps = a_deps()
    register(deps, 1_000)
    assert compact(deps)
    assert header(deps).shards == 4
    assert sum(shard_sizes(deps)) == header(deps).devices == 1_000
    assert max(shard_sizes(deps)) <= 500
    assert min(shard_sizes(deps)) > 200


def test_large_first_import_comes_in_by_pages() -> None:
    deps = a_deps()
    register(deps, 400)
    assert compact(deps, Sizes(mean=10, rows=15, page=7, query=3, shards=4))
    assert header(deps).shards >= 40
    assert sum(shard_sizes(deps)) == 400
    assert max(shard_sizes(deps)) <= 15


def test_nobody_compacts_while_somebody_else_does() -> None:
    deps = a_deps()
    register(deps, 1)
    taken = deps.audience.update(TENANT_ID, lambda stored: take_lease(stored, "somebody", NOW))
    assert not compact(deps)
    assert header(deps) == taken
    cast("FixedClock", deps.clock).advance(LEASE * 2)
    assert compact(deps)


def test_pass_that_was_overtaken_says_so_and_writes_no_more() -> None:
    deps = a_deps(log=(log := RecordingLog()))
    register(deps, 40)

    def overtake() -> None:
        cast("FixedClock", deps.clock).advance(LEASE * 2)
        deps.audience.update(TENANT_ID, lambda stored: take_lease(stored, "somebody", deps.clock.now()))

    store_of(deps).meddle[9] = overtake
    assert not compact(deps)
    assert header(deps).lease == Lease("somebody", NOW + LEASE * 3)
    assert header(deps).watermark == BEGINNING
    assert [record.event for record in log.records] == ["compaction_overtaken"]


def test_instance_that_ends_leaves_the_rest_to_another_task() -> None:
    deps = a_deps(lifecycle=(lifecycle := FixedLifecycle()), tasks=(tasks := RecordingTaskQueue()))
    register(deps, 40)
    store_of(deps).meddle[9] = lambda: setattr(lifecycle, "stopping", True)
    assert not compact(deps)
    found = header(deps)
    assert (found.lease, found.began_at, tasks.fanouts) == (None, NOW, [GO_ON])
    assert [mark > BEGINNING for mark in found.watermarks].count(True) == 9
    lifecycle.stopping = False
    store_of(deps).queries = 100
    assert compact(deps)
    assert (header(deps).devices, header(deps).began_at) == (40, None)


def test_task_that_has_worked_long_enough_leaves_the_rest_to_another() -> None:
    deps = a_deps(tasks=(tasks := RecordingTaskQueue()))
    register(deps, 40)
    store_of(deps).meddle[3] = lambda: cast("FixedClock", deps.clock).advance(WORKING_TIME)
    assert not compact(deps)
    assert tasks.fanouts == [GO_ON]
    assert compact(deps)
    assert header(deps).devices == 40


def test_what_is_furthest_behind_comes_first() -> None:
    deps = a_deps()
    marks = tuple(NOW - OVERLAP - timedelta(minutes=number) for number in range(16))
    deps.audience.update(TENANT_ID, lambda stored: Audience(stored.tenant, watermarks=marks))
    seen: list[int] = []
    original = store_of(deps).read_changes
    setattr(store_of(deps), "read_changes", lambda tenant, bucket, *rest: (seen.append(bucket), original(tenant, bucket, *rest))[1])  # noqa: B010
    assert compact(deps)
    assert seen == list(reversed(range(16)))


def test_lease_is_given_back_when_the_store_fails() -> None:
    def fail() -> None:
        raise Unavailable("Firestore does not answer.")

    deps = a_deps()
    register(deps, 40)
    store_of(deps).meddle[9] = fail
    with pytest.raises(Unavailable):
        compact(deps)
    assert header(deps).lease is None
    assert compact(deps)
    assert header(deps).devices == 40


def test_division_that_was_broken_off_begins_anew_under_another_number() -> None:
    deps = a_deps(lifecycle=(lifecycle := FixedLifecycle()))
    register(deps, 300)
    assert compact(deps)
    register(deps, 300, first=300)
    writes = store_of(deps).write_shards

    def stop_in_new_generation(tenant: str, generation: int, *rest: Any) -> list[int]:
        lifecycle.stopping = generation == 2
        return writes(tenant, generation, *rest)

    sizes = Sizes(mean=20, rows=30, shards=8)
    setattr(store_of(deps), "write_shards", stop_in_new_generation)  # noqa: B010
    deps.audience.update(TENANT_ID, lambda stored: Audience(stored.tenant, devices=300))
    assert not compact(deps, sizes) or header(deps).generation > 1
    lifecycle.stopping = False
    setattr(store_of(deps), "write_shards", writes)  # noqa: B010
    assert compact(deps, sizes)
    assert sum(shard_sizes(deps)) == header(deps).devices == 600


def test_device_that_cannot_be_read_is_left_out_and_told() -> None:
    deps = a_deps(log=(log := RecordingLog()))
    register(deps, 2)
    original = store_of(deps).read_changes

    def broken(*given: Any) -> list[Change]:
        found = original(*given)
        return [Change(row.device_id, row.updated_at, None, is_readable=False) if row.device_id == "device-1" else row for row in found]

    setattr(store_of(deps), "read_changes", broken)  # noqa: B010
    assert compact(deps)
    assert header(deps).devices == 1
    assert [(record.event, record.fields["devices"]) for record in log.records] == [("devices_unreadable", 1)]


def test_pass_without_changes_writes_no_shard() -> None:
    deps = a_deps()
    register(deps, 40)
    compact(deps)
    cast("FixedClock", deps.clock).advance(OVERLAP * 2)
    compact(deps)
    before = dict(store_of(deps).documents)
    cast("FixedClock", deps.clock).advance(OVERLAP * 2)
    assert compact(deps)
    assert store_of(deps).documents == before
    assert header(deps).watermark == NOW + OVERLAP * 3
