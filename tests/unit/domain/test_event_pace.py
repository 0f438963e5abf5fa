"""When the ledger is read for those who follow: told of something, told of nothing, deaf, failing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.event import CURSOR_LAG
from fanfare.domain.event_pace import AGAIN, DEAF, UNHEARD, Reading, has_failed, has_read, heard, next_read_at
from tests.factories import NOW

JUST_READ = Reading(NOW, NOW - CURSOR_LAG)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(("is_listening", "wait"), [(True, UNHEARD), (False, DEAF)])
def test_ledger_is_read_now_and_then_even_if_nothing_was_heard(*, is_listening: bool, wait: timedelta) -> None:
    assert next_read_at(JUST_READ, is_listening=is_listening) == NOW + wait


def test_event_is_read_when_it_may_be_shown() -> None:
    told = heard(JUST_READ, NOW + SECOND)
    assert next_read_at(told, is_listening=True) == NOW + SECOND + CURSOR_LAG
    assert next_read_at(told, is_listening=False) == NOW + DEAF


def test_first_of_several_counts() -> None:
    told = heard(heard(heard(JUST_READ, NOW + 2 * SECOND), NOW + SECOND), NOW + 3 * SECOND)
    assert (told.expected, told.newest) == (NOW + SECOND, NOW + 3 * SECOND)


def test_what_was_read_already_is_no_news() -> None:
    assert heard(JUST_READ, JUST_READ.until) == JUST_READ


def test_ledger_is_read_again_soon_until_the_newest_event_was_read() -> None:
    told = heard(heard(JUST_READ, NOW + SECOND), NOW + 4 * SECOND)
    between = NOW + SECOND + CURSOR_LAG
    read = has_read(told, between, between - CURSOR_LAG)
    assert next_read_at(read, is_listening=True) == between + AGAIN
    late = NOW + 4 * SECOND + CURSOR_LAG
    assert next_read_at(has_read(read, late, late - CURSOR_LAG), is_listening=True) == late + UNHEARD


def test_failed_reading_is_tried_again_soon() -> None:
    failed = has_failed(JUST_READ, NOW + UNHEARD)
    assert next_read_at(failed, is_listening=True) == NOW + UNHEARD + AGAIN
    assert failed.until == JUST_READ.until


@given(offsets=st.lists(st.integers(0, 20_000), min_size=1, max_size=8))
def test_no_event_is_shown_later_than_it_may_be_and_a_second(offsets: list[int]) -> None:
    """Told of nothing but each newest event at its time, the reader has read every one within half a second of its due time."""
    due = sorted(NOW + timedelta(milliseconds=offset) for offset in offsets)
    reading, now = JUST_READ, NOW
    for step in range(0, 30_000, 50):
        now = NOW + timedelta(milliseconds=step)
        for at in (at for at in due if now - timedelta(milliseconds=50) < at <= now):
            reading = heard(reading, at)
        if now >= next_read_at(reading, is_listening=True):
            reading = has_read(reading, now, now - CURSOR_LAG)
        assert all(at <= reading.until for at in due if now - at >= CURSOR_LAG + AGAIN + timedelta(milliseconds=50))
