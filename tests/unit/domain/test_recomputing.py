"""What makes the rows of a day what its notifications say."""

from __future__ import annotations

from datetime import date

from fanfare.domain.analytics import NOTHING, Amounts, Row, RowKey
from fanfare.domain.recomputing import Comparison, correct, first_kept_day
from fanfare.domain.setting_rules import RETENTION_DAYS

DAY = date(2026, 11, 24)
KEY = RowKey(DAY, "client-1", None, "android")
CLEANED = Row(RowKey(DAY, platform="android"), Amounts(cleaned=5))


def test_rows_that_are_right_need_no_correction() -> None:
    rows = [Row(KEY, Amounts(3, 1)), CLEANED, Row(RowKey(DAY, platform="ios"), Amounts(cleaned=2))]
    correction = correct(Comparison([Row(KEY, Amounts(3, 1))], rows, Amounts(3, 1, cleaned=7)))
    assert not correction
    assert (correction.rows, correction.total) == ([], NOTHING)


def test_row_gets_what_it_lacks_and_loses_what_it_has_too_much() -> None:
    other, lost = KEY._replace(platform="ios"), KEY._replace(platform="web")
    compared = Comparison([Row(KEY, Amounts(3)), Row(lost, Amounts(1))], [Row(KEY, Amounts(1, 2)), Row(other, Amounts(4)), CLEANED], Amounts(5, 2))
    correction = correct(compared)
    assert set(correction.rows) == {Row(KEY, Amounts(2, -2)), Row(other, Amounts(-4)), Row(lost, Amounts(1))}
    assert correction.total == Amounts(-1, -2, cleaned=5), "the right total is 4 sent and 5 cleaned"


def test_total_alone_is_corrected() -> None:
    correction = correct(Comparison([Row(KEY, Amounts(3))], [Row(KEY, Amounts(3))], Amounts(2)))
    assert correction
    assert (correction.rows, correction.total) == ([], Amounts(1))


def test_what_was_cleaned_is_believed_even_in_a_row_of_notifications() -> None:
    assert not correct(Comparison([Row(KEY, Amounts(3))], [Row(KEY, Amounts(3, cleaned=7))], Amounts(3, cleaned=7)))


def test_days_are_kept_as_long_as_the_shorter_of_notifications_and_chunks() -> None:
    assert first_kept_day(DAY, RETENTION_DAYS) == date(2026, 8, 27)
    assert first_kept_day(DAY, {**RETENTION_DAYS, "chunks": 1}) == DAY
    assert first_kept_day(DAY, {**RETENTION_DAYS, "notifications": 2}) == date(2026, 11, 23)
