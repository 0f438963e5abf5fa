"""API clients through their services."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.audit import Change
from fanfare.domain.client import TENANT_SCOPES, Client, Scope
from fanfare.domain.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unauthenticated
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps
from fanfare.services.authenticate import authenticate_client
from fanfare.services.clients import add_client, get_client, revoke_client, rotate_client, update_client
from fanfare.services.list_pages import list_apps, list_clients
from tests.factories import NOW, a_call, a_client, a_tenant, client_token
from tests.fakes import FixedClock, MemoryAuditStore, fake_deps

DAY = 24 * 60 * 60
ADMIN = a_client(id="admin", scopes=frozenset({Scope.ADMIN}))
SENDER = a_client(id="sender", scopes=frozenset({Scope.SEND}))
STRANGER = a_client(id="stranger", tenant="globex")
PLATFORM = a_client(id="platform", tenant=PLATFORM_TENANT, scopes=frozenset({Scope.PLATFORM}))
GIVEN: dict[str, Any] = {"name": "Order service", "scopes": ["send"], "limits": {"send": 600}}


@pytest.fixture
def audit() -> MemoryAuditStore:
    return MemoryAuditStore()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def deps(audit: MemoryAuditStore, clock: FixedClock) -> Deps:
    """Two tenants and the platform, with a client each or more."""
    deps = fake_deps(audit=audit, clock=clock)
    for tenant in ("acme", "globex"):
        deps.tenants.create(a_tenant(id=tenant))
    deps.tenants.create(a_tenant(id=PLATFORM_TENANT, credential_version=None))
    for client in (ADMIN, SENDER, STRANGER, PLATFORM):
        deps.clients.create(client)
    return deps


def _opens(deps: Deps, client_id: str, token: str) -> bool:
    try:
        authenticate_client(deps, client_id, token, "203.0.113.7")
    except Unauthenticated:
        return False
    return True


def _rotate(deps: Deps, caller: Client, client_id: str, *, key: str | None = None, token: str = "", overlap: int = DAY) -> tuple[Client, str]:
    call = a_call(key, id=caller.id, tenant=caller.tenant)
    return rotate_client(deps, call, caller, client_id, overlap_seconds=overlap, token=token or client_token(caller.id))


def test_new_client_is_opened_by_its_token(deps: Deps, audit: MemoryAuditStore) -> None:
    client, token = add_client(deps, a_call(id="admin"), ADMIN, "acme", GIVEN)
    assert (client.tenant, client.name, client.scopes, client.limits) == ("acme", "Order service", frozenset({Scope.SEND}), {"send": 600})
    assert _opens(deps, client.id, token)
    tenant, entry = audit.entries[-1]
    assert (tenant, entry.action, entry.resource_ids, entry.actor.id) == ("acme", "client.created", (client.id,), "admin")
    assert entry.changes["scopes"] == Change(None, "send")
    assert token not in repr(entry)
    assert client.token_hash not in repr(entry)


def test_platform_makes_a_tenants_first_client(deps: Deps, audit: MemoryAuditStore) -> None:
    client, _ = add_client(deps, a_call(id="platform", tenant=PLATFORM_TENANT), PLATFORM, "globex", {**GIVEN, "scopes": ["admin"]})
    assert client.tenant == "globex"
    assert audit.entries[-1][0] == "globex"


@pytest.mark.parametrize(
    ("giver", "tenant", "scopes", "error"),
    [
        (ADMIN, "acme", ["platform"], InvalidRequest),
        (PLATFORM, "acme", ["platform"], InvalidRequest),
        (ADMIN, PLATFORM_TENANT, ["platform"], Forbidden),
        (PLATFORM, "unknown", ["send"], NotFound),
    ],
)
def test_nobody_gives_a_right_that_is_not_theirs(deps: Deps, giver: Client, tenant: str, scopes: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        add_client(deps, a_call(id=giver.id), giver, tenant, {**GIVEN, "scopes": scopes})


def test_wrong_client_is_not_stored(deps: Deps) -> None:
    with pytest.raises(InvalidRequest):
        add_client(deps, a_call(id="admin"), ADMIN, "acme", {**GIVEN, "ip_allowlist": ["home"]})
    assert len(deps.clients.list("acme", 10, None).items) == 2


@pytest.mark.parametrize("client_id", ["stranger", "unknown"])
def test_another_tenants_client_is_as_unknown_as_one_that_does_not_exist(deps: Deps, client_id: str) -> None:
    for act in (
        lambda: get_client(deps, "acme", client_id),
        lambda: update_client(deps, a_call(id="admin"), ADMIN, client_id, {"name": "Mine"}),
        lambda: _rotate(deps, ADMIN, client_id),
        lambda: revoke_client(deps, a_call(id="admin"), ADMIN, client_id),
    ):
        with pytest.raises(NotFound):
            act()
    assert deps.clients.get("stranger") == STRANGER


# Changes


def test_changed_client_is_stored_and_told(deps: Deps, audit: MemoryAuditStore) -> None:
    changed = update_client(deps, a_call(id="admin"), ADMIN, "sender", {"scopes": ["send", "read"], "limits": {"send": 5}})
    assert deps.clients.get("sender") == changed
    _, entry = audit.entries[-1]
    assert entry.action == "client.updated"
    assert entry.changes == {"scopes": Change("send", "read, send"), "limits": Change(None, "send: 5")}


def test_change_that_changes_nothing_is_not_in_the_audit_log(deps: Deps, audit: MemoryAuditStore) -> None:
    assert update_client(deps, a_call(id="admin"), ADMIN, "sender", {"name": SENDER.name}) == SENDER
    assert audit.entries == []


def test_last_admin_can_not_lock_everybody_out(deps: Deps) -> None:
    with pytest.raises(Conflict):
        update_client(deps, a_call(id="admin"), ADMIN, "admin", {"scopes": ["send"]})
    with pytest.raises(Conflict):
        revoke_client(deps, a_call(id="admin"), ADMIN, "admin")
    assert deps.clients.get("admin") == ADMIN


def test_revoked_client_is_not_changed(deps: Deps) -> None:
    revoke_client(deps, a_call(id="admin"), ADMIN, "sender")
    with pytest.raises(Conflict):
        update_client(deps, a_call(id="admin"), ADMIN, "sender", {"name": "Back again"})


# A right that one lacks is not won by touching who has it

PLATFORM_ADMIN = a_client(id="platform-admin", tenant=PLATFORM_TENANT, scopes=frozenset({Scope.ADMIN}))


def test_admin_of_the_platform_without_its_right_touches_no_client_that_has_it(deps: Deps) -> None:
    call = a_call(id="platform-admin", tenant=PLATFORM_TENANT)
    for act in (
        lambda: _rotate(deps, PLATFORM_ADMIN, "platform"),
        lambda: update_client(deps, call, PLATFORM_ADMIN, "platform", {"name": "Mine"}),
        lambda: revoke_client(deps, call, PLATFORM_ADMIN, "platform"),
    ):
        with pytest.raises(Forbidden):
            act()
    assert deps.clients.get("platform") == PLATFORM


# Rotation and revocation


def test_admin_rotates_a_client_and_both_tokens_open_for_the_overlap(deps: Deps, clock: FixedClock, audit: MemoryAuditStore) -> None:
    client, token = _rotate(deps, ADMIN, "sender")
    assert deps.clients.get("sender") == client
    assert _opens(deps, "sender", token)
    assert _opens(deps, "sender", client_token("sender"))
    clock.advance(timedelta(days=1))
    assert _opens(deps, "sender", token)
    assert not _opens(deps, "sender", client_token("sender"))
    _, entry = audit.entries[-1]
    assert (entry.action, entry.facts) == ("client.rotated", {"overlap_seconds": str(DAY)})
    assert entry.changes["previous_valid_until"] == Change(None, (NOW + timedelta(days=1)).isoformat())
    assert token not in repr(entry)


def test_client_rotates_itself_and_nobody_else(deps: Deps) -> None:
    _, token = _rotate(deps, SENDER, "sender")
    assert _opens(deps, "sender", token)
    with pytest.raises(NotFound):
        _rotate(deps, SENDER, "admin")
    assert deps.clients.get("admin") == ADMIN


def test_token_that_was_rotated_out_does_not_take_its_client_over(deps: Deps) -> None:
    _, token = _rotate(deps, ADMIN, "sender")
    with pytest.raises(Forbidden):
        _rotate(deps, SENDER, "sender", token=client_token("sender"))
    assert _opens(deps, "sender", token)


def test_repeat_of_a_rotation_whose_answer_was_lost_gives_a_token_that_opens(deps: Deps) -> None:
    _rotate(deps, SENDER, "sender", key="key")
    client, token = _rotate(deps, SENDER, "sender", key="key")
    assert _opens(deps, "sender", token)
    assert _opens(deps, "sender", client_token("sender"))
    assert client.previous_valid_until == NOW + timedelta(days=1)


def test_revoked_client_is_opened_by_nothing_and_stays_listed(deps: Deps, audit: MemoryAuditStore) -> None:
    revoked = revoke_client(deps, a_call(id="admin"), ADMIN, "sender")
    assert revoked.revoked_at == NOW
    assert not _opens(deps, "sender", client_token("sender"))
    assert [client.id for client in list_clients(deps, "acme", 10, None)[0]] == ["admin", "sender"]
    assert revoke_client(deps, a_call(id="admin"), ADMIN, "sender") == revoked
    assert [entry.action for _, entry in audit.entries] == ["client.revoked"]
    with pytest.raises(Conflict):
        _rotate(deps, ADMIN, "sender")


def test_use_of_a_client_is_noted_once_a_day(deps: Deps, clock: FixedClock) -> None:
    for hours in (0, 1, 24):
        clock.at = NOW + timedelta(hours=hours)
        assert _opens(deps, "sender", client_token("sender"))
        stored = deps.clients.get("sender")
        assert stored is not None
        assert stored.last_used_at == NOW + timedelta(hours=24 if hours == 24 else 0)


def test_refused_client_was_not_used(deps: Deps) -> None:
    assert not _opens(deps, "sender", "wrong")
    assert deps.clients.get("sender") == SENDER


def test_list_of_apps_leaves_the_platform_out(deps: Deps) -> None:
    apps, cursor = list_apps(deps, PLATFORM, 10, None)
    assert ([app.id for app in apps], cursor) == (["acme", "globex"], None)
    first, cursor = list_apps(deps, PLATFORM, 1, None)
    second, _ = list_apps(deps, PLATFORM, 1, cursor)
    assert [app.id for app in (*first, *second)] == ["acme", "globex"]


def test_admin_sees_its_own_app_and_continues_nobodys_list(deps: Deps) -> None:
    assert [app.id for app in list_apps(deps, ADMIN, 10, None)[0]] == ["acme"]
    assert list_apps(deps, PLATFORM_ADMIN, 10, None) == ([], None)
    assert list_apps(deps, a_client(tenant="unknown"), 10, None) == ([], None)
    _, cursor = list_apps(deps, PLATFORM, 1, None)
    with pytest.raises(InvalidRequest):
        list_apps(deps, ADMIN, 10, cursor)


def test_every_scope_of_a_tenant_is_given_by_its_admin(deps: Deps) -> None:
    client, _ = add_client(deps, a_call(id="admin"), ADMIN, "acme", {**GIVEN, "scopes": sorted(TENANT_SCOPES)})
    assert client.scopes == TENANT_SCOPES
