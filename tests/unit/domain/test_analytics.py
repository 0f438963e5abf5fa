"""What notifications add to the rows of their days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.analytics import (
    EVERY_ROW,
    NOTHING,
    Amounts,
    Row,
    RowFilter,
    RowKey,
    cleaned_rows,
    day_rows,
    days_between,
    difference,
    merge_rows,
    total,
)
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.tallying import ByPlatform, Untallied, contributions_of, day_of, decide_tally
from tests.factories import NOW, a_notification

DAY = NOW.date()
KEY = RowKey(DAY, "client-1", "news", "android", "order")
AMOUNTS = st.builds(Amounts, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
CONTRIBUTED = st.dictionaries(st.sampled_from(["android", "ios", "web", None]), AMOUNTS)


def test_mean_time_to_delivery_needs_a_receipt() -> None:
    assert Amounts().avg_delivery_time_ms is None
    assert Amounts(delivery_ms=2_500, delivery_times=2).avg_delivery_time_ms == 1_250


@pytest.mark.parametrize(("amounts", "is_something"), [(Amounts(), False), (Amounts(cleaned=1), True), (Amounts(total_sent=-1), True)])
def test_amounts_are_something_where_a_number_is(amounts: Amounts, is_something: bool) -> None:  # noqa: FBT001
    assert bool(amounts) == is_something


@given(AMOUNTS, AMOUNTS)
def test_difference_makes_one_of_the_other(before: Amounts, after: Amounts) -> None:
    assert total([before, difference(after, before)]) == after


def test_filter_says_whether_it_filters() -> None:
    assert not EVERY_ROW
    assert all(RowFilter(**{name: "x"}) for name in ("client_id", "topic", "platform", "template"))


@pytest.mark.parametrize(
    ("created_at", "day"),
    [
        (datetime(2026, 11, 24, 23, 59, tzinfo=UTC), date(2026, 11, 24)),
        (datetime(2026, 11, 25, 1, 0, tzinfo=timezone(timedelta(hours=3))), date(2026, 11, 24)),
        (datetime(2026, 11, 24, 20, 0, tzinfo=timezone(timedelta(hours=-8))), date(2026, 11, 25)),
    ],
)
def test_notification_counts_on_the_utc_day_of_its_creation(created_at: datetime, day: date) -> None:
    started = created_at + timedelta(days=3)
    assert day_of(a_notification(created_at=created_at, started_at=started)) == day


@pytest.mark.parametrize(
    ("counts", "platforms", "contributed"),
    [
        (Counts(3, sent=2, failed=1), {"android": {"sent": 2}, "ios": {"failed": 1}}, {"android": Amounts(2), "ios": Amounts(0, 1)}),
        (Counts(3, sent=1, retrying=2), {"web": {"sent": 1}}, {"web": Amounts(1)}),
        (Counts(1, sent=1), {}, {None: Amounts(1)}),
        (Counts(5, sent=3, failed=2), {"android": {"sent": 1, "failed": 2}}, {"android": Amounts(1, 2), None: Amounts(2)}),
        (Counts(5, unsent=5), {}, {}),
    ],
)
def test_notification_contributes_what_was_sent_and_failed(counts: Counts, platforms: dict[str, dict[str, int]], contributed: ByPlatform) -> None:
    assert contributions_of(a_notification(), counts, platforms) == contributed
    assert contributions_of(a_notification(validate_only=True), counts, platforms) == {}


def test_tally_adds_the_difference_to_what_was_contributed() -> None:
    found = Untallied(a_notification(topic="news", client_id="client-1"), {"android": Amounts(1, 2), "ios": Amounts(1), "web": Amounts(4)})
    tally = decide_tally(found, {"android": Amounts(3), "web": Amounts(4), None: Amounts(1)})
    key = RowKey(DAY, "client-1", "news")
    assert set(tally.rows) == {
        Row(key._replace(platform="android"), Amounts(2, -2)),
        Row(key._replace(platform="ios"), Amounts(-1)),
        Row(key, Amounts(1)),
    }
    assert tally.contributed == {"android": Amounts(3), "web": Amounts(4), None: Amounts(1)}


@given(st.lists(CONTRIBUTED, max_size=6))
def test_tallies_one_after_another_add_up_to_the_last(states: list[ByPlatform]) -> None:
    found, rows = Untallied(a_notification(), {}), list[Row]()
    for state in states:
        tally = decide_tally(found, state)
        found, rows = replace(found, contributed=tally.contributed), [*rows, *tally.rows]
    last = states[-1] if states else {}
    assert {row.key.platform: row.amounts for row in merge_rows(rows)} == {name: amounts for name, amounts in last.items() if amounts}


MANY = Layout(Source.RECIPIENTS, None, (2,))


@pytest.mark.parametrize(
    ("status", "layout", "is_over"),
    [
        (NotificationStatus.QUEUED, None, True),
        (NotificationStatus.SENDING, None, True),
        (NotificationStatus.ACCEPTING, None, False),
        (NotificationStatus.SENDING, MANY, False),
        (NotificationStatus.PAUSED, MANY, False),
        (NotificationStatus.COMPLETED, MANY, True),
        (NotificationStatus.CANCELLED, MANY, True),
    ],
)
def test_many_chunks_are_tallied_again_until_the_end(status: NotificationStatus, layout: Layout | None, is_over: bool) -> None:  # noqa: FBT001
    assert decide_tally(Untallied(a_notification(status=status, layout=layout), {}), {}).is_over == is_over


def test_rows_of_one_key_are_merged_and_those_of_nothing_left_out() -> None:
    rows = [Row(KEY, Amounts(2)), Row(KEY._replace(topic=None), Amounts(1)), Row(KEY, Amounts(-2)), Row(KEY._replace(topic=None), Amounts(0, 3))]
    assert merge_rows(rows) == [Row(KEY._replace(topic=None), Amounts(1, 3))]


def test_days_get_what_their_rows_get() -> None:
    later = KEY._replace(day=DAY + timedelta(days=1))
    rows = [Row(KEY, Amounts(2)), Row(KEY._replace(topic=None), Amounts(1)), Row(later, Amounts(5))]
    assert day_rows(rows) == [Row(RowKey(DAY), Amounts(3)), Row(RowKey(later.day), Amounts(5))]


def test_cleaned_devices_count_by_platform() -> None:
    assert cleaned_rows(DAY, {"android": 2, "ios": 0, None: 1}) == [
        Row(RowKey(DAY, platform="android"), Amounts(cleaned=2)),
        Row(RowKey(DAY), Amounts(cleaned=1)),
    ]


def test_days_between_are_both_ends_and_what_is_between() -> None:
    assert days_between(date(2024, 2, 28), date(2024, 3, 1)) == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert days_between(DAY, DAY) == [DAY]


def test_nothing_is_nothing() -> None:
    assert total([]) == NOTHING
