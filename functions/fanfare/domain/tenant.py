"""A tenant: one app with its own Firebase project, isolated from every other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fanfare.domain.brake import Quarantine
from fanfare.domain.breaker import ALL, Breaker

DRAINING = timedelta(minutes=10)
"""Longer than any pass: one that began before a breaker closed may still park its chunk afterwards."""
DEFAULT_QUOTA_PER_MINUTE = 600_000
"""FCM's default message rate of a project (firebase.google.com/docs/cloud-messaging/throttling-and-quotas)."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One app. `credential_secret` names the Secret Manager secret that holds its service account; `data_key_id` its current data key.

    `draining_until` is set where a breaker closed or a quarantine ended: until then parked chunks may still have to be sent.
    """

    id: str
    name: str
    firebase_project_id: str
    credential_secret: str
    data_key_id: str
    created_at: datetime
    quota_per_minute: int = DEFAULT_QUOTA_PER_MINUTE
    breakers: Mapping[str, Breaker] = field(default_factory=dict)
    quarantine: Quarantine | None = None
    draining_until: datetime | None = None


def hold_reason(tenant: Tenant) -> str | None:
    """Why nothing of the tenant may be sent now; None if it may."""
    if tenant.quarantine is not None:
        return "quarantined"
    breaker = tenant.breakers.get(ALL)
    return f"breaker_open:{breaker.reason}" if breaker else None


def attention_at(tenant: Tenant) -> datetime | None:
    """When the schedule tick must look at a tenant (one that drains or is in quarantine, at every tick); None if nothing is wrong with it."""
    if tenant.quarantine is not None:
        return tenant.quarantine.since
    if tenant.draining_until is not None:
        return tenant.draining_until - DRAINING
    return min((breaker.probe_at for breaker in tenant.breakers.values()), default=None)
