"""The breaker of a tenant: opened by an answer that says its project is broken, probed and closed by the tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from fanfare.domain.breaker import LONGEST_PROBE_WAIT, close_breaker, open_breaker, postpone_probe
from fanfare.domain.client import Client, Scope
from fanfare.domain.tenant import DRAINING, Tenant, attention_at
from fanfare.ports import Deps

MOST_HELD = 100


def open_tenant_breaker(deps: Deps, tenant: str, scope: str, reason: str) -> None:
    """Open a breaker; without effect if it is open already."""
    now = deps.clock.now()

    def decide(stored: Tenant) -> Tenant | None:
        breakers = open_breaker(stored.breakers, scope, reason, now)
        return replace(stored, breakers=breakers) if breakers is not None else None

    deps.tenants.update(tenant, decide)
    deps.log.warning("breaker_open", tenant=tenant, scope=scope, reason=reason)


def postpone_tenant_probe(deps: Deps, tenant: str, scope: str) -> None:
    """Note that a probe failed: the breaker stays open and is probed later."""
    now = deps.clock.now()

    def decide(stored: Tenant) -> Tenant | None:
        breaker = stored.breakers.get(scope)
        return replace(stored, breakers={**stored.breakers, scope: postpone_probe(breaker, now)}) if breaker else None

    deps.tenants.update(tenant, decide)


def close_tenant_breaker(deps: Deps, tenant: str, scope: str) -> None:
    """Close a breaker and let what was parked go on."""
    deps.tenants.update(tenant, partial(_closed, scope=scope, draining_until=deps.clock.now() + DRAINING))
    deps.log.info("breaker_closed", tenant=tenant, scope=scope)


def _closed(stored: Tenant, *, scope: str, draining_until: datetime) -> Tenant | None:
    if scope not in stored.breakers:
        return None
    return replace(stored, breakers=close_breaker(stored.breakers, scope), draining_until=draining_until)


def list_held_tenants(deps: Deps, client: Client) -> Sequence[Tenant]:
    """The tenants whose messages are held or just released: all of them for the platform's client, its own for a tenant's."""
    if Scope.PLATFORM in client.scopes:
        return deps.tenants.find_needing_attention(deps.clock.now() + LONGEST_PROBE_WAIT, MOST_HELD)
    tenant = deps.tenants.get(client.tenant)
    return [tenant] if tenant is not None and attention_at(tenant) is not None else []
