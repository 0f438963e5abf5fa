"""API clients: make, find and change one, give it a new token, revoke it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, Call
from fanfare.domain.client import Client, Scope, format_token, hash_token
from fanfare.domain.client_rules import changed_client, check_grant, check_not_locked_out, read_scopes
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.rotation import Rotation, check_present_token, is_repeat, reissued, revoked, rotated
from fanfare.ports import Deps


def add_client(deps: Deps, call: Call, giver: Client, tenant_id: str, given: Mapping[str, Any]) -> tuple[Client, str]:
    """Make a client of a tenant out of what is given and return it with its token; NotFound, InvalidRequest, Forbidden."""
    if deps.tenants.get_fresh(tenant_id) is None:
        raise NotFound.of("tenant")
    scopes = read_scopes(given.get("scopes"))
    check_grant(scopes, tenant_id, giver)
    now = deps.clock.now()
    blank = Client(deps.identifiers.new_id(), tenant_id, str(given["name"]), "", scopes, now)
    return store_client(deps, call.actor, changed_client(blank, given, now))


def store_client(deps: Deps, actor: Actor, client: Client) -> tuple[Client, str]:
    """Store a new client with a fresh token, which is known to nobody afterwards."""
    token = format_token(client.id, deps.identifiers.new_secret())
    stored = replace(client, token_hash=hash_token(token))
    deps.clients.create(stored, trail("client.created", actor, client.created_at)(None, stored))
    return stored, token


def get_client(deps: Deps, tenant: str, client_id: str) -> Client:
    """Find a tenant's client as it is stored now; NotFound."""
    client = deps.clients.get_fresh(client_id)
    if client is None or client.tenant != tenant:
        raise NotFound.of("client")
    return client


def update_client(deps: Deps, call: Call, giver: Client, client_id: str, given: Mapping[str, Any]) -> Client:
    """Change what is given of a client. NotFound, InvalidRequest, Forbidden; Conflict if it is revoked or would lock its caller out."""
    get_client(deps, call.tenant, client_id)
    now = deps.clock.now()

    def decide(before: Client) -> Client | None:
        if before.revoked_at is not None:
            raise Conflict("This client is revoked.")
        after = changed_client(before, given, now)
        check_grant(before.scopes | after.scopes, before.tenant, giver)
        check_not_locked_out(before, after, call.actor.id, call.actor.address)
        return after if after != before else None

    return _updated(deps.clients.update(client_id, decide, trail("client.updated", call.actor, now)))


def rotate_client(deps: Deps, call: Call, caller: Client, client_id: str, *, overlap_seconds: int, token: str) -> tuple[Client, str]:
    """Give a client a new token and return both; `token` is the one that the caller came with.

    An admin rotates every client of its tenant, any other client itself, with its present token. NotFound, Forbidden, Conflict.
    """
    if Scope.ADMIN not in caller.scopes and client_id != caller.id:
        raise NotFound.of("client")
    get_client(deps, call.tenant, client_id)
    fresh, now = format_token(client_id, deps.identifiers.new_secret()), deps.clock.now()
    rotation = Rotation(hash_token(fresh), timedelta(seconds=overlap_seconds), _rotation_id(call, client_id))

    def decide(before: Client) -> Client:
        if is_repeat(before, rotation, now):
            return reissued(before, rotation)
        if client_id == caller.id:
            check_present_token(before, token)
        else:
            check_grant(before.scopes, before.tenant, caller)
        return rotated(before, rotation, now)

    facts = {"overlap_seconds": str(overlap_seconds)}
    return _updated(deps.clients.update(client_id, decide, trail("client.rotated", call.actor, now, facts))), fresh


def revoke_client(deps: Deps, call: Call, giver: Client, client_id: str) -> Client:
    """Revoke a client for ever: nothing opens it from now on, on other instances within 60 seconds. NotFound, Conflict for the caller itself."""
    get_client(deps, call.tenant, client_id)
    if client_id == call.actor.id:
        raise Conflict("A client can't revoke itself: another admin must do it.")
    now = deps.clock.now()

    def decide(before: Client) -> Client | None:
        check_grant(before.scopes, before.tenant, giver)
        return revoked(before, now)

    return _updated(deps.clients.update(client_id, decide, trail("client.revoked", call.actor, now)))


def _rotation_id(call: Call, client_id: str) -> str | None:
    return None if call.idempotency_key is None else hash_identifier("rotation", call.actor.id, client_id, call.idempotency_key)


def _updated(client: Client | None) -> Client:
    if client is None:
        raise NotFound.of("client")
    return client
