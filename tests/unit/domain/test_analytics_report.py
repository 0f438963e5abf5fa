"""Rows summed as they are asked for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.analytics import Amounts, Row, RowKey, days_between, total
from fanfare.domain.analytics_report import Dimension, Interval, Question, asked_days, report
from fanfare.domain.errors import InvalidRequest

TODAY = date(2026, 11, 24)
PLATFORM, TEMPLATE = Dimension.PLATFORM, Dimension.TEMPLATE


def _row(day: date, sent: int, platform: str | None = "android", template: str | None = None) -> Row:
    return Row(RowKey(day, "client-1", None, platform, template), Amounts(sent))


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (None, None, (date(2026, 10, 26), TODAY)),
        (date(2026, 11, 1), None, (date(2026, 11, 1), TODAY)),
        (date(2026, 12, 1), None, (date(2026, 12, 1), date(2026, 12, 1))),
        (None, date(2026, 3, 30), (date(2026, 3, 1), date(2026, 3, 30))),
        (TODAY, TODAY, (TODAY, TODAY)),
        (date(2024, 1, 1), date(2024, 12, 31), (date(2024, 1, 1), date(2024, 12, 31))),
    ],
)
def test_days_that_are_meant(first: date | None, last: date | None, days: tuple[date, date]) -> None:
    assert asked_days(first, last, TODAY) == days


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [(TODAY, TODAY - timedelta(days=1), "to"), (date(2025, 1, 1), date(2026, 1, 2), "from"), (date(2020, 1, 1), None, "from")],
)
def test_days_that_can_not_be_asked_for_are_refused_by_name(first: date, last: date | None, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked_days(first, last, TODAY)
    assert [error.field for error in refused.value.errors] == [field]


def test_every_day_has_a_figure() -> None:
    found = report(Question(TODAY - timedelta(days=2), TODAY), [_row(TODAY, 2), _row(TODAY, 3, "ios")])
    assert [(figure.first, figure.last, figure.amounts.total_sent) for figure in found.figures] == [
        (TODAY - timedelta(days=2),) * 2 + (0,),
        (TODAY - timedelta(days=1),) * 2 + (0,),
        (TODAY, TODAY, 5),
    ]
    assert found.total == Amounts(5)


def test_weeks_begin_on_mondays_and_are_cut_at_both_ends() -> None:
    # 24 November 2026 is a Tuesday.
    found = report(Question(date(2026, 11, 12), TODAY, Interval.WEEK), [_row(date(2026, 11, 15), 1), _row(date(2026, 11, 16), 2), _row(TODAY, 4)])
    assert [(figure.first, figure.last, figure.amounts.total_sent) for figure in found.figures] == [
        (date(2026, 11, 12), date(2026, 11, 15), 1),
        (date(2026, 11, 16), date(2026, 11, 22), 2),
        (date(2026, 11, 23), TODAY, 4),
    ]


def test_months_are_cut_at_both_ends() -> None:
    found = report(Question(date(2024, 1, 31), date(2024, 3, 1), Interval.MONTH), [_row(date(2024, 2, 29), 1)])
    assert [(figure.first, figure.last, figure.amounts.total_sent) for figure in found.figures] == [
        (date(2024, 1, 31), date(2024, 1, 31), 0),
        (date(2024, 2, 1), date(2024, 2, 29), 1),
        (date(2024, 3, 1), date(2024, 3, 1), 0),
    ]


def test_first_week_of_all_time_is_a_week() -> None:
    found = report(Question(date.min, date(1, 1, 8), Interval.WEEK), [_row(date.min, 1)])
    assert [(figure.first, figure.amounts.total_sent) for figure in found.figures] == [(date.min, 1), (date(1, 1, 8), 0)]


def test_groups_have_figures_where_something_was_counted() -> None:
    rows = [_row(TODAY, 2, "ios", "order"), _row(TODAY, 3, "ios"), _row(TODAY, 1, "android"), _row(TODAY, 0, "web"), _row(TODAY, 4, None)]
    found = report(Question(TODAY - timedelta(days=1), TODAY, group_by=(PLATFORM,)), rows)
    groups = [(dict(figure.group), figure.amounts.total_sent) for figure in found.figures]
    assert groups == [({PLATFORM: None}, 4), ({PLATFORM: "android"}, 1), ({PLATFORM: "ios"}, 5)]


def test_two_groups_combine() -> None:
    rows = [_row(TODAY, 2, "ios", "order"), _row(TODAY, 3, "ios"), _row(TODAY - timedelta(days=1), 1, "ios", "order")]
    found = report(Question(TODAY - timedelta(days=1), TODAY, Interval.MONTH, group_by=(TEMPLATE, PLATFORM)), rows)
    groups = [(dict(figure.group), figure.amounts.total_sent) for figure in found.figures]
    assert groups == [({TEMPLATE: None, PLATFORM: "ios"}, 3), ({TEMPLATE: "order", PLATFORM: "ios"}, 3)]


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9), st.sampled_from(["android", "ios", None]), st.sampled_from(["a", None])), max_size=20),
    st.sampled_from(Interval),
    st.lists(st.sampled_from(Dimension), max_size=2, unique=True),
)
def test_figures_add_up_to_the_rows_and_cover_the_days_once(
    found: list[tuple[int, int, str | None, str | None]], interval: Interval, group_by: list[Dimension]
) -> None:
    first = TODAY - timedelta(days=99)
    rows = [_row(first + timedelta(days=day), sent, platform, template) for day, sent, platform, template in found]
    shown = report(Question(first, TODAY, interval, group_by=tuple(group_by)), rows)
    assert shown.total == total(row.amounts for row in rows)
    if not group_by:
        days = [day for figure in shown.figures for day in days_between(figure.first, figure.last)]
        assert days == days_between(first, TODAY)
