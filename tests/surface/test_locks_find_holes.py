"""The walk notices a lock that is missing: each test takes one out and looks at what is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from flask import Response, jsonify

from fanfare.domain.client import Client, Scope
from fanfare.domain.device import Device
from fanfare.domain.idempotency import Attempt, StoredAnswer
from fanfare.domain.profile import Profile
from fanfare.domain.refusal import Refusal
from fanfare.services import list_pages
from fanfare.web.gate import Access
from tests.fakes import (
    FixedClock,
    MemoryAuditStore,
    MemoryClientStore,
    MemoryDeviceStore,
    MemoryIdempotencyStore,
    MemoryProfileStore,
    MemoryRefusalCounter,
)
from tests.locks.asking import rule_of
from tests.locks.doors import DOORS
from tests.locks.walk import Walk
from tests.surface.test_locks import walk_of


class AllTenantsDevices(MemoryDeviceStore):
    """Finds devices whosever they are."""

    def get(self, tenant: str, device_ids: Sequence[str]) -> list[Device]:
        return [device for (_, name), device in self._devices.items() if name in device_ids]


class AllTenantsProfiles(MemoryProfileStore):
    """Finds profiles whosever they are."""

    def get(self, tenant: str, profile_id: str) -> Profile | None:
        return next((profile for (_, name), profile in self._profiles.items() if name == profile_id), None)


class EverybodysAnswers(MemoryIdempotencyStore):
    """Keeps one answer a body, whoever asks."""

    def begin(self, tenant: str, attempt: Attempt) -> StoredAnswer | None:
        return super().begin("", replace(attempt, key_hash=attempt.request_hash))

    def finish(self, tenant: str, key_hash: str, answer: StoredAnswer) -> None:
        super().finish("", answer.request_hash, answer)


class ImmortalClients(MemoryClientStore):
    """Knows of no revocation, no expiry and no allowlist."""

    def get(self, client_id: str) -> Client | None:
        client = super().get(client_id)
        return client and replace(client, revoked_at=None, expires_at=None, ip_allowlist=())


class TellingClients(MemoryClientStore):
    """Gives every client every scope."""

    def get(self, client_id: str) -> Client | None:
        client = super().get(client_id)
        return client and replace(client, scopes=frozenset(Scope))


class WritingCounter(MemoryRefusalCounter):
    """Writes down whoever is refused, in the audit log of a tenant."""

    def __init__(self, clients: MemoryClientStore) -> None:
        super().__init__()
        self.clients = clients

    def count(self, refusal: Refusal, at: Any) -> None:
        self.clients.update(refusal.client_id, lambda client: replace(client, name=f"{client.name}!"), lambda _, __: None)  # type: ignore[arg-type, return-value]


def found(walk: Walk, route: str) -> str:
    return "\n".join(walk.breaches(next(door for door in DOORS if door.route == route)))


def with_view(walk: Walk, route: str, change: Callable[[Any], Any]) -> None:
    """Replace the function behind a route of this walk's app alone."""
    method = route.partition(" ")[0]
    rule = next(rule for rule in walk.world.app.url_map.iter_rules() if rule.rule == rule_of(route) and method in (rule.methods or ()))
    walk.world.app.view_functions[rule.endpoint] = change(walk.world.app.view_functions[rule.endpoint])


def test_a_store_that_looks_into_every_tenant_is_found() -> None:
    assert "another tenant's id in the path" in found(walk_of(devices=AllTenantsDevices(FixedClock())), "GET /devices/<id>")
    assert "another tenant's id in the path" in found(walk_of(profiles=AllTenantsProfiles()), "GET /profiles/<id>")


def test_an_answer_that_others_get_by_a_key_is_found() -> None:
    told = found(walk_of(idempotency=EverybodysAnswers()), "POST /clients")
    assert "another client's key" in told
    assert "another tenant's key" in told


def test_clients_that_can_not_end_are_found() -> None:
    told = found(walk_of(clients=ImmortalClients()), "GET /devices")
    for lock in ("an expired token", "a revoked client", "an address outside the allowlist", "an address that the caller made up"):
        assert f"with {lock}: 200" in told


def test_a_missing_scope_that_opens_is_found() -> None:
    assert "every other scope instead of the scope: 200" in found(walk_of(clients=TellingClients()), "GET /devices")


def test_a_refusal_that_writes_is_found() -> None:
    audit = MemoryAuditStore()
    clients = MemoryClientStore(audit)
    assert "refused requests changed" in found(walk_of(audit=audit, clients=clients, refusals=WritingCounter(clients)), "GET /devices")


def test_a_public_route_is_found() -> None:
    walk = walk_of()

    def opened(_view: Any) -> Any:
        def view(**_arguments: object) -> Response:
            return jsonify({"ok": True})

        view.access = Access(tuple(Scope), "other")  # type: ignore[arg-type, attr-defined]
        return view

    with_view(walk, "GET /health/ready", opened)
    walk.world.app.before_request_funcs[None].clear()
    assert "no credential: 200" in found(walk, "GET /health/ready")


def test_an_answer_that_shows_another_tenants_thing_is_found() -> None:
    walk = walk_of()

    def telling(_view: Any) -> Any:
        def view(**_arguments: object) -> Response:
            return jsonify({"held": [walk.world.globex.id]})

        view.access = _view.access  # type: ignore[attr-defined]
        return view

    with_view(walk, "GET /health/ready", telling)
    assert "of another tenant" in found(walk, "GET /health/ready")


def test_a_cursor_that_is_bound_to_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_pages, "query_hash", lambda *_: "any")
    told = found(walk_of(), "GET /devices")
    for lock in ("another tenant's cursor", "a cursor of GET /clients", "a cursor of another filter"):
        assert f"with {lock}: 200" in told


def test_a_header_that_differs_is_found() -> None:
    walk = walk_of()

    def tell(response: Response) -> Response:
        if walk.tried["a revoked client"] > walk.tried["a token rotated out, past its grace"]:
            response.headers["RateLimit"] = '"other";r=1;t=1'
        return response

    walk.world.app.after_request_funcs[None].append(tell)
    told = found(walk, "GET /devices")
    assert "with a revoked client: 401" in told
    assert "with an expired token" not in told
