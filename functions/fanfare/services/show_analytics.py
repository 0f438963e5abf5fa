"""What a tenant sent: read from the totals of its days where that is enough, else from the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from typing import NamedTuple

from fanfare.domain.analytics import NOTHING, Row, days_between
from fanfare.domain.analytics_report import Question, Report, report
from fanfare.domain.errors import InvalidRequest
from fanfare.ports import Deps

MOST_ROWS = 10_000
"""What one answer is summed of: some two seconds of reading."""


class DayTotal(NamedTuple):
    """What was counted on a day, in the words of fcmpy."""

    day: date
    sent_ok: int
    sent_fail: int
    cleaned: int


def today(deps: Deps) -> date:
    """The UTC day of this moment."""
    return deps.clock.now().astimezone(UTC).date()


def show_analytics(deps: Deps, tenant: str, question: Question) -> Report:
    """Sum a tenant's rows. InvalidRequest if these are too many for one answer."""
    return report(question, _read(deps, tenant, question))


def daily_totals(deps: Deps, tenant: str, days: int) -> list[DayTotal]:
    """What was counted on each of the last days, today being the last; a day of nothing is one of zeros."""
    last = today(deps)
    first = last - timedelta(days=days - 1)
    found = {row.key.day: row.amounts for row in deps.analytics.totals(tenant, first, last)}
    amounts = [(day, found.get(day, NOTHING)) for day in days_between(first, last)]
    return [DayTotal(day, counted.total_sent, counted.total_failed, counted.cleaned) for day, counted in amounts]


def _read(deps: Deps, tenant: str, question: Question) -> Sequence[Row]:
    if not question.filters and not question.group_by:
        return deps.analytics.totals(tenant, question.first, question.last)
    rows = deps.analytics.rows(tenant, question.first, question.last, question.filters, MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        raise InvalidRequest.at("from", f"asks for more than {MOST_ROWS} rows: ask for fewer days, or filter by more")
    return rows
