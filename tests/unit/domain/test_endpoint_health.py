"""What attempts say of an endpoint: few writes, no success overlooked, five days of nothing but failures."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.endpoint_answer import NotPosted, Posted
from fanfare.domain.endpoint_health import MOST_IN_FLIGHT, NOTED_WITHIN, SLOW, Verdict, is_slow, may_attempt, note_attempt, verdict_of
from fanfare.domain.webhook import FAILING_FOR, Webhook, WebhookReason
from local.functions import FUNCTIONS
from tests.factories import NOW, a_webhook

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
HEALTHY = a_webhook(last_triggered_at=NOW, noted_at=NOW)
FAILING = a_webhook(last_triggered_at=NOW, noted_at=NOW, failure_count=3, failing_since=NOW - DAY)


def _noted(webhook: Webhook, verdict: Verdict, at: datetime) -> Webhook:
    noted = note_attempt(webhook, verdict, at)
    assert noted is not None
    return noted


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Posted(202), Verdict.TAKEN),
        (Posted(410), Verdict.GONE),
        (Posted(301), Verdict.FAILED),
        (Posted(503), Verdict.FAILED),
        (NotPosted("tls"), Verdict.FAILED),
    ],
)
def test_what_an_answer_says_of_its_endpoint(answer: Posted | NotPosted, verdict: Verdict) -> None:
    assert verdict_of(answer) is verdict


def test_first_attempt_is_noted_to_the_minute() -> None:
    noted = _noted(a_webhook(), Verdict.TAKEN, NOW + 42 * SECOND)
    assert (noted.last_triggered_at, noted.noted_at, noted.failure_count) == (NOW, NOW + 42 * SECOND, 0)


def test_success_of_a_healthy_endpoint_is_news_once_a_minute() -> None:
    assert note_attempt(HEALTHY, Verdict.TAKEN, NOW + 59 * SECOND) is None
    assert _noted(HEALTHY, Verdict.TAKEN, NOW + MINUTE).last_triggered_at == NOW + MINUTE


def test_failures_within_ten_seconds_count_as_one() -> None:
    first = _noted(HEALTHY, Verdict.FAILED, NOW + NOTED_WITHIN)
    assert (first.failure_count, first.failing_since) == (1, NOW + NOTED_WITHIN)
    assert note_attempt(first, Verdict.FAILED, NOW + 2 * NOTED_WITHIN - SECOND) is None
    second = _noted(first, Verdict.FAILED, NOW + 2 * NOTED_WITHIN)
    assert (second.failure_count, second.failing_since) == (2, NOW + NOTED_WITHIN)


def test_success_ends_a_failing_however_short_ago_something_was_noted() -> None:
    noted = _noted(FAILING, Verdict.TAKEN, NOW)
    assert (noted.failure_count, noted.failing_since, noted.active) == (0, None, True)


def test_endpoint_is_disabled_after_five_days_of_failures() -> None:
    since = a_webhook(failing_since=NOW, failure_count=9)
    assert _noted(since, Verdict.FAILED, NOW + FAILING_FOR - SECOND).active
    disabled = _noted(since, Verdict.FAILED, NOW + FAILING_FOR)
    assert (disabled.active, disabled.inactive_reason, disabled.failure_count) == (False, WebhookReason.FAILING, 10)
    assert disabled.updated_at == NOW + FAILING_FOR


def test_endpoint_that_is_gone_is_disabled_at_once() -> None:
    disabled = _noted(HEALTHY, Verdict.GONE, NOW + SECOND)
    assert (disabled.active, disabled.inactive_reason) == (False, WebhookReason.GONE)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_nothing_is_noted_of_a_webhook_that_is_inactive(verdict: Verdict) -> None:
    assert note_attempt(a_webhook(active=False), verdict, NOW + DAY) is None


@given(st.lists(st.tuples(st.sampled_from([Verdict.TAKEN, Verdict.FAILED]), st.integers(0, 30)), max_size=200))
def test_few_writes_are_made_and_a_failing_endpoint_has_had_no_success_since(history: list[tuple[Verdict, int]]) -> None:
    webhook, at, writes, last_success = a_webhook(), NOW, 0, None
    for verdict, seconds in history:
        at += seconds * SECOND
        last_success = at if verdict is Verdict.TAKEN else last_success
        noted = note_attempt(webhook, verdict, at)
        writes += noted is not None
        webhook = noted or webhook
        assert webhook.failing_since is None or last_success is None or webhook.failing_since >= last_success
    # One failure and its end in ten seconds, and the minute.
    assert writes <= 2 * ((at - NOW) // NOTED_WITHIN + 1) + (at - NOW) // MINUTE + 1


def test_endpoint_takes_a_quarter_of_the_threads_at_most() -> None:
    threads = next(function.threads for function in FUNCTIONS if function.name == "webhook")
    assert threads == 4 * MOST_IN_FLIGHT
    quick = {"a": True, "b": True}
    assert may_attempt({"a": MOST_IN_FLIGHT - 1}, quick, "a")
    assert not may_attempt({"a": MOST_IN_FLIGHT}, quick, "a")
    assert may_attempt({"a": MOST_IN_FLIGHT}, quick, "b")


def test_endpoints_that_were_not_quick_share_one_part_and_leave_the_others_free() -> None:
    in_flight, tried = {"a": 2, "b": 2, "c": 3}, {"a": False, "c": True, "d": False, "e": True}
    assert not may_attempt(in_flight, tried, "a")
    assert not may_attempt(in_flight, tried, "b")
    assert not may_attempt(in_flight, tried, "d")
    assert may_attempt(in_flight, tried, "c")
    assert may_attempt(in_flight, tried, "e")
    assert may_attempt({"a": 1, "b": 2}, {}, "a")


def test_endpoint_that_was_not_tried_yet_may_show_what_it_is_like() -> None:
    assert may_attempt({"a": MOST_IN_FLIGHT}, {}, "new")
    assert not may_attempt({"a": MOST_IN_FLIGHT, "new": 1}, {}, "new")


@pytest.mark.parametrize(
    ("answer", "took", "slow"),
    [
        (Posted(200), SLOW - timedelta(microseconds=1), False),
        (Posted(200), SLOW, True),
        (Posted(500), SLOW, True),
        (NotPosted("connection"), SECOND, False),
        (NotPosted("timeout"), SECOND, True),
        # The clock was set meanwhile.
        (Posted(200), -DAY, False),
    ],
)
def test_attempt_that_kept_a_thread_is_slow_whatever_its_answer(answer: Posted | NotPosted, took: timedelta, slow: bool) -> None:  # noqa: FBT001 - a table
    assert is_slow(answer, took) is slow
