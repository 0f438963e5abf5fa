"""The backoff rule and the end of retrying."""

from __future__ import annotations

import pytest

from local.cloud.answers import parse_retry_after
from local.cloud.errors import ApiError
from local.cloud.tasks.backoff import RetryPolicy, parse_retry_policy


def test_documented_example_doubles_then_grows_linearly() -> None:
    policy = RetryPolicy(min_backoff_seconds=10, max_backoff_seconds=300, max_doublings=3)
    assert [policy.wait_seconds(retry) for retry in range(8)] == [10, 20, 40, 80, 160, 240, 300, 300]


def test_without_doublings_it_grows_linearly() -> None:
    policy = RetryPolicy(min_backoff_seconds=5, max_backoff_seconds=60, max_doublings=0)
    assert [policy.wait_seconds(retry) for retry in (0, 1, 2, 11, 12)] == [5, 10, 15, 60, 60]


@pytest.mark.parametrize(
    ("max_attempts", "max_retry_seconds", "attempts", "age", "exhausted"),
    [
        (3, 0, 2, 1e6, False),
        (3, 0, 3, 0, True),
        (-1, 0, 10**6, 1e6, False),
        (-1, 60, 10**6, 59, False),
        (-1, 60, 1, 60, True),
        (3, 60, 3, 59, False),
        (3, 60, 2, 61, False),
        (3, 60, 3, 60, True),
    ],
)
def test_retrying_ends_once_both_limits_are_reached(
    max_attempts: int, max_retry_seconds: float, attempts: int, age: float, *, exhausted: bool
) -> None:
    policy = RetryPolicy(max_attempts=max_attempts, max_retry_seconds=max_retry_seconds)
    assert policy.is_exhausted(attempts, age) is exhausted


def test_policy_survives_its_own_document() -> None:
    policy = RetryPolicy(7, 90.0, 0.25, 12.0, 2)
    assert parse_retry_policy(policy.to_document()) == policy
    assert parse_retry_policy({}) == RetryPolicy()


@pytest.mark.parametrize(
    "document",
    [
        {"minBackoff": "5"},
        {"minBackoff": "-1s"},
        {"minBackoff": 5},
        {"maxAttempts": -2},
        {"maxDoublings": True},
        {"minBackoff": "9s", "maxBackoff": "8s"},
    ],
)
def test_unreadable_policy_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ApiError) as refused:
        parse_retry_policy(document)
    assert refused.value.status == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:05 GMT", 0.0),
        ("soon", None),
        ("-3", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, now=10.0) == seconds
