"""The canary: what became of a stage of a broadcast, and whether its guard lets the next one begin."""

from __future__ import annotations

from collections.abc import Mapping

from fanfare.domain.notification import Counts, Judgement, StatusReason
from fanfare.domain.pace import Guard

LEAST_OUTCOMES = 20
"""Fewer say nothing: one bad target among three would stop a broadcast."""
DEAD_CODES = frozenset({"UNREGISTERED", "SENDER_ID_MISMATCH"})
"""FCM's words for a target that is gone; every other failure is an error. Source: fcm.md, "Error → action"."""


def judge(stage: int, counts: Counts, errors: Mapping[str, int], guard: Guard) -> Judgement:
    """Judge a stage by its counts and its failures by code; whoever is still being tried again counts as an error."""
    outcomes = counts.sent + counts.failed + counts.retrying
    dead = sum(number for code, number in errors.items() if code in DEAD_CODES)
    failures = counts.failed + counts.retrying - dead
    error_share, dead_share = _share(failures, outcomes), _share(dead, outcomes)
    return Judgement(stage, outcomes, error_share, dead_share, _tripped(outcomes, error_share, dead_share, guard))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _tripped(outcomes: int, error_share: float, dead_share: float, guard: Guard) -> str | None:
    if outcomes < LEAST_OUTCOMES:
        return None
    if error_share > guard.max_error_share:
        return StatusReason.GUARD_ERROR_SHARE
    return StatusReason.GUARD_DEAD_SHARE if dead_share > guard.max_dead_share else None
