"""Rows of days as they are asked for: summed by day, week (from Monday) or month, and by what else they are grouped by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fanfare.domain.analytics import EVERY_ROW, Amounts, Row, RowFilter, days_between, total
from fanfare.domain.errors import InvalidRequest

MOST_DAYS = 366
USUAL_DAYS = 30
MOST_GROUPS = 2


class Interval(StrEnum):
    """What is summed together."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Dimension(StrEnum):
    """What rows may be grouped by beside the time."""

    CLIENT_ID = "client_id"
    TOPIC = "topic"
    PLATFORM = "platform"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Question:
    """Which days (both included), how they are summed, and which rows of them."""

    first: date
    last: date
    interval: Interval = Interval.DAY
    filters: RowFilter = EVERY_ROW
    group_by: tuple[Dimension, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """The amounts of some days, of the rows that are alike in what they are grouped by."""

    first: date
    last: date
    group: Mapping[Dimension, str | None]
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Report:
    """What was asked, its figures in the order of their days, and all of them together."""

    question: Question
    figures: Sequence[Figure]
    total: Amounts


def asked_days(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """The days that are meant, by default the last 30 until today. InvalidRequest if the last is before the first, or for more than 366."""
    last = last or (max(today, first) if first is not None else today)
    first = first or last - timedelta(days=USUAL_DAYS - 1)
    if last < first:
        raise InvalidRequest.at("to", "must not be before `from`")
    if (last - first).days >= MOST_DAYS:
        raise InvalidRequest.at("from", f"must be at most {MOST_DAYS} days before `to`, both included")
    return first, last


def report(question: Question, rows: Iterable[Row]) -> Report:
    """Sum rows. Without grouping each interval has a figure, though it be of nothing; of groups those have one of which anything was counted."""
    kept: dict[tuple[date, tuple[str | None, ...]], list[Amounts]] = {}
    spans = _spans(question)
    if not question.group_by:
        kept = {(first, ()): [] for first in dict.fromkeys(first for first, _ in spans.values())}
    for row in rows:
        group = tuple(getattr(row.key, name) for name in question.group_by)
        kept.setdefault((spans[row.key.day][0], group), []).append(row.amounts)
    lasts = dict(spans.values())
    figures = [
        Figure(first, lasts[first], dict(zip(question.group_by, group, strict=True)), amounts)
        for (first, group), parts in sorted(kept.items(), key=_order)
        if (amounts := total(parts)) or not question.group_by
    ]
    return Report(question, figures, total(figure.amounts for figure in figures))


def _order(item: tuple[tuple[date, tuple[str | None, ...]], object]) -> tuple[date, list[str]]:
    (first, group), _ = item
    return first, [name or "" for name in group]


def _spans(question: Question) -> dict[date, tuple[date, date]]:
    """The first and last day of the interval that each day is in; at both ends only the days that are asked for belong to it."""
    days = days_between(question.first, question.last)
    members: dict[date, list[date]] = {}
    for day in days:
        members.setdefault(_beginning(day, question.interval), []).append(day)
    return {day: (group[0], group[-1]) for group in members.values() for day in group}


def _beginning(day: date, interval: Interval) -> date:
    if interval is Interval.WEEK:
        # The ordinal of a Monday leaves 1; the first days of all time begin a week that has no Monday.
        return date.fromordinal(max(1, day.toordinal() - day.weekday()))
    return day.replace(day=1) if interval is Interval.MONTH else day
