"""The token bucket and the throttling by the handler's answers."""

from __future__ import annotations

import pytest

from local.cloud.tasks.rate_bucket import RateBucket


def take_all(bucket: RateBucket, now: float) -> int:
    taken = 0
    while bucket.take(now):
        taken += 1
    return taken


def test_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    bucket = RateBucket(rate=10, burst=5, now=100)
    assert take_all(bucket, 100) == 5
    assert bucket.wait_seconds(100) == pytest.approx(0.1)
    assert take_all(bucket, 100.31) == 3


def test_idle_time_saves_no_more_than_the_burst() -> None:
    bucket = RateBucket(rate=10, burst=5, now=0)
    assert take_all(bucket, 1e6) == 5


def test_clock_that_goes_back_gives_nothing() -> None:
    bucket = RateBucket(rate=10, burst=5, now=100)
    assert take_all(bucket, 100) == 5
    assert take_all(bucket, 50) == 0


def test_overload_halves_the_rate_once_a_second() -> None:
    bucket = RateBucket(rate=100, burst=100, now=0)
    bucket.slow_down(0)
    bucket.slow_down(0.9)
    assert bucket.current_rate == 50
    bucket.slow_down(1)
    assert bucket.current_rate == 25
    assert take_all(bucket, 1) == 25


def test_rate_never_falls_to_nothing() -> None:
    fast, slow = RateBucket(rate=128, burst=1, now=0), RateBucket(rate=2, burst=1, now=0)
    for second in range(20):
        fast.slow_down(second)
        slow.slow_down(second)
    assert (fast.current_rate, slow.current_rate) == (2, 1)


def test_successes_bring_the_rate_back_to_the_limit_and_no_further() -> None:
    bucket = RateBucket(rate=100, burst=100, now=0)
    bucket.slow_down(0)
    for _ in range(10):
        bucket.recover(1)
    assert bucket.current_rate == pytest.approx(70)
    for _ in range(30):
        bucket.recover(2)
    assert bucket.current_rate == 100
