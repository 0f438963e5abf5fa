from __future__ import annotations

import pytest

from fanfare.domain.judging import LEAST_OUTCOMES, judge
from fanfare.domain.notification import Counts, Judgement, StatusReason
from fanfare.domain.pace import Guard

GUARD = Guard(0.05, 0.3)


@pytest.mark.parametrize(
    ("counts", "errors", "expected"),
    [
        (Counts(100, sent=100), {}, Judgement(1, 100, 0.0, 0.0)),
        (Counts(100, sent=95, failed=5), {"INTERNAL": 5}, Judgement(1, 100, 0.05, 0.0)),
        (Counts(100, sent=94, failed=6), {"INTERNAL": 6}, Judgement(1, 100, 0.06, 0.0, StatusReason.GUARD_ERROR_SHARE)),
        (Counts(100, sent=94, retrying=6), {}, Judgement(1, 100, 0.06, 0.0, StatusReason.GUARD_ERROR_SHARE)),
        (Counts(100, sent=70, failed=30), {"UNREGISTERED": 20, "SENDER_ID_MISMATCH": 10}, Judgement(1, 100, 0.0, 0.3)),
        (Counts(100, sent=69, failed=31), {"UNREGISTERED": 31}, Judgement(1, 100, 0.0, 0.31, StatusReason.GUARD_DEAD_SHARE)),
        (Counts(1_000, sent=50, unsent=950), {}, Judgement(1, 50, 0.0, 0.0)),
        (Counts(), {}, Judgement(1, 0, 0.0, 0.0)),
    ],
)
def test_stage_is_judged_by_its_shares(counts: Counts, errors: dict[str, int], expected: Judgement) -> None:
    assert judge(1, counts, errors, GUARD) == expected


@pytest.mark.parametrize(("outcomes", "tripped"), [(LEAST_OUTCOMES - 1, None), (LEAST_OUTCOMES, StatusReason.GUARD_ERROR_SHARE)])
def test_few_outcomes_prove_nothing(outcomes: int, tripped: str | None) -> None:
    assert judge(0, Counts(outcomes, failed=outcomes), {"INTERNAL": outcomes}, GUARD).tripped == tripped
