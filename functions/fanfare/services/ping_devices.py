"""The keepalive tick: every tenant that has it switched on, a page each; tasks do the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from fanfare.domain.errors import Unavailable
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.ping_page import Pinged, ping_page

TENANTS_READ = 100
OWN_TIME = timedelta(seconds=30)
"""What a tick does itself; what is left then is done by tasks."""


def ping_due_devices(deps: Deps, request_id: str) -> Pinged:
    """Ping a page of every tenant that has it switched on; tasks go on where there is more."""
    started_at, total = deps.clock.now(), Pinged()
    for tenant in _pinging(deps):
        if deps.clock.now() - started_at > OWN_TIME:
            deps.tasks.enqueue_keepalive(tenant.id, request_id)
            continue
        page = _try_page(deps, tenant, request_id)
        total = Pinged(total.tenants + 1, total.pinged + page.pinged, total.planned + page.planned)
    deps.log.info("pinged", tenants=total.tenants, pinged=total.pinged, planned=total.planned)
    return total


def ping_tenant(deps: Deps, tenant_id: str, request_id: str) -> Pinged:
    """Ping the next page of one tenant, as it is now; Unavailable if its devices can't be read or stored."""
    tenant = deps.tenants.get_fresh(tenant_id)
    if tenant is None or not tenant.settings.keepalive.enabled:
        return Pinged()
    return ping_page(deps, tenant, request_id)


def _pinging(deps: Deps) -> Iterator[Tenant]:
    after: str | None = None
    while True:
        page = deps.tenants.list_pinging(TENANTS_READ, after)
        # What a hand has broken counts as switched off.
        yield from (tenant for tenant in page.items if tenant.settings.keepalive.enabled)
        if page.next_after is None:
            return
        after = page.next_after


def _try_page(deps: Deps, tenant: Tenant, request_id: str) -> Pinged:
    try:
        return ping_page(deps, tenant, request_id)
    except Unavailable as error:
        # What can't be read of one tenant must not keep the others waiting; the next tick looks again.
        deps.log.warning("pings_left", tenant=tenant.id, reason=error.detail)
        return Pinged()
