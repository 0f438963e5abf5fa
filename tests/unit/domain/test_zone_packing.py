from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import chunk_numbers, has_chunk
from fanfare.domain.zone_packing import STRIDE, begin_packing, chunk_count, finish_page, layout_of, settle_page
from tests.factories import a_notification

TOKYO, LONDON, NEW_YORK = (datetime(2026, 11, 24, hour, 0, tzinfo=UTC) for hour in (0, 9, 14))

PACKING = begin_packing(2, 8, (TOKYO, LONDON, NEW_YORK))


def test_page_is_settled_before_it_counts() -> None:
    settled = settle_page(PACKING, 4, {0: 2, 2: 1})
    assert (PACKING.is_settled, settled.is_settled) == (False, True)
    assert settled.being_written() == [range(2), range(2 * STRIDE, 2 * STRIDE + 1)]
    again = settle_page(settled, 4, {0: 1})
    assert again.being_written() == [range(3), range(2 * STRIDE, 2 * STRIDE + 1)]
    done = finish_page(again, 700, 3)
    assert (done.read, done.is_settled, done.being_written(), done.rows, done.missed) == (4, False, [], 700, 3)
    assert settle_page(done, 8, {0: 1}).being_written() == [range(3, 4)]


def test_only_instants_of_somebody_are_stages() -> None:
    layout = layout_of(finish_page(settle_page(PACKING, 8, {0: 3, 2: 2}), 1_800, 0))
    assert layout == Layout(Source.RECIPIENTS, None, (3, 2 * STRIDE + 2), (TOKYO, NEW_YORK), (0, 2 * STRIDE))
    assert chunk_count(layout) == 5
    assert [layout.stage_of(number) for number in (0, 2, 2 * STRIDE, 2 * STRIDE + 1)] == [0, 0, 1, 1]
    held = [number for number in (0, 2, 3, STRIDE, 2 * STRIDE - 1, 2 * STRIDE, 2 * STRIDE + 1, 2 * STRIDE + 2) if layout.holds(number)]
    assert held == [0, 2, 2 * STRIDE, 2 * STRIDE + 1]
    assert [layout.due_of(stage) for stage in range(3)] == [TOKYO, NEW_YORK, None]


def test_numbers_of_chunks_leave_the_gaps_out() -> None:
    gaps = a_notification(layout=Layout(Source.RECIPIENTS, None, (3, 102), (TOKYO, LONDON), (0, 100)), chunk_count=5)
    assert list(chunk_numbers(gaps)) == [0, 1, 2, 100, 101]
    assert list(chunk_numbers(gaps, 2)) == [2, 100, 101]
    assert list(chunk_numbers(gaps, 50)) == [100, 101]
    assert list(chunk_numbers(gaps, 102)) == []
    assert [has_chunk(gaps, number) for number in (2, 3, 101, 102)] == [True, False, True, False]


def test_numbers_of_what_has_no_gaps_are_all_of_them() -> None:
    ramp = a_notification(layout=Layout(Source.AUDIENCE, 2, (2, 5)), chunk_count=5)
    for notification in (ramp, replace(ramp, layout=None), replace(ramp, layout=Layout(Source.AUDIENCE))):
        assert list(chunk_numbers(notification, 3)) == [3, 4]
        assert list(chunk_numbers(notification, 7)) == []
        assert (has_chunk(notification, 4), has_chunk(notification, 5)) == (True, False)
    assert list(Layout(Source.AUDIENCE).numbers()) == []
    assert ramp.layout is not None
    assert ramp.layout.due_of(0) is None
