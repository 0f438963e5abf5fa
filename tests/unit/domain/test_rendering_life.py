"""The life of a message: decided by priority, shortened by every retry, absolute for APNs."""

from __future__ import annotations

import pytest

from fanfare.domain.lifetime import ttl_seconds_for
from fanfare.domain.message import Message, Platform, Priority
from tests.messages import rendered

EXPIRES_AT_60 = "1795507260"  # 2026-11-24T08:01:00Z


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        (Message(ttl_seconds=0), 0),
        (Message(ttl_seconds=60, priority=Priority.HIGH), 60),
        (Message(priority=Priority.HIGH), 86_400),
        (Message(), 2_419_200),
    ],
)
def test_life_is_the_callers_or_the_prioritys(message: Message, seconds: int) -> None:
    assert ttl_seconds_for(message) == seconds


@pytest.mark.parametrize(("message", "seconds"), [(Message(ttl_seconds=0), 0), (Message(priority=Priority.HIGH), 3_600), (Message(), 3_600)])
def test_tenants_usual_life_stands_for_the_prioritys_and_not_for_the_callers(message: Message, seconds: int) -> None:
    assert ttl_seconds_for(message, usual=3_600) == seconds


@pytest.mark.parametrize(("late_seconds", "remaining"), [(0, 60), (0.9, 60), (1, 59), (59.5, 1), (60, 0), (3_600, 0), (-5, 60)])
def test_retry_sends_the_remaining_life_and_the_same_end(late_seconds: float, remaining: int) -> None:
    topic = rendered(Message(body="B", ttl_seconds=60), None, late_seconds=late_seconds)
    assert topic["android"]["ttl"] == f"{remaining}s"
    assert topic["webpush"]["headers"]["TTL"] == str(remaining)
    assert topic["apns"]["headers"]["apns-expiration"] == EXPIRES_AT_60


def test_now_or_never_has_no_end_for_apns() -> None:
    assert rendered(Message(body="B", ttl_seconds=0), Platform.IOS, late_seconds=9)["apns"]["headers"]["apns-expiration"] == "0"
