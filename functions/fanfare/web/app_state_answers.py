"""Whether a tenant's messages are held, as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fanfare.domain.tenant import Tenant
from fanfare.web.instants import show_time
from fanfare.web.schema import Out


class BreakerOut(Out):
    """An open breaker: FCM's error code, since when, and when it is probed next."""

    scope: str
    reason: str
    opened_at: datetime
    probe_at: datetime


class AppStateOut(Out):
    """Whether a tenant's messages are held, and why."""

    id: str
    quarantine_reason: str | None
    breakers: list[BreakerOut]


def show_state(tenant: Tenant) -> dict[str, Any]:
    """Whether a tenant's messages are held, as the API shows it."""
    return {
        "id": tenant.id,
        "quarantine_reason": tenant.quarantine.reason if tenant.quarantine else None,
        "breakers": [
            {"scope": scope, "reason": breaker.reason, "opened_at": show_time(breaker.opened_at), "probe_at": show_time(breaker.probe_at)}
            for scope, breaker in tenant.breakers.items()
        ],
    }
