"""What of a report is news: in whatever order, how often and how late an app says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Counts
from fanfare.domain.receipts import (
    Moment,
    ReceiptChange,
    ReceiptCounts,
    ReceiptEvent,
    ReceiptKey,
    StoredReceipt,
    bounded,
    is_counted_live,
    note,
    told_of,
    with_receipts,
)
from tests.factories import NOW, a_notification

KEY = ReceiptKey("notification-1", "device-1")
DELIVERED, READ = ReceiptEvent.DELIVERED, ReceiptEvent.READ
SECOND = timedelta(seconds=1)
Said = tuple[ReceiptEvent, Moment]


def at(seconds: int, *, exact: bool = True) -> Moment:
    return Moment(NOW + timedelta(seconds=seconds), is_exact=exact)


def noted(*said: Said, stored: StoredReceipt | None = None) -> StoredReceipt:
    change = note(KEY, stored, NOW, said)
    assert change is not None
    return change.after


def after_all(batches: Sequence[Sequence[Said]]) -> tuple[StoredReceipt | None, list[ReceiptEvent]]:
    """What is stored after batches, and what was told of it on the way."""
    stored, told = None, list[ReceiptEvent]()
    for batch in batches:
        change = note(KEY, stored, NOW, batch)
        if change is not None:
            stored, told = change.after, [*told, *change.news]
    return stored, told


def test_first_report_says_when_a_message_was_delivered() -> None:
    assert noted((DELIVERED, at(3))) == StoredReceipt(KEY, NOW, NOW + 3 * SECOND)


def test_what_was_read_has_come() -> None:
    assert noted((READ, at(3))) == StoredReceipt(KEY, NOW, NOW + 3 * SECOND, NOW + 3 * SECOND, is_timed=False, is_implied=True)


@pytest.mark.parametrize("seconds", [2, 9])
def test_delivery_that_is_told_later_moves_the_implied_one_only_back(seconds: int) -> None:
    found = noted((DELIVERED, at(seconds)), stored=noted((READ, at(5))))
    assert (found.delivered_at, found.read_at) == (NOW + min(seconds, 5) * SECOND, NOW + 5 * SECOND)
    assert (found.is_timed, found.is_implied) == (False, False)


def test_first_of_several_deliveries_stays() -> None:
    first = noted((DELIVERED, at(5)))
    assert note(KEY, first, NOW, [(DELIVERED, at(2))]) is None
    moved = noted((DELIVERED, at(3)), stored=noted((READ, at(5))))
    assert note(KEY, moved, NOW, [(DELIVERED, at(1))]) is None


def test_nothing_is_read_before_it_came() -> None:
    assert noted((READ, at(2)), stored=noted((DELIVERED, at(5)))).read_at == NOW + 5 * SECOND


def test_in_one_batch_delivery_comes_first_however_it_is_told() -> None:
    assert noted((READ, at(9)), (DELIVERED, at(3))) == StoredReceipt(KEY, NOW, NOW + 3 * SECOND, NOW + 9 * SECOND)


def test_of_two_clocks_the_right_one_is_believed() -> None:
    assert noted((DELIVERED, at(3, exact=False)), (DELIVERED, at(3))).is_timed


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, Moment(NOW + 60 * SECOND, is_exact=True)),
        (NOW + 61 * SECOND, Moment(NOW + 60 * SECOND, is_exact=False)),
        (NOW + 60 * SECOND, Moment(NOW + 60 * SECOND, is_exact=True)),
        (NOW, Moment(NOW, is_exact=True)),
        (NOW - SECOND, Moment(NOW, is_exact=False)),
    ],
)
def test_times_are_bounded_by_the_request_and_by_now(said: datetime | None, expected: Moment) -> None:
    assert bounded(said, NOW, NOW + 60 * SECOND) == expected


@pytest.mark.parametrize("said", [None, NOW + SECOND])
def test_nothing_is_noted_before_its_message_even_if_our_clocks_differ(said: datetime | None) -> None:
    assert bounded(said, NOW, NOW - SECOND).at == NOW


reports = st.tuples(st.sampled_from(ReceiptEvent), st.builds(at, st.integers(0, 9), exact=st.booleans()))
histories = st.lists(st.lists(reports, min_size=1, max_size=3), min_size=1, max_size=6)


@given(histories, st.data())
def test_whatever_the_order_the_same_is_noted_once(batches: list[list[Said]], data: st.DataObject) -> None:
    stored, told = after_all(batches)
    assert stored is not None
    kinds = {event for batch in batches for event, _ in batch}
    assert set(told) == kinds | {DELIVERED}
    assert len(told) == len(set(told)), "nothing is news twice"
    assert (stored.read_at is not None) == (READ in kinds)
    assert stored.is_implied == (DELIVERED not in kinds)
    assert stored.read_at is None or stored.delivered_at <= stored.read_at
    again = data.draw(st.permutations(batches))
    assert set(after_all(again)[1]) == set(told)


@given(histories)
def test_repeating_everything_is_no_news(batches: list[list[Said]]) -> None:
    stored, _ = after_all(batches)
    assert [note(KEY, stored, NOW, batch) for batch in batches] == [None] * len(batches)


@given(histories)
def test_time_that_counts_never_changes(batches: list[list[Said]]) -> None:
    counted, stored = set(), None
    for batch in batches:
        change = note(KEY, stored, NOW, batch)
        stored = change.after if change is not None else stored
        assert stored is not None
        counted.add(stored.delivered_at if stored.is_timed else None)
    assert len(counted) == 1


def test_events_tell_what_is_new_alone() -> None:
    first = ReceiptChange(None, noted((DELIVERED, at(1)), (READ, at(2))))
    second = ReceiptChange(noted((DELIVERED, at(1))), noted((DELIVERED, at(1)), (READ, at(3))))
    moved = ReceiptChange(noted((READ, at(5))), noted((DELIVERED, at(1)), stored=noted((READ, at(5)))))
    changes = [first, second, moved]
    assert told_of(changes, DELIVERED) == [{"notification_id": "notification-1", "device_id": "device-1", "at": "2026-11-24T08:00:01.000Z"}]
    assert [each["at"] for each in told_of(changes, READ)] == ["2026-11-24T08:00:02.000Z", "2026-11-24T08:00:03.000Z"]


SENT = a_notification(counts=Counts(2, sent=2), request={"to": {"usernames": ["alice"]}})


@pytest.mark.parametrize(
    ("notification", "expected"),
    [
        (SENT, True),
        (replace(SENT, request={}), True),
        (replace(SENT, counts=Counts(2, unsent=2)), False),
        (replace(SENT, layout=Layout(Source.AUDIENCE, 1, (4,))), False),
        (replace(SENT, request={"to": {"topic": "news"}}), False),
        (replace(SENT, request={"to": {"condition": "'a' in topics"}}), False),
    ],
)
def test_only_receipts_of_few_recipients_are_counted_for_a_reader(notification: object, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_counted_live(notification) is expected  # type: ignore[arg-type]


def test_sum_stays_where_receipts_were_removed() -> None:
    summed = replace(SENT, counts=Counts(2, sent=2, delivered=2, read=1))
    assert with_receipts(summed, ReceiptCounts(1, 0)).counts == summed.counts
    assert with_receipts(SENT, ReceiptCounts(2, 1)).counts == summed.counts
