"""Lists by time: notifications, dead letters and the audit log, the newest first, stable while rows come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.dead_letter import DeadLetter
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.filters import AuditFilter, DeadLetterFilter, NotificationFilter
from fanfare.domain.notification import NotificationStatus
from fanfare.ports import Deps
from fanfare.services.list_pages import list_audit, list_dead_letters, list_notifications
from tests.factories import NOW, TENANT_ID, a_call, a_notification, a_recipient
from tests.fakes import fake_deps

Listed = tuple[Sequence[str], str | None]


def add_notification(deps: Deps, name: str, at: datetime, tenant: str = TENANT_ID) -> None:
    deps.notifications.accept(a_notification(id=name, tenant=tenant, created_at=at, usernames=(name,)), [a_recipient()])


def add_letter(deps: Deps, name: str, at: datetime, tenant: str = TENANT_ID) -> None:
    key = ChunkKey(tenant, name, 0)
    add_notification(deps, name, at, tenant)
    chunk = deps.chunks.claim(key, "owner", NOW)
    assert isinstance(chunk, Chunk)
    letter = DeadLetter(name, key, {"EXPIRED": 1}, "EXPIRED", at)
    assert deps.chunks.conclude(replace(chunk, state=ChunkState.DONE), a_notification(id=name, tenant=tenant), letter)


def add_entry(deps: Deps, name: str, at: datetime, tenant: str = TENANT_ID) -> None:
    deps.audit.record(tenant, AuditEntry("device.updated", a_call().actor, at, (name,)))


def notifications(deps: Deps, limit: int, cursor: str | None) -> Listed:
    items, following = list_notifications(deps, TENANT_ID, NotificationFilter(), limit, cursor)
    return [item.id for item in items], following


def letters(deps: Deps, limit: int, cursor: str | None) -> Listed:
    items, following = list_dead_letters(deps, TENANT_ID, DeadLetterFilter(), limit, cursor)
    return [item.id for item in items], following


def entries(deps: Deps, limit: int, cursor: str | None) -> Listed:
    items, following = list_audit(deps, TENANT_ID, AuditFilter(), limit, cursor)
    return [item.entry.resource_ids[0] for item in items], following


Add = Callable[[Deps, str, datetime], None]
Read = Callable[[Deps, int, str | None], Listed]
LISTS = pytest.mark.parametrize(("add", "read"), [(add_notification, notifications), (add_letter, letters), (add_entry, entries)])


def at(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


@LISTS
def test_pages_go_back_in_time_whatever_is_inserted_meanwhile(add: Add, read: Read) -> None:
    deps = fake_deps()
    for minute, name in enumerate("abcde"):
        add(deps, name, at(minute))
    first, cursor = read(deps, 2, None)
    add(deps, "new", at(10))
    second, cursor = read(deps, 2, cursor)
    third, end = read(deps, 2, cursor)
    assert ("".join(first), "".join(second), "".join(third), end) == ("ed", "cb", "a", None)


@LISTS
def test_another_tenants_rows_are_not_listed(add: Callable[..., None], read: Read) -> None:
    deps = fake_deps()
    add(deps, "theirs", at(0), "globex")
    assert read(deps, 2, None) == ([], None)


@LISTS
def test_cursor_of_another_query_is_refused(add: Add, read: Read) -> None:
    deps = fake_deps()
    for minute, name in enumerate("abc"):
        add(deps, name, at(minute))
    _, cursor = read(deps, 2, None)
    others: list[Callable[[], object]] = [
        lambda: list_notifications(deps, TENANT_ID, NotificationFilter(created_after=NOW), 2, cursor),
        lambda: list_dead_letters(deps, TENANT_ID, DeadLetterFilter(created_after=NOW), 2, cursor),
        lambda: list_audit(deps, TENANT_ID, AuditFilter(created_after=NOW), 2, cursor),
        lambda: list_audit(deps, "globex", AuditFilter(), 2, cursor),
    ]
    for other in others:
        with pytest.raises(InvalidRequest):
            other()


def test_filters_are_passed_on_and_those_that_no_index_serves_are_refused() -> None:
    deps = fake_deps()
    for minute, name in enumerate("abc"):
        add_notification(deps, name, at(minute))
        add_entry(deps, name, at(minute))
    found, _ = list_notifications(deps, TENANT_ID, NotificationFilter(username="b"), 10, None)
    assert [one.id for one in found] == ["b"]
    named, _ = list_audit(deps, TENANT_ID, AuditFilter(resource_id="c"), 10, None)
    assert [one.entry.resource_ids for one in named] == [("c",)]
    with pytest.raises(InvalidRequest):
        list_notifications(deps, TENANT_ID, NotificationFilter(username="b", status=NotificationStatus.QUEUED), 10, None)
    with pytest.raises(InvalidRequest):
        list_audit(deps, TENANT_ID, AuditFilter(resource_id="c", action="device.updated"), 10, None)
