"""What every audit log keeps: each entry whole, the newest first, found by who, what and when, and by its own tenant alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.audit import AuditEntry, Change
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.filters import AuditFilter
from tests.contract.stores.real import Stores
from tests.factories import NOW

SECOND = timedelta(seconds=1)


def an_entry(action: str = "device.updated", actor: str = "client-1", resource_ids: tuple[str, ...] = ("device-1",), after: int = 0) -> AuditEntry:
    return AuditEntry(action, Actor(ActorKind.CLIENT, actor, "203.0.113.7", "request-1"), NOW + after * SECOND, resource_ids)


def _list(stores: Stores, tenant: str, **fields: Any) -> list[AuditEntry]:
    page = stores.audit.list(tenant, AuditFilter(**fields), 100, None)
    assert page.next_after is None
    return [stored.entry for stored in page.items]


@pytest.mark.parametrize(
    "entry",
    [
        AuditEntry(
            "client.updated",
            Actor(ActorKind.USER, "uid-1", "2001:db8::1", "request-1"),
            NOW + timedelta(microseconds=5),
            ("client-1", "client-2"),
            {"name": Change(None, "Back office"), "a.b `c": Change("(not shown)", None)},
            {"reason": "UNREGISTERED", "chunk": "0"},
        ),
        AuditEntry("tenant.quarantined", Actor(ActorKind.FUNCTION, "send"), NOW),
    ],
)
def test_entry_is_kept_with_every_field(stores: Stores, tenant: str, entry: AuditEntry) -> None:
    stores.audit.record(tenant, entry)
    assert _list(stores, tenant) == [entry]


def test_newest_come_first_page_by_page_whatever_is_inserted(stores: Stores, tenant: str) -> None:
    for number in range(20):
        stores.audit.record(tenant, an_entry(resource_ids=(f"device-{number}",), after=number // 2))
    seen: list[AuditEntry] = []
    ids: list[str] = []
    after: str | None = None
    while not seen or after is not None:
        page = stores.audit.list(tenant, AuditFilter(), 3, after)
        seen += [stored.entry for stored in page.items]
        ids += [stored.id for stored in page.items]
        after = page.next_after
        stores.audit.record(tenant, an_entry(resource_ids=("late",), after=1_000))
    assert [entry.at for entry in seen] == sorted((entry.at for entry in seen), reverse=True)
    assert {entry.resource_ids[0] for entry in seen} == {f"device-{number}" for number in range(20)}
    assert len(ids) == len(set(ids)) == 20


def test_tenants_see_nothing_of_each_other(stores: Stores, tenant: str, other_tenant: str) -> None:
    stores.audit.record(tenant, an_entry())
    assert _list(stores, other_tenant) == []
    assert _list(stores, "platform") == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"client_id": "client-2"}, [2]),
        ({"action": "device.updated"}, [3, 0]),
        ({"resource": "device"}, [3, 2, 0]),
        ({"resource_id": "device-2"}, [3, 0]),
        ({"resource": "profile", "resource_id": "device-2"}, []),
        ({"resource": "device", "resource_id": "device-2"}, [3, 0]),
        ({"resource": "device", "action": "device.deleted"}, [2]),
        ({"client_id": "client-1", "resource": "device"}, [3, 0]),
        ({"created_after": NOW + 2 * SECOND}, [3, 2]),
        ({"created_before": NOW + SECOND, "resource": "device"}, [0]),
        ({"created_after": NOW + SECOND, "created_before": NOW + SECOND}, [1]),
        ({"client_id": "client-3"}, []),
    ],
)
def test_entries_are_found_by_who_what_and_when(stores: Stores, tenant: str, fields: dict[str, Any], expected: list[int]) -> None:
    entries = [
        an_entry(resource_ids=("device-1", "device-2")),
        an_entry("profile.created", resource_ids=("profile-1",), after=1),
        an_entry("device.deleted", "client-2", ("device-3",), after=2),
        an_entry(resource_ids=("device-2",), after=3),
    ]
    for entry in entries:
        stores.audit.record(tenant, entry)
    assert _list(stores, tenant, **fields) == [entries[index] for index in expected]
