from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.cost import broadcast_operations
from fanfare.domain.forecast import Reach, Step, forecast_broadcast, forecast_direct, forecast_fan_out, steps_of
from fanfare.domain.pace import Pace
from fanfare.domain.pacing import Course, Pacing
from tests.factories import NOW

QUOTA = 600_000
MILLION = Reach(1_000_000, 1_000_000, 4_096)
RAMP = Pace(ramp=(1, 5, 25, 100))
IDLE = Pacing()


def test_direct_send_starts_at_once_and_takes_as_long_as_its_chunk() -> None:
    found = forecast_direct(3, 3, NOW)
    assert (found.starts_at, found.messages, found.steps) == (NOW, 3, ())
    assert timedelta(0) < found.finishes_at - NOW < timedelta(seconds=1)
    assert (found.operations.reads, found.operations.writes, found.operations.tasks) == (5, 6, 1)


def test_send_to_nobody_is_over_at_once_and_creates_no_task() -> None:
    found = forecast_direct(0, 1, NOW)
    assert (found.starts_at, found.finishes_at, found.messages) == (NOW, NOW, 0)
    assert (found.operations.reads, found.operations.writes, found.operations.tasks) == (1, 2, 0)


@pytest.mark.parametrize(("subscribers", "seconds"), [(None, 1), (0, 1), (50_000, 5)])
def test_fan_out_waits_for_the_one_before_it_and_takes_as_long_as_fcm(subscribers: int | None, seconds: int) -> None:
    busy = Pacing(Course(NOW + timedelta(seconds=30)))
    found = forecast_fan_out(busy, subscribers, NOW)
    assert found.starts_at == NOW + timedelta(seconds=30)
    assert found.finishes_at - found.starts_at == timedelta(seconds=seconds)
    assert found.messages == 1


def test_broadcast_ends_when_the_quota_allows_it() -> None:
    found = forecast_broadcast(IDLE, MILLION, Pace(), NOW, quota_per_minute=QUOTA)
    # A million at 480,000 a minute, of which the first half minute's worth is lost to the rise from zero.
    minutes = (found.finishes_at - found.starts_at) / timedelta(minutes=1)
    assert 1_000_000 / 480_000 < minutes < 1_000_000 / 480_000 + 1
    assert (found.starts_at, found.messages, found.steps) == (NOW, 1_000_000, ())
    assert found.operations == broadcast_operations(1_000_000, 4_096)


def test_broadcast_comes_after_what_is_queued() -> None:
    queued = Pacing(Course(NOW + timedelta(minutes=7)))
    found, idle = (forecast_broadcast(pacing, MILLION, Pace(), NOW, quota_per_minute=QUOTA) for pacing in (queued, IDLE))
    assert found.starts_at == NOW + timedelta(minutes=7)
    assert found.finishes_at >= idle.finishes_at + timedelta(minutes=6)


def test_broadcast_that_is_spread_takes_that_long() -> None:
    found = forecast_broadcast(IDLE, MILLION, Pace(spread_over_seconds=3_600), NOW, quota_per_minute=QUOTA)
    assert timedelta(minutes=59) < found.finishes_at - found.starts_at < timedelta(minutes=61)


def test_a_ramp_s_stages_add_up_to_everybody() -> None:
    found = forecast_broadcast(IDLE, MILLION, RAMP, NOW, quota_per_minute=QUOTA)
    assert [step.chunks for step in found.steps] == [41, 164, 819, 3_072]
    assert [step.percent for step in found.steps] == [1.0, 5.0, 25.0, 100.0]
    assert sum(step.devices for step in found.steps) == 1_000_000


def test_with_few_shards_the_first_stage_is_larger_than_asked() -> None:
    assert steps_of(Reach(1_000, 1_000, 4), RAMP) == (Step(25.0, 1, 250), Step(100.0, 3, 750))


def test_rows_of_a_few_are_copied_into_full_chunks_first() -> None:
    whole = Reach(1_200, 10_000, 32)
    packed = replace(whole, is_packed=True)
    assert (whole.chunks, packed.chunks) == (32, 3)
    copying = forecast_broadcast(IDLE, packed, Pace(), NOW, quota_per_minute=QUOTA).operations
    sending = broadcast_operations(1_200, 3)
    assert (copying.reads - sending.reads, copying.writes - sending.writes, copying.deletes - sending.deletes) == (32, 3, 3)
    assert copying.read_units > sending.read_units
    assert copying.write_units > sending.write_units


def test_broadcast_to_nobody_is_over_at_once() -> None:
    found = forecast_broadcast(IDLE, Reach(0, 0, 1), RAMP, NOW, quota_per_minute=QUOTA)
    assert (found.starts_at, found.finishes_at, found.messages, found.steps) == (NOW, NOW, 0, ())
    assert found.operations.egress_bytes == 0


@given(st.integers(1, 200_000), st.integers(0, 9), st.lists(st.integers(1, 99), unique=True, max_size=6).map(sorted))
def test_no_device_is_lost_between_the_stages(matching: int, doublings: int, percents: list[int]) -> None:
    reach = Reach(matching, matching, 2**doublings)
    steps = steps_of(reach, Pace(ramp=(*percents, 100)))
    if percents:
        assert sum(step.devices for step in steps) == matching
        assert sum(step.chunks for step in steps) == reach.chunks
        assert all(step.chunks for step in steps)
        assert steps[-1].percent == 100
    else:
        assert steps == ()
