from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fanfare.domain.layout import Layout, Source
from fanfare.domain.local_time import LocalTime
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.notification import Counts, NotificationStatus, StatusReason, chunk_numbers, has_chunk
from fanfare.domain.recipient import Recipient
from fanfare.domain.target import Target
from fanfare.domain.zone_layout import in_their_zones
from fanfare.domain.zone_packing import STRIDE, begin_packing, chunk_count, finish_page, layout_of, settle_page
from tests.factories import a_notification

NINE = LocalTime(datetime(2026, 11, 24, 9, 0), "UTC", 3_600)  # noqa: DTZ001 - on nobody's clock
TOKYO, LONDON, NEW_YORK = (datetime(2026, 11, 24, hour, 0, tzinfo=UTC) for hour in (0, 9, 14))
MADE = a_notification(created_at=TOKYO - timedelta(hours=5))


def row(name: str) -> Recipient:
    return Recipient(name, Target(TargetKind.TOKEN, f"token-of-{name}"), Platform.ANDROID)


ROWS = [(row("new york"), "America/New_York"), (row("tokyo"), "Asia/Tokyo"), (row("somewhere"), None), (row("london"), "Europe/London")]


def test_named_recipients_are_a_stage_for_each_instant() -> None:
    laid_out, chunks = in_their_zones(MADE, NINE, ROWS)
    assert [[found.device_id for found in chunk] for chunk in chunks] == [["tokyo"], ["somewhere", "london"], ["new york"]]
    assert laid_out.layout == Layout(Source.RECIPIENTS, stages=(1, 2, 3), dues=(TOKYO, LONDON, NEW_YORK))
    assert (laid_out.counts, laid_out.chunk_count, laid_out.local_time) == (Counts(4, unsent=4), 3, NINE)
    assert laid_out.status is NotificationStatus.QUEUED


def test_whom_the_time_came_to_too_long_ago_is_left_out() -> None:
    laid_out, chunks = in_their_zones(replace(MADE, created_at=TOKYO + timedelta(hours=1)), NINE, ROWS)
    assert len(chunks) == 3
    laid_out, chunks = in_their_zones(replace(MADE, created_at=TOKYO + timedelta(hours=1, seconds=1)), NINE, ROWS)
    assert (len(chunks), laid_out.counts.targeted) == (2, 3)
    assert laid_out.layout is not None
    assert laid_out.layout.dues == (LONDON, NEW_YORK)


def test_nobody_who_is_left_completes_it_at_once() -> None:
    laid_out, chunks = in_their_zones(replace(MADE, created_at=NEW_YORK + timedelta(days=1)), NINE, ROWS)
    assert chunks == ()
    assert (laid_out.status, laid_out.status_reason, laid_out.layout) == (NotificationStatus.COMPLETED, StatusReason.NO_RECIPIENTS, None)
    assert (laid_out.counts, laid_out.chunk_count, laid_out.next_check_at) == (Counts(), 0, None)


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
