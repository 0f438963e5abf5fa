"""What became of one recipient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts


class Outcome(StrEnum):
    """A recipient's state; `SENT` (FCM accepted it) and `FAILED` are final."""

    SENT = "sent"
    FAILED = "failed"
    RETRYING = "retrying"
    UNSENT = "unsent"


class Result(NamedTuple):
    """One recipient's outcome. `detail` is FCM's message id where sent, else the error code; `http_status` is 0 where FCM gave no answer.

    While retrying, `due_at` is when it is tried again. `since` is when it failed first, also after a later attempt; None if the first one decided.
    `dead_letter` marks a failure that a replay may mend.
    """

    outcome: Outcome
    detail: str
    http_status: int
    attempts: int
    platform: Platform | None = None
    username: str | None = None
    due_at: datetime | None = None
    since: datetime | None = None
    dead_letter: bool = False


FINAL_OUTCOMES = frozenset({Outcome.SENT, Outcome.FAILED})
_WHAT_AND_WHERE = attrgetter("outcome", "platform")


def count(results: Iterable[Result], targeted: int) -> Counts:
    """Count outcomes; whoever has no result yet is unsent."""
    by = Counter(result.outcome for result in results)
    decided = by[Outcome.SENT] + by[Outcome.FAILED] + by[Outcome.RETRYING]
    return Counts(targeted, by[Outcome.SENT], by[Outcome.FAILED], by[Outcome.RETRYING], targeted - decided)


def count_retries(results: Iterable[Result]) -> int:
    """How many attempts were made after the first ones."""
    return sum(result.attempts - 1 for result in results if result.attempts > 1)


def count_by_platform(results: Iterable[Result]) -> dict[str, dict[str, int]]:
    """How many were sent and how many failed on each platform; what FCM fans out itself has none and is left out."""
    platforms: dict[str, dict[str, int]] = {}
    for (outcome, platform), number in Counter(map(_WHAT_AND_WHERE, results)).items():
        if outcome in FINAL_OUTCOMES and platform is not None:
            platforms.setdefault(platform.value, {})[outcome.value] = number
    return platforms
