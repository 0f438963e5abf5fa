"""Waits before another try: never shorter than FCM asks for, longer from one try to the next, and an end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fanfare.domain.classification import RetryRule
from fanfare.domain.retry import retry_at, wait_seconds
from tests.factories import NOW

quick = settings(max_examples=60, deadline=None, database=None)

_rules = st.sampled_from([RetryRule.BACKOFF, RetryRule.QUOTA])
_attempts = st.integers(1, 12) | st.sampled_from([100, 10_000])
_jitters = st.floats(0, 1)
LATER = NOW + timedelta(days=28)


@pytest.mark.parametrize(
    ("rule", "attempt", "shortest", "longest"),
    [
        (RetryRule.BACKOFF, 1, 10, 20),
        (RetryRule.BACKOFF, 2, 10, 40),
        (RetryRule.BACKOFF, 3, 10, 80),
        (RetryRule.BACKOFF, 5, 10, 320),
        (RetryRule.BACKOFF, 6, 10, 600),
        (RetryRule.BACKOFF, 1_000, 10, 600),
        (RetryRule.QUOTA, 1, 60, 70),
        (RetryRule.QUOTA, 2, 60, 120),
        (RetryRule.QUOTA, 3, 60, 240),
        (RetryRule.QUOTA, 5, 60, 600),
        (RetryRule.QUOTA, 1_000, 60, 600),
    ],
)
def test_wait_without_a_header_lies_between_its_bounds(rule: RetryRule, attempt: int, shortest: float, longest: float) -> None:
    assert wait_seconds(rule, attempt, 0, 0.0) == shortest
    assert wait_seconds(rule, attempt, 0, 1.0) == longest
    assert wait_seconds(rule, attempt, 0, 0.5) == (shortest + longest) / 2, "chunks that failed together are spread over the whole range"


@pytest.mark.parametrize(
    ("asked", "shortest", "longest"), [(1, 10, 11), (10, 10, 11), (30, 30, 33), (60, 60, 66), (600, 600, 660), (1_800, 1_800, 1_980)]
)
@pytest.mark.parametrize("rule", [RetryRule.BACKOFF, RetryRule.QUOTA])
@pytest.mark.parametrize("attempt", [1, 7])
def test_wait_that_fcm_asks_for_is_waited_and_a_tenth_more_at_most(
    rule: RetryRule, attempt: int, asked: int, shortest: float, longest: float
) -> None:
    assert wait_seconds(rule, attempt, asked, 0.0) == shortest
    assert wait_seconds(rule, attempt, asked, 1.0) == pytest.approx(longest)


@quick
@given(_rules, _attempts, st.integers(-5, 100_000), _jitters)
def test_nobody_is_tried_again_within_ten_seconds_and_after_a_429_within_a_minute(rule: RetryRule, attempt: int, asked: int, jitter: float) -> None:
    wait = wait_seconds(rule, attempt, asked, jitter)
    assert wait >= 10
    if asked <= 0 and rule is RetryRule.QUOTA:
        assert wait >= 60
    if asked <= 0:
        assert wait <= 600


@quick
@given(_rules, _attempts, st.floats(0, 1), st.floats(0, 1))
def test_jitter_only_lengthens_a_wait(rule: RetryRule, attempt: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert wait_seconds(rule, attempt, 0, low) <= wait_seconds(rule, attempt, 0, high)


@quick
@given(_rules, st.integers(1, 40), _jitters)
def test_later_attempts_never_wait_shorter(rule: RetryRule, attempt: int, jitter: float) -> None:
    assert wait_seconds(rule, attempt, 0, jitter) <= wait_seconds(rule, attempt + 1, 0, jitter)


def due(attempt: int, asked: int, jitter: float, *, failing_for: timedelta = timedelta(0), expires_at: datetime = LATER) -> datetime | None:
    wait = wait_seconds(RetryRule.BACKOFF, attempt, asked, jitter)
    return retry_at(NOW, wait, NOW - failing_for, expires_at)


@settings(max_examples=60, deadline=None, database=None)
@given(_attempts, st.integers(1, 10**12), _jitters)
@example(1, 3_600, 0.0)
@example(1, 3_601, 0.0)
@example(1, 7_200, 0.0)
@example(1, 10**12, 1.0)
def test_no_try_is_earlier_than_fcm_asked(attempt: int, asked: int, jitter: float) -> None:
    at = due(attempt, asked, jitter)
    assert at is None or at >= NOW + timedelta(seconds=asked)


@pytest.mark.parametrize(("asked", "tried"), [(3_600, True), (3_601, False), (86_400, False), (10**12, False)])
def test_wait_of_more_than_an_hour_ends_the_trying(asked: int, tried: bool) -> None:  # noqa: FBT001 - a case of the table
    assert (due(1, asked, 0.0) is not None) is tried


@pytest.mark.parametrize(
    ("wait", "failing_for", "left", "tried"),
    [
        (10, 0, 10, True),
        (10, 0, 9, False),
        (10, 3_590, 86_400, True),
        (10, 3_591, 86_400, False),
        (600, 3_000, 600, True),
        (600, 3_001, 600, False),
        (600, 0, 599, False),
        (10, 0, -1, False),
    ],
)
def test_trying_ends_after_an_hour_or_with_the_message(wait: int, failing_for: int, left: int, tried: bool) -> None:  # noqa: FBT001 - a case of the table
    at = retry_at(NOW, wait, NOW - timedelta(seconds=failing_for), NOW + timedelta(seconds=left))
    assert at == (NOW + timedelta(seconds=wait) if tried else None)


@quick
@given(_rules, st.lists(st.floats(0.05, 1), min_size=80, max_size=80), st.integers(0, 4_000))
def test_whoever_keeps_failing_is_given_up_within_the_hour_and_within_its_life(rule: RetryRule, jitters: list[float], life_seconds: int) -> None:
    expires_at = NOW + timedelta(seconds=life_seconds)
    at: datetime | None = NOW
    for attempt, jitter in enumerate(jitters, start=1):
        assert at is not None
        last, at = at, retry_at(at, wait_seconds(rule, attempt, 0, jitter), NOW, expires_at)
        if at is None:
            break
        assert at - last >= timedelta(seconds=10)
        assert at <= min(NOW + timedelta(hours=1), expires_at)
    assert at is None
