"""What every store of recipients does: rows are written once, in commits that the database takes, and two writers never store one number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.chunk_rows import Rows
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Message
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.recipient import Recipient
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification, a_recipient, a_token

ACCEPTING = a_notification(status=NotificationStatus.ACCEPTING, chunk_count=0, counts=Counts(), next_check_at=NOW)
QUEUED = replace(
    ACCEPTING, status=NotificationStatus.QUEUED, chunk_count=2, counts=Counts(2, unsent=2), layout=Layout(Source.RECIPIENTS, stages=(2,))
)


def _rows(*names: str) -> tuple[Recipient, ...]:
    return tuple(a_recipient(device_id=name) for name in names)


@pytest.fixture
def accepting(stores: Stores, tenant: str) -> Stores:
    """Stores with a notification that is being accepted."""
    stores.notifications.accept(ACCEPTING, ())
    return stores


def _stored(stores: Stores, notification_id: str = "notification-1") -> Any:
    return [[row.device_id for row in rows] for rows in stores.recipients.read_all("acme", notification_id)]


def test_chunks_are_read_in_the_order_of_their_numbers(accepting: Stores) -> None:
    chunks = [_rows(f"device-{number}") for number in range(12)]
    accepting.recipients.write("acme", "notification-1", 0, chunks)
    assert accepting.recipients.read_all("acme", "notification-1") == chunks
    assert accepting.chunks.read_recipients(ChunkKey("acme", "notification-1", 11)) == chunks[11]


def test_number_that_was_closed_without_rows_stays_so(accepting: Stores) -> None:
    accepting.recipients.write("acme", "notification-1", 300_001, [_rows("a")])
    accepting.recipients.write("acme", "notification-1", 300_000, [(), (), ()])
    accepting.recipients.write("acme", "notification-1", 300_002, [_rows("b")])
    keys = [ChunkKey("acme", "notification-1", number) for number in range(300_000, 300_003)]
    assert [accepting.chunks.read_recipients(key) for key in keys] == [(), _rows("a"), ()]
    found = accepting.chunks.read_chunk(keys[2])
    assert found is not None
    assert found[1] == Rows(())


def test_rows_of_one_notification_are_not_those_of_another(accepting: Stores) -> None:
    accepting.recipients.write("acme", "notification-1", 0, [_rows("a")])
    accepting.recipients.write("acme", "notification-2", 0, [_rows("b")])
    assert (_stored(accepting), _stored(accepting, "notification-2"), _stored(accepting, "notification-3")) == ([["a"]], [["b"]], [])


def test_written_again_what_is_stored_stays_and_what_is_missing_is_added(accepting: Stores) -> None:
    accepting.recipients.write("acme", "notification-1", 1, [_rows("b"), _rows("c")])
    accepting.recipients.write("acme", "notification-1", 0, [_rows("a"), _rows("x"), _rows("y"), _rows("d")])
    assert _stored(accepting) == [["a"], ["b"], ["c"], ["d"]]


def test_appending_stops_where_another_call_has_stored(accepting: Stores) -> None:
    accepting.recipients.write("acme", "notification-1", 0, [_rows("a")])
    assert accepting.recipients.append("acme", "notification-1", 0, [_rows("x")]) == 0
    assert accepting.recipients.append("acme", "notification-1", 1, [_rows("b"), _rows("c")]) == 2
    assert _stored(accepting) == [["a"], ["b"], ["c"]]


def test_of_two_that_append_at_one_number_one_stores(accepting: Stores) -> None:
    answers: list[int] = []

    def append(name: str) -> None:
        answers.append(accepting.recipients.append("acme", "notification-1", 0, [_rows(name)]))

    race([lambda: append("a"), lambda: append("b"), lambda: append("c")])
    assert sorted(answers) == [0, 0, 1]
    assert len(_stored(accepting)) == 1


def test_nothing_is_appended_and_nothing_read_where_there_is_nothing(accepting: Stores) -> None:
    assert accepting.recipients.append("acme", "notification-1", 0, []) == 0
    assert _stored(accepting) == []


def test_more_than_one_commit_takes_is_stored(accepting: Stores) -> None:
    """Twelve chunks of 700 KiB: the database refuses them in one commit."""
    chunks = [[a_recipient(device_id=f"{number}-{row}", target=a_token(value="x" * 4_000)) for row in range(170)] for number in range(12)]
    assert accepting.recipients.append("acme", "notification-1", 0, chunks) == 12
    assert [len(rows) for rows in accepting.recipients.read_all("acme", "notification-1")] == [170] * 12


def test_accepted_notification_is_queued_with_its_layout(accepting: Stores) -> None:
    later = replace(QUEUED, created_at=NOW + timedelta(minutes=1), planned_at=NOW + timedelta(minutes=1), ttl_seconds=60, request={"title": "Late"})
    queued = replace(later, created_at=NOW, message=Message(title="Late"))
    assert accepting.recipients.queue(replace(later, message=Message(title="Late"))) == (queued, True)
    assert accepting.notifications.get("acme", "notification-1") == queued


@pytest.mark.parametrize("status", [NotificationStatus.CANCELLED, NotificationStatus.QUEUED, NotificationStatus.COMPLETED])
def test_what_is_accepted_no_more_stays_as_it_is(stores: Stores, tenant: str, status: NotificationStatus) -> None:
    other: Notification = replace(QUEUED, status=status, chunk_count=7, counts=Counts(7, unsent=7))
    stores.notifications.accept(other, ())
    assert stores.recipients.queue(QUEUED) == (other, False)
    assert stores.notifications.get("acme", "notification-1") == other


def test_unknown_notification_is_not_queued(stores: Stores, tenant: str) -> None:
    assert stores.recipients.queue(QUEUED) is None
    assert stores.notifications.get("acme", "notification-1") is None
