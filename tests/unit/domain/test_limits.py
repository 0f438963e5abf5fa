"""Rate limits: a minute's counter in parts that together allow exactly the limit, and headers that never promise too much."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.limits import (
    DEFAULT_LIMITS,
    LARGEST_LIMIT,
    WINDOW,
    Budget,
    LimitGroup,
    Usage,
    Window,
    block_of,
    left_of,
    limit_of,
    parts_of,
    share_of,
    started_of,
    usage_alone,
    usage_of,
    window_at,
)
from tests.factories import NOW

MINUTE = timedelta(seconds=60)
_limits = st.integers(1, 500) | st.sampled_from([59, 60, 61, 119, 120, 121, 10_000, LARGEST_LIMIT])
quick = settings(max_examples=60, deadline=None, database=None)


def window(limit: int, part: int = 0) -> Window:
    return Window(budget(limit), NOW, part)


def budget(limit: int = 100, caller: str = "client-1", group: LimitGroup = LimitGroup.SEND) -> Budget:
    return Budget("acme", caller, group, limit)


def test_improvement_plan_is_the_limit_of_whoever_has_no_own() -> None:
    assert {group.value: limit_of({}, group) for group in LimitGroup} == {"send": 100, "bulk": 10, "devices": 50, "analytics": 30, "other": 300}


def test_own_limit_of_one_group_changes_no_other() -> None:
    assert limit_of({"send": 1_000}, LimitGroup.SEND) == 1_000
    assert limit_of({"send": 1_000}, LimitGroup.BULK) == DEFAULT_LIMITS[LimitGroup.BULK]


@pytest.mark.parametrize(
    ("limit", "parts"), [(0, 1), (60, 1), (61, 2), (100, 2), (120, 2), (121, 3), (3_999, 67), (4_000, 34), (100_000, 34), (1_000_000, 34)]
)
def test_no_part_takes_more_than_a_write_a_second(limit: int, parts: int) -> None:
    assert parts_of(limit) == parts
    assert share_of(limit, 0) / block_of(limit) <= 60


@quick
@given(_limits)
def test_shares_add_up_to_the_limit_and_differ_by_one_at_most(limit: int) -> None:
    shares = [share_of(limit, part) for part in range(parts_of(limit))]
    assert sum(shares) == limit
    assert max(shares) - min(shares) <= 1
    assert all(0 < share <= 60 * block_of(limit) for share in shares)


@pytest.mark.parametrize(("second", "started"), [(0, 0), (0.001, 0), (59.999, 0), (60, 60), (61.5, 60)])
def test_window_is_the_minute_of_the_clock(second: float, started: int) -> None:
    found = window_at(budget(), NOW + timedelta(seconds=second), 0)
    assert found.started_at == NOW + timedelta(seconds=started)


def test_requests_go_through_the_parts_in_turn() -> None:
    windows = [window_at(budget(150), NOW, turn) for turn in range(6)]
    assert [found.part for found in windows] == [0, 1, 2, 0, 1, 2]
    assert {found.budget for found in windows} == {budget(150)}


def test_every_client_group_minute_and_part_counts_by_itself() -> None:
    first = window_at(budget(), NOW, 0)
    others = [
        window_at(budget(caller="client-2"), NOW, 0),
        window_at(budget(group=LimitGroup.BULK), NOW, 0),
        window_at(budget(), NOW + MINUTE, 0),
        window_at(budget(), NOW, 1),
    ]
    assert first.key == f"client-1-send-{int(NOW.timestamp())}-0"
    assert len({first.key, *(other.key for other in others)}) == 5
    assert window_at(budget(), NOW + timedelta(seconds=59), 2).key == first.key


@pytest.mark.parametrize(
    ("limit", "count", "second", "usage"),
    [
        (10, 1, 0, Usage(allowed=True, group=LimitGroup.SEND, limit=10, remaining=9, reset_seconds=61)),
        (10, 10, 30, Usage(allowed=True, group=LimitGroup.SEND, limit=10, remaining=0, reset_seconds=31)),
        (10, 11, 30, Usage(allowed=False, group=LimitGroup.SEND, limit=10, remaining=0, reset_seconds=31)),
        (10, 5_000, 59.5, Usage(allowed=False, group=LimitGroup.SEND, limit=10, remaining=0, reset_seconds=1)),
        # Two parts of fifty.
        (100, 1, 0, Usage(allowed=True, group=LimitGroup.SEND, limit=100, remaining=98, reset_seconds=61)),
        (100, 50, 0, Usage(allowed=True, group=LimitGroup.SEND, limit=100, remaining=0, reset_seconds=61)),
        (100, 51, 0, Usage(allowed=False, group=LimitGroup.SEND, limit=100, remaining=0, reset_seconds=61)),
        # Parts of 51 and 50: the first never tells of more than the limit has left.
        (101, 1, 0, Usage(allowed=True, group=LimitGroup.SEND, limit=101, remaining=100, reset_seconds=61)),
        (0, 1, 0, Usage(allowed=False, group=LimitGroup.SEND, limit=0, remaining=0, reset_seconds=61)),
        # An instance whose clock is behind.
        (10, 1, 75, Usage(allowed=True, group=LimitGroup.SEND, limit=10, remaining=9, reset_seconds=1)),
    ],
)
def test_request_is_judged_by_its_part_and_told_what_is_left_of_all(limit: int, count: int, second: float, usage: Usage) -> None:
    assert usage_of(window(limit), count, NOW + timedelta(seconds=second)) == usage


@quick
@given(st.integers(1, 300), st.integers(0, 5), st.integers(0, 60))
def test_requests_of_one_instance_are_allowed_up_to_exactly_the_limit(limit: int, first_turn: int, beyond: int) -> None:
    counters, told = Counter[str](), list[Usage]()
    for turn in range(first_turn, first_turn + limit + parts_of(limit) + beyond):
        found = window_at(budget(limit), NOW, turn)
        counters[found.key] += 1
        told.append(usage_of(found, counters[found.key], NOW))
    assert sum(usage.allowed for usage in told) == limit
    assert all(0 <= usage.remaining <= limit - 1 for usage in told)
    assert told[-1].remaining == 0


@quick
@given(_limits, st.integers(1, 1_000), st.floats(0, 59.999))
def test_whoever_waits_as_told_is_in_the_next_minute(limit: int, count: int, second: float) -> None:
    now = NOW + timedelta(seconds=second)
    reset = usage_of(window(limit), count, now).reset_seconds
    assert window_at(budget(), now + timedelta(seconds=reset), 0).started_at == NOW + MINUTE


@pytest.mark.parametrize(("limit", "block"), [(0, 1), (100, 1), (3_999, 1), (4_000, 2), (100_000, 50), (1_000_000, 500)])
def test_block_is_a_request_for_most_callers_and_a_two_thousandth_of_a_high_limit(limit: int, block: int) -> None:
    assert block_of(limit) == block


@pytest.mark.parametrize(("count", "left"), [(0, 50), (49, 1), (50, 0), (500, 0)])
def test_part_has_left_what_its_counter_leaves_of_its_share(count: int, left: int) -> None:
    assert left_of(window(100), count) == left


@given(limit=st.integers(1, 1_000), count=st.integers(1, 2_000), second=st.floats(0, 59.9))
def test_counter_in_one_part_allows_exactly_the_limit(limit: int, count: int, second: float) -> None:
    now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC) + timedelta(seconds=second)
    usage = usage_alone(Budget("acme", "message-1", LimitGroup.OTHER, limit), count, now)
    assert (usage.allowed, usage.remaining, usage.limit) == (count <= limit, max(0, limit - count), limit)
    assert started_of(now + timedelta(seconds=usage.reset_seconds)) == started_of(now) + WINDOW
