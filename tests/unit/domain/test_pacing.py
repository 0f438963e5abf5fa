from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.pace import Pace, Urgency
from fanfare.domain.pacing import (
    DODGE,
    HORIZON,
    LOWERED_FOR,
    MOST_CHUNKS_PER_MINUTE,
    QUARTER,
    QUOTA_WAIT,
    Course,
    Flow,
    Pacing,
    Share,
    budget_of,
    lower,
    plan_fan_out,
    plan_slots,
    release,
)

NOW = datetime(2026, 11, 24, 8, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUOTA = 600_000
WARM = Pacing(Course(NOW, 60.0))


def flow(chunks: int, name: str = "notification-1", pace: Pace | None = None) -> Flow:
    return Flow(name, chunks, pace or Pace())


def fullest_minute(slots: Sequence[datetime], counts: Sequence[int]) -> int:
    """The most messages that begin in any minute, wherever it begins."""
    ordered = sorted(zip(slots, counts, strict=True))
    return max((sum(count for at, count in ordered if start <= at < start + MINUTE) for start, _ in ordered), default=0)


def test_lane_that_was_idle_rises_to_its_rate_within_a_minute() -> None:
    slots, after = plan_slots(Pacing(), [400] * 2_000, NOW, quota_per_minute=QUOTA, flow=flow(2_000))
    within = [sum(slot < NOW + timedelta(seconds=second) for slot in slots) for second in (10, 20, 40, 60, 120)]
    # 1,200 chunks a minute, from nothing: a quarter of a tenth, a tenth, ... half of them in the first minute.
    assert within == [17, 67, 267, 600, 1_800]
    assert after.course.warm_seconds == 60.0


def test_lane_that_is_warm_goes_on_at_its_rate() -> None:
    slots, _ = plan_slots(WARM, [400] * 1_200, NOW, quota_per_minute=QUOTA, flow=flow(1_200))
    assert (slots[0], slots[600], slots[-1]) == (NOW, NOW + MINUTE / 2, NOW + MINUTE - MINUTE / 1_200)


def test_lane_cools_as_fast_as_it_warms() -> None:
    idle = replace(WARM, course=Course(NOW - timedelta(seconds=45), 60.0))
    slots, _ = plan_slots(idle, [400, 400], NOW, quota_per_minute=QUOTA, flow=flow(2))
    # A quarter of the rate at first, which is a chunk each 200 ms, a little less by its end.
    assert timedelta(milliseconds=190) < slots[1] - slots[0] < timedelta(milliseconds=200)


def test_broadcasts_of_a_tenant_send_one_after_the_other() -> None:
    first, lane = plan_slots(Pacing(), [400] * 50, NOW, quota_per_minute=QUOTA, flow=flow(50))
    second, _ = plan_slots(lane, [400] * 50, NOW, quota_per_minute=QUOTA, flow=flow(50, "notification-2"))
    both, _ = plan_slots(Pacing(), [400] * 100, NOW, quota_per_minute=QUOTA, flow=flow(100))
    assert first + second == both


def test_slow_broadcast_lets_others_pass_and_leaves_them_the_rest() -> None:
    slow = flow(100, "slow", Pace(spread_over_seconds=3_600))
    _, lane = plan_slots(Pacing(), [400] * 100, NOW, quota_per_minute=QUOTA, flow=slow)
    slots, after = plan_slots(replace(lane, course=WARM.course), [400] * 1_200, NOW, quota_per_minute=QUOTA, flow=flow(1_200))
    # 1,198: two chunks of the slow one may fall into one minute.
    assert sum(slot < NOW + MINUTE for slot in slots) == 1_198
    assert [(share.flow, share.per_minute) for share in after.shares] == [("slow", 800)]


def test_slow_broadcast_begins_after_what_was_planned_at_the_whole_rate() -> None:
    _, lane = plan_slots(WARM, [400] * 1_200, NOW, quota_per_minute=QUOTA, flow=flow(1_200))
    slots, _ = plan_slots(lane, [400], NOW, quota_per_minute=QUOTA, flow=flow(10, "slow", Pace(spread_over_seconds=3_600)))
    assert slots == (lane.course.next_at,)


def test_share_ends_with_its_broadcast() -> None:
    lane = Pacing(shares=(Share("slow", 400, Course(NOW - MINUTE)),))
    assert plan_slots(lane, [1], NOW, quota_per_minute=QUOTA, flow=flow(1))[1].shares == ()


def test_slow_broadcasts_together_leave_half_of_the_lane() -> None:
    lane = Pacing()
    for number in range(3):
        pace = Pace(per_minute=100_000)
        _, lane = plan_slots(lane, [400] * 300, NOW, quota_per_minute=QUOTA, flow=flow(300, f"slow-{number}", pace))
    assert [share.flow for share in lane.shares] == ["slow-0", "slow-1"]
    assert lane.course.next_at > NOW


def test_broadcast_that_keeps_out_of_the_quarter_hours_lets_others_pass() -> None:
    before_the_hour = NOW.replace(hour=8, minute=59)
    waiting = flow(10, "whenever", Pace(urgency=Urgency.WHENEVER))
    slots, lane = plan_slots(Pacing(), [400] * 10, before_the_hour, quota_per_minute=QUOTA, flow=waiting)
    assert slots[0] == before_the_hour + 3 * MINUTE
    others, _ = plan_slots(lane, [400] * 10, before_the_hour, quota_per_minute=QUOTA, flow=flow(10))
    assert others[0] == before_the_hour
    assert [(share.flow, share.per_minute) for share in lane.shares] == [("whenever", QUOTA * 80 // 100 // 2)]


def test_broadcast_that_is_stopped_gives_back_what_nobody_stands_behind() -> None:
    _, lane = plan_slots(WARM, [400] * 1_200, NOW, quota_per_minute=QUOTA, flow=flow(1_200))
    begun = NOW + timedelta(seconds=10)
    freed = release(lane, "notification-1", begun)
    assert freed is not None
    assert plan_slots(freed, [400], begun, quota_per_minute=QUOTA, flow=flow(1, "next"))[0] == (begun,)
    assert release(freed, "notification-1", begun) is None
    # Nothing of it has begun: the lane is as it was.
    _, second = plan_slots(lane, [400] * 10, NOW, quota_per_minute=QUOTA, flow=flow(10, "next"))
    unbegun = release(second, "next", NOW)
    assert unbegun is not None
    assert unbegun.course == lane.course


def test_broadcast_that_is_stopped_keeps_the_place_of_those_behind_it() -> None:
    _, lane = plan_slots(WARM, [400] * 1_200, NOW, quota_per_minute=QUOTA, flow=flow(1_200))
    _, both = plan_slots(lane, [400] * 10, NOW, quota_per_minute=QUOTA, flow=flow(10, "next"))
    assert release(both, "notification-1", NOW) is None
    assert release(lane, "notification-1", lane.course.next_at) is None


def test_slow_broadcast_that_is_stopped_leaves_its_share() -> None:
    _, lane = plan_slots(Pacing(), [400], NOW, quota_per_minute=QUOTA, flow=flow(10, "slow", Pace(spread_over_seconds=3_600)))
    assert release(lane, "slow", NOW) == replace(lane, shares=())


def test_page_goes_on_where_the_page_before_it_ended() -> None:
    paced = flow(100, pace=Pace(per_minute=800))
    whole, _ = plan_slots(Pacing(), [400] * 100, NOW, quota_per_minute=QUOTA, flow=paced)
    first, lane = plan_slots(Pacing(), [400] * 60, NOW, quota_per_minute=QUOTA, flow=paced)
    second, _ = plan_slots(lane, [400] * 40, NOW, quota_per_minute=QUOTA, flow=paced)
    assert first + second == whole


def test_chunk_that_is_larger_than_a_minute_may_hold_waits_for_its_own_time() -> None:
    slots, _ = plan_slots(WARM, [500] * 3, NOW, quota_per_minute=QUOTA, flow=flow(3, pace=Pace(per_minute=100)))
    assert slots[2] - slots[1] == timedelta(minutes=5)


def test_rate_never_asks_the_queue_for_more_than_it_dispatches() -> None:
    slots, _ = plan_slots(WARM, [1] * 1_000, NOW, quota_per_minute=100_000_000, flow=flow(1_000))
    assert slots[1] - slots[0] == MINUTE / MOST_CHUNKS_PER_MINUTE


def test_slots_far_ahead_are_not_given_yet() -> None:
    paced = flow(1_000, pace=Pace(per_minute=1))
    slots, lane = plan_slots(Pacing(), [60] * 1_000, NOW, quota_per_minute=QUOTA, flow=paced)
    assert 0 < len(slots) < 1_000
    assert slots[-1] <= NOW + HORIZON
    assert plan_slots(lane, [60], NOW, quota_per_minute=QUOTA, flow=paced)[0] == ()
    later, _ = plan_slots(lane, [60], NOW + HORIZON, quota_per_minute=QUOTA, flow=paced)
    assert len(later) == 1
    assert len(plan_slots(Pacing(), [60] * 1_000, NOW, quota_per_minute=QUOTA, flow=paced, within=None)[0]) == 1_000


def test_nothing_takes_no_slots() -> None:
    assert plan_slots(WARM, [], NOW, quota_per_minute=QUOTA, flow=flow(0)) == ((), WARM)


@pytest.mark.parametrize(
    ("minute", "second", "begins"),
    [(12, 59, (12, 59)), (13, 0, (17, 0)), (15, 0, (17, 0)), (16, 59, (17, 0)), (17, 0, (17, 0)), (58, 0, (62, 0)), (30, 30, (32, 0))],
)
def test_what_is_not_urgent_keeps_out_of_the_quarter_hours(minute: int, second: int, begins: tuple[int, int]) -> None:
    now = NOW.replace(minute=minute, second=second)
    slots, _ = plan_slots(Pacing(), [400], now, quota_per_minute=QUOTA, flow=flow(1, pace=Pace(urgency=Urgency.WHENEVER)))
    assert slots == (NOW.replace(minute=0) + timedelta(minutes=begins[0], seconds=begins[1]),)


def test_urgent_broadcast_does_not_wait_for_the_quarter_hour_to_pass() -> None:
    now = NOW.replace(minute=15)
    assert plan_slots(Pacing(), [400], now, quota_per_minute=QUOTA, flow=flow(1))[0] == (now,)


def test_refused_lane_waits_a_minute_and_goes_on_at_half_its_rate() -> None:
    lowered = lower(replace(WARM, shares=(Share("slow", 400, Course(NOW)),)), QUOTA, NOW)
    assert lowered is not None
    assert (lowered.limit_per_minute, lowered.limited_until) == (240_000, NOW + LOWERED_FOR)
    assert (lowered.course, lowered.shares[0].course) == (Course(NOW + QUOTA_WAIT), Course(NOW + QUOTA_WAIT))
    assert budget_of(lowered, QUOTA, NOW) == 240_000
    assert budget_of(lowered, QUOTA, NOW + LOWERED_FOR) == 480_000


def test_thousand_refusals_at_once_lower_a_lane_once_and_later_ones_again() -> None:
    lowered = lower(Pacing(), QUOTA, NOW)
    assert lowered is not None
    assert lower(lowered, QUOTA, NOW + timedelta(seconds=59)) is None
    again = lower(lowered, QUOTA, NOW + QUOTA_WAIT)
    assert again is not None
    assert again.limit_per_minute == 120_000


def test_lane_is_never_lowered_to_nothing() -> None:
    lane = Pacing()
    for minutes in range(20):
        lane = lower(lane, QUOTA, NOW + minutes * QUOTA_WAIT) or lane
    assert lane.limit_per_minute == 30_000
    assert budget_of(replace(lane, limit_per_minute=1), 1, NOW) == 1


def test_topic_waits_until_the_one_before_it_has_been_fanned_out() -> None:
    first, lane = plan_fan_out(Pacing(), 100_000, NOW)
    second, lane = plan_fan_out(lane, 0, NOW)
    third, _ = plan_fan_out(lane, 0, NOW + timedelta(hours=1))
    assert (first, second, third) == (NOW, NOW + timedelta(seconds=10), NOW + timedelta(hours=1))
    assert lane.course.next_at == NOW + timedelta(seconds=11)


PACES = st.builds(
    Pace,
    spread_over_seconds=st.none() | st.integers(1, 7_200),
    per_minute=st.none() | st.integers(1, 200_000),
    urgency=st.sampled_from(Urgency),
)
COUNTS = st.lists(st.integers(1, 500), min_size=1, max_size=60)
LANES = st.builds(Pacing, st.builds(Course, st.integers(-120, 120).map(lambda seconds: NOW + timedelta(seconds=seconds)), st.floats(0, 60)))


@settings(max_examples=150)
@given(counts=COUNTS, pace=PACES, lane=LANES, quota=st.integers(1, 1_000_000))
def test_slots_keep_to_the_quota_and_to_the_pace(counts: list[int], pace: Pace, lane: Pacing, quota: int) -> None:
    slots, after = plan_slots(lane, counts, NOW, quota_per_minute=quota, flow=flow(len(counts), pace=pace), within=None)
    assert len(slots) == len(counts)
    assert list(slots) == sorted(slots)
    assert slots[0] >= NOW
    limit = max(*counts, min(quota * 80 // 100, pace.per_minute or quota))
    assert fullest_minute(slots, counts) <= limit
    last = max([after.course.next_at, *(share.course.next_at for share in after.shares)])
    assert last > slots[-1]


@settings(max_examples=100)
@given(counts=COUNTS, pace=PACES.map(lambda pace: replace(pace, urgency=Urgency.WHENEVER)), lane=LANES)
def test_what_is_not_urgent_is_never_sent_around_a_quarter_hour(counts: list[int], pace: Pace, lane: Pacing) -> None:
    slots, _ = plan_slots(lane, counts, NOW, quota_per_minute=QUOTA, flow=flow(len(counts), pace=pace), within=None)
    midnight = NOW.replace(hour=0, minute=0)
    assert all(DODGE <= (slot - midnight) % QUARTER < QUARTER - DODGE for slot in slots)


@settings(max_examples=100)
@given(chunks=st.integers(1, 200), spread=st.integers(1, 86_400))
def test_spread_broadcast_ends_within_its_spread_where_the_quota_lets_it(chunks: int, spread: int) -> None:
    paced = flow(chunks, pace=Pace(spread_over_seconds=spread))
    slots, _ = plan_slots(Pacing(), [1] * chunks, NOW, quota_per_minute=100_000_000, flow=paced, within=None)
    fast, _ = plan_slots(Pacing(), [1] * chunks, NOW, quota_per_minute=100_000_000, flow=flow(chunks), within=None)
    assert slots[-1] <= max(NOW + timedelta(seconds=spread), fast[-1])
    assert chunks == 1 or slots[-1] >= NOW + timedelta(seconds=spread) * (1 - 1 / chunks) / 2


@settings(max_examples=60)
@given(
    pages=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 40)), min_size=1, max_size=6),
    rates=st.tuples(*[st.none() | st.integers(500, 100_000)] * 3),
)
def test_broadcasts_together_keep_to_the_quota(pages: list[tuple[str, int]], rates: tuple[int | None, ...]) -> None:
    lane, sent = Pacing(), []
    for name, chunks in pages:
        paced = flow(1_000, name, Pace(per_minute=rates["abc".index(name)]))
        slots, lane = plan_slots(lane, [500] * chunks, NOW, quota_per_minute=60_000, flow=paced, within=None)
        sent += slots
    # A minute in which a share begins or ends may hold a chunk more.
    assert fullest_minute(sent, [500] * len(sent)) <= 48_000 + 3 * 500
