"""Telling FCM to send nothing more to the topics of devices that are erased, or by targets that were replaced.

Nothing is left here that could be told again, so this is tried once: what FCM does not hear stays with the app's registration until that ends.
Whoever needs to be sure deletes the device first and erases it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fanfare.domain.device import Device
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.subscribing import farewells_of
from fanfare.domain.tenant import hold_reason
from fanfare.ports import Deps

WAIT = timedelta(seconds=3)


def say_farewell(deps: Deps, tenant_id: str, former: Sequence[Device]) -> None:
    """Unsubscribe devices at FCM, as they were read before they were erased or got another target; whatever FCM does, nothing is raised."""
    farewells = [farewell for device in former for farewell in farewells_of(device)]
    tenant = deps.tenants.get(tenant_id) if farewells else None
    if tenant is None or hold_reason(tenant) is not None:
        return
    until = deps.clock.now() + WAIT
    try:
        for _ in deps.subscriber.tell(tenant, farewells):
            if deps.clock.now() > until:
                break
    except (Unavailable, CredentialRefused) as error:
        deps.log.warning("farewell_unheard", tenant=tenant_id, cause=type(error).__name__)
