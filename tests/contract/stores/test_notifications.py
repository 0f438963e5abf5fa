"""What every notification store does until a chunk is claimed; chunks and dead letters have suites of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.chunk_rows import Rows
from fanfare.domain.message import Message, Platform, TargetKind
from fanfare.domain.notification import Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import message_of
from fanfare.domain.target import Target
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification, a_recipient, a_token

KEY = ChunkKey("acme", "notification-1", 0)

# Names and values that Firestore itself would refuse in a map: reserved, empty, an array in an array, a number over 64 bits.
_ODD = {"title": "x", "android": {"__reserved__": 1, "": [[1, [2]]], "a.b`c": 2**70}, "data": {"key": "\U0001f680"}}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"request": _ODD, "message": message_of(_ODD)},
        {"validate_only": True, "caller": "billing", "type": "invoice", "usernames": tuple(f"user-{number}" for number in range(20))},
        {
            "status": NotificationStatus.COMPLETED,
            "status_reason": StatusReason.NO_RECIPIENTS,
            "counts": Counts(9, 3, 2, 1, 3, 2, 1),
            "errors": {"UNREGISTERED": 2, "HTTP_500": 1, "a.b": 1},
            "started_at": NOW + timedelta(seconds=1),
            "completed_at": NOW + timedelta(seconds=2),
            "next_check_at": NOW + timedelta(seconds=60),
            "chunk_count": 0,
            "planned_at": NOW + timedelta(days=1),
        },
    ],
)
def test_accepted_notification_is_found_with_every_field(stores: Stores, tenant: str, fields: dict[str, Any]) -> None:
    notification = a_notification(**fields)
    assert stores.notifications.accept(notification, [a_recipient()]) is None
    assert stores.notifications.get(tenant, notification.id) == notification
    assert stores.notifications.get_with_chunk(KEY) == (notification, None)


def test_unknown_notification_is_not_found(stores: Stores, tenant: str) -> None:
    assert stores.notifications.get(tenant, "notification-1") is None
    assert stores.notifications.get_with_chunk(KEY) is None
    assert stores.chunks.read_chunk(KEY) is None
    assert list(stores.chunks.read_recipients(KEY)) == []


def test_message_is_what_the_stored_request_says(stores: Stores, tenant: str) -> None:
    request = {"title": "From the request", "priority": "high", "actions": [{"id": "track", "title": "Track"}], "ttl_seconds": None}
    stores.notifications.accept(a_notification(request=request, message=Message(title="Something else")), [a_recipient()])
    stored = stores.notifications.get(tenant, "notification-1")
    assert stored is not None
    assert stored.message == message_of(request)


def _rows() -> list[Recipient]:
    rows = [a_recipient(device_id=f"device-{number}", username=f"user-{number}", locale="sw-TZ") for number in range(497)]
    fid = a_recipient(device_id="fid", target=a_token("f", kind=TargetKind.FID), platform=Platform.IOS)
    long = a_recipient(device_id="long", target=a_token(value="x" * 4_096), platform=Platform.WEB)
    return [*rows, fid, long, Recipient("", Target(TargetKind.TOPIC, "news"), None)]


def test_recipients_are_read_as_they_were_given_and_in_their_order(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(a_notification(), _rows())
    assert list(stores.chunks.read_recipients(KEY)) == _rows()
    assert stores.chunks.read_chunk(KEY) == (a_notification(), Rows(tuple(_rows())))


def test_notification_without_recipients_has_no_chunk(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(a_notification(), [])
    assert stores.notifications.get(tenant, "notification-1") == a_notification()
    assert list(stores.chunks.read_recipients(KEY)) == []
    assert stores.chunks.read_chunk(KEY) is None


def test_second_notification_of_one_id_returns_the_first_and_changes_nothing(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(a_notification(), [a_recipient(device_id="first")])
    late = a_notification(request_hash="another", request={"title": "Another"})
    assert stores.notifications.accept(late, [a_recipient(device_id="second")]) == a_notification()
    assert stores.chunks.read_chunk(KEY) == (a_notification(), Rows((a_recipient(device_id="first"),)))


def test_second_notification_with_recipients_does_not_fill_a_first_one_without(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(a_notification(), [])
    assert stores.notifications.accept(a_notification(), [a_recipient()]) == a_notification()
    assert list(stores.chunks.read_recipients(KEY)) == []


def test_of_simultaneous_notifications_of_one_id_one_is_created(stores: Stores, tenant: str) -> None:
    def accept(number: int) -> Notification | None:
        return stores.notifications.accept(a_notification(request_hash=str(number)), [a_recipient(device_id=str(number))])

    answers = race([lambda number=number: accept(number) for number in range(8)])
    stored = stores.notifications.get(tenant, "notification-1")
    assert stored is not None
    assert [answer for answer in answers if answer is not None] == [stored] * 7
    assert answers[int(stored.request_hash)] is None
    assert [row.device_id for row in stores.chunks.read_recipients(KEY)] == [stored.request_hash]


def test_tenants_see_nothing_of_each_other(stores: Stores, tenant: str, other_tenant: str) -> None:
    stores.notifications.accept(a_notification(), [a_recipient()])
    elsewhere = ChunkKey(other_tenant, "notification-1", 0)
    assert stores.notifications.get(other_tenant, "notification-1") is None
    assert stores.chunks.read_chunk(elsewhere) is None
    assert list(stores.chunks.read_recipients(elsewhere)) == []
    assert isinstance(stores.chunks.claim(KEY, "owner", NOW), Chunk)
    assert isinstance(stores.chunks.claim(elsewhere, "owner", NOW), Chunk)
