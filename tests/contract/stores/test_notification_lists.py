"""What every notification store lists: the newest first, by any filter, stable while rows are inserted; and many at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.filters import NotificationFilter
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.wording import wording_of
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification, a_recipient
from tests.templates import a_template

SECOND = timedelta(seconds=1)


def _accept(stores: Stores, name: str, **fields: Any) -> None:
    assert stores.notifications.accept(a_notification(id=name, **fields), [a_recipient()]) is None


def _list(stores: Stores, tenant: str, **fields: Any) -> list[str]:
    page = stores.notifications.list(tenant, NotificationFilter(**fields), 50, None)
    assert page.next_after is None
    return [notification.id for notification in page.items]


def test_newest_come_first_page_by_page_whatever_is_inserted(stores: Stores, tenant: str, other_tenant: str) -> None:
    for number in range(40):
        _accept(stores, f"n-{number:02}", created_at=NOW + number * SECOND)
    _accept(stores, "theirs", tenant=other_tenant)
    seen: list[str] = []
    after: str | None = None
    while not seen or after is not None:
        page = stores.notifications.list(tenant, NotificationFilter(), 7, after)
        seen += [notification.id for notification in page.items]
        after = page.next_after
        _accept(stores, f"late-{len(seen)}", created_at=NOW + timedelta(days=1))
    assert seen == [f"n-{number:02}" for number in reversed(range(40))]
    assert _list(stores, other_tenant) == ["theirs"]


def test_rows_of_one_instant_are_each_listed_once(stores: Stores, tenant: str) -> None:
    names = {f"n-{number}" for number in range(9)}
    for name in names:
        _accept(stores, name, created_at=NOW + timedelta(microseconds=123_457))
    seen: list[str] = []
    after: str | None = None
    while not seen or after is not None:
        page = stores.notifications.list(tenant, NotificationFilter(), 2, after)
        seen += [notification.id for notification in page.items]
        after = page.next_after
    assert (sorted(seen), seen) == (sorted(names), sorted(names, reverse=True))


ROWS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sending": {"status": NotificationStatus.SENDING},
    "worded": {"wording": wording_of(a_template(name="order"), {}, {})},
    "typed": {"type": "invoice", "caller": "billing", "usernames": ("alice", "bob")},
    "named": {"profile_ids": ("profile-1", "profile-2"), "client_id": "client-2"},
    "topical": {"topic": "news", "schedule_id": "schedule-1"},
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": NotificationStatus.SENDING}, ["sending"]),
        ({"template": "order"}, ["worded"]),
        ({"type": "invoice"}, ["typed"]),
        ({"caller": "billing"}, ["typed"]),
        ({"username": "bob"}, ["typed"]),
        ({"username": "profile-1"}, []),
        ({"profile_id": "profile-2"}, ["named"]),
        ({"client_id": "client-2"}, ["named"]),
        ({"topic": "news"}, ["topical"]),
        ({"schedule_id": "schedule-1"}, ["topical"]),
        ({"created_after": NOW + 4 * SECOND}, ["topical", "named"]),
        ({"created_before": NOW + SECOND}, ["sending", "plain"]),
        ({"created_after": NOW + 3 * SECOND, "created_before": NOW + 3 * SECOND}, ["typed"]),
        ({"status": NotificationStatus.QUEUED, "client_id": "client-1", "created_after": NOW + SECOND}, ["topical", "typed", "worded"]),
        ({"type": "invoice", "caller": "billing", "status": NotificationStatus.QUEUED}, ["typed"]),
        ({"type": "invoice", "caller": "another"}, []),
    ],
)
def test_notifications_are_found_by_each_filter(stores: Stores, tenant: str, fields: dict[str, Any], expected: list[str]) -> None:
    for number, (name, row) in enumerate(ROWS.items()):
        _accept(stores, name, created_at=NOW + number * SECOND, **row)
    assert _list(stores, tenant, **fields) == expected


def test_notification_is_listed_with_every_field(stores: Stores, tenant: str) -> None:
    row = a_notification(**ROWS["typed"] | ROWS["named"] | ROWS["topical"], address="203.0.113.7", paused=True, status=NotificationStatus.PAUSED)
    stores.notifications.accept(row, [a_recipient()])
    assert list(stores.notifications.list(tenant, NotificationFilter(), 5, None).items) == [row]


def test_list_follows_what_became_of_a_notification(stores: Stores, tenant: str) -> None:
    _accept(stores, "notification-1")
    chunk = stores.chunks.claim(ChunkKey(tenant, "notification-1", 0), "owner", NOW)
    assert isinstance(chunk, Chunk)
    assert stores.chunks.conclude(replace(chunk, state=ChunkState.DONE), a_notification(status=NotificationStatus.COMPLETED))
    assert _list(stores, tenant, status=NotificationStatus.COMPLETED) == ["notification-1"]
    assert _list(stores, tenant, status=NotificationStatus.QUEUED) == []


def test_many_are_found_at_once_with_the_chunks_that_have_not_ended(stores: Stores, tenant: str, other_tenant: str) -> None:
    _accept(stores, "queued")
    _accept(stores, "claimed")
    _accept(stores, "over", status=NotificationStatus.COMPLETED)
    _accept(stores, "theirs", tenant=other_tenant)
    claim = stores.chunks.claim(ChunkKey(tenant, "claimed", 0), "owner", NOW)
    found = stores.notifications.get_many(tenant, ["over", "theirs", "claimed", "unknown", "queued"])
    over = a_notification(id="over", status=NotificationStatus.COMPLETED)
    assert found == {"queued": (a_notification(id="queued"), None), "claimed": (a_notification(id="claimed"), claim), "over": (over, None)}
    assert stores.notifications.get_many(tenant, []) == {}
