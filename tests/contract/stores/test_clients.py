"""What every client store does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.audit import Change, trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.client import Client, Scope
from fanfare.domain.errors import Conflict
from fanfare.domain.filters import AuditFilter
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_client


def test_created_client_is_found_with_every_field(stores: Stores) -> None:
    client = a_client(
        scopes=frozenset({Scope.SEND, Scope.READ}),
        expires_at=NOW + timedelta(days=90),
        revoked_at=NOW + timedelta(days=1),
        limits={"send": 100_000},
        ip_allowlist=("203.0.113.0/24", "2001:db8::/32"),
        previous_token_hash="old",
        previous_valid_until=NOW + timedelta(hours=1),
        auto_rotate_days=90,
        last_used_at=NOW,
        rotation_id="rotation-1",
    )
    stores.clients.create(client)
    assert stores.clients.get(client.id) == stores.clients.get_fresh(client.id) == client


def test_unknown_client_is_not_found(stores: Stores) -> None:
    stores.clients.create(a_client())
    assert stores.clients.get("client-2") is None


def test_client_is_found_although_it_was_asked_for_before_it_existed(stores: Stores) -> None:
    assert stores.clients.get("client-1") is None
    stores.clients.create(a_client())
    assert stores.clients.get("client-1") == a_client()


@pytest.mark.parametrize("client_id", ["", "a/b", ".", "..", "__reserved__", "x" * 2_000, "é", "a\0b", "\ud800"])
def test_id_that_can_be_nobodys_is_not_found(stores: Stores, client_id: str) -> None:
    assert stores.clients.get(client_id) is None


def test_taken_id_is_refused_and_its_client_stays(stores: Stores) -> None:
    stores.clients.create(a_client())
    with pytest.raises(Conflict):
        stores.clients.create(replace(a_client(), name="An impostor"))
    assert stores.clients.get("client-1") == a_client()


def test_two_simultaneous_creations_of_one_id_make_one_client(stores: Stores) -> None:
    def create(name: str) -> str | None:
        try:
            stores.clients.create(a_client(name=name))
        except Conflict:
            return None
        return name

    names = [name for name in race([lambda: create("first"), lambda: create("second")]) if name]
    stored = stores.clients.get("client-1")
    assert stored is not None
    assert names == [stored.name]


# Changes

ACTOR = Actor(ActorKind.CLIENT, "admin")
AUDIT = trail("client.updated", ACTOR, NOW)


def test_update_is_shown_at_once_and_told_in_its_tenants_audit_log(stores: Stores, tenant: str) -> None:
    stores.clients.create(a_client())
    stores.clients.get("client-1")
    changed = stores.clients.update("client-1", lambda before: replace(before, name="Renamed"), AUDIT)
    assert changed == stores.clients.get("client-1") == stores.clients.get_fresh("client-1") == a_client(name="Renamed")
    (entry,) = stores.audit.list(tenant, AuditFilter(), 10, None).items
    assert (entry.entry.action, entry.entry.resource_ids, entry.entry.changes) == (
        "client.updated",
        ("client-1",),
        {"name": Change("Back office", "Renamed")},
    )


def test_decision_to_leave_a_client_stores_nothing(stores: Stores, tenant: str) -> None:
    stores.clients.create(a_client())
    assert stores.clients.update("client-1", lambda _: None, AUDIT) == a_client()
    assert list(stores.audit.list(tenant, AuditFilter(), 10, None).items) == []


def test_update_of_an_unknown_client_stores_nothing(stores: Stores) -> None:
    assert stores.clients.update("client-1", lambda before: replace(before, name="Renamed"), AUDIT) is None
    assert stores.clients.get("client-1") is None


def test_decision_that_refuses_stores_nothing(stores: Stores) -> None:
    def refuse(_: Client) -> Client:
        raise Conflict("No.")

    stores.clients.create(a_client())
    with pytest.raises(Conflict):
        stores.clients.update("client-1", refuse, AUDIT)
    assert stores.clients.get_fresh("client-1") == a_client()


def test_simultaneous_updates_lose_nothing(stores: Stores) -> None:
    stores.clients.create(a_client(limits={}))

    def add(group: str) -> object:
        return stores.clients.update("client-1", lambda before: replace(before, limits={**before.limits, group: 1}), AUDIT)

    race([lambda: add("send"), lambda: add("bulk"), lambda: add("other")])
    stored = stores.clients.get_fresh("client-1")
    assert stored is not None
    assert stored.limits == {"send": 1, "bulk": 1, "other": 1}


# Lists


def test_clients_of_a_tenant_are_listed_page_by_page_and_no_others(stores: Stores) -> None:
    names = [f"c{number}" for number in range(5)]
    for name in names:
        stores.clients.create(a_client(id=name, revoked_at=NOW if name == "c3" else None))
    stores.clients.create(a_client(id="c0-stranger", tenant="globex"))
    first = stores.clients.list("acme", 3, None)
    rest = stores.clients.list("acme", 3, first.next_after)
    assert [client.id for client in (*first.items, *rest.items)] == names
    assert (first.next_after, rest.next_after) == ("c2", None)
    assert rest.items[0] == a_client(id="c3", revoked_at=NOW)


# Use


def test_use_is_noted_once_a_day(stores: Stores) -> None:
    stores.clients.create(a_client())
    stores.clients.note_use(a_client(), NOW)
    stores.clients.note_use(a_client(), NOW + timedelta(hours=1))
    assert stores.clients.get_fresh("client-1") == a_client(last_used_at=NOW)
    stores.clients.note_use(a_client(last_used_at=NOW), NOW + timedelta(days=1))
    assert stores.clients.get_fresh("client-1") == a_client(last_used_at=NOW + timedelta(days=1))


def test_use_of_a_client_that_is_gone_is_no_failure(stores: Stores) -> None:
    stores.clients.note_use(a_client(), NOW)
    assert stores.clients.get("client-1") is None
