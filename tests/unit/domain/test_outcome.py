"""Counting outcomes: everybody is counted once, and whoever has no result is unsent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts
from fanfare.domain.outcome import FINAL_OUTCOMES, Outcome, Result, count, count_by_platform


def results(*outcomes: Outcome) -> list[Result]:
    return [Result(outcome, "x", 200, 1) for outcome in outcomes]


@pytest.mark.parametrize(
    ("outcomes", "targeted", "counts"),
    [
        ((), 0, Counts()),
        ((), 3, Counts(targeted=3, unsent=3)),
        ((Outcome.SENT,), 1, Counts(targeted=1, sent=1)),
        ((Outcome.SENT, Outcome.FAILED, Outcome.RETRYING), 4, Counts(targeted=4, sent=1, failed=1, retrying=1, unsent=1)),
        ((Outcome.UNSENT, Outcome.SENT), 3, Counts(targeted=3, sent=1, unsent=2)),
        ((Outcome.FAILED, Outcome.FAILED), 2, Counts(targeted=2, failed=2)),
    ],
)
def test_outcomes_are_counted(outcomes: tuple[Outcome, ...], targeted: int, counts: Counts) -> None:
    assert count(results(*outcomes), targeted) == counts


@settings(max_examples=50, deadline=None, database=None)
@given(st.lists(st.sampled_from(Outcome), max_size=30), st.integers(0, 10))
def test_counts_always_add_up(outcomes: list[Outcome], without_result: int) -> None:
    targeted = len(outcomes) + without_result
    counts = count(results(*outcomes), targeted)
    assert counts.sent + counts.failed + counts.retrying + counts.unsent == counts.targeted == targeted
    assert counts.unsent == without_result + outcomes.count(Outcome.UNSENT)


def test_only_acceptance_and_failure_are_final() -> None:
    assert {Outcome.SENT, Outcome.FAILED} == FINAL_OUTCOMES


def test_sent_and_failed_are_counted_by_platform() -> None:
    outcomes = [
        (Outcome.SENT, Platform.IOS), (Outcome.SENT, Platform.IOS), (Outcome.FAILED, Platform.IOS), (Outcome.FAILED, Platform.WEB),
        (Outcome.RETRYING, Platform.ANDROID), (Outcome.UNSENT, Platform.ANDROID), (Outcome.SENT, None),
    ]  # fmt: skip
    found = [Result(outcome, "x", 200, 1, platform) for outcome, platform in outcomes]
    assert count_by_platform(found) == {"ios": {"sent": 2, "failed": 1}, "web": {"failed": 1}}
    assert count_by_platform([]) == {}
