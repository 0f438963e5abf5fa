"""A tenant: one app with its own Firebase project, isolated from every other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fanfare.domain.brake import Quarantine
from fanfare.domain.breaker import ALL, Breaker
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.listening import Listening
from fanfare.domain.tenant_keys import IndexKeys, KeyRotation
from fanfare.domain.tenant_settings import TenantSettings

PLATFORM_TENANT = "platform"
"""The tenant of the clients that create tenants: it has a data key and an audit log, but no Firebase project, and sends nothing."""
DRAINING = timedelta(minutes=10)
"""Longer than any pass: one that began before a breaker closed may still park its chunk afterwards."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One app. `credential_secret` names the Secret Manager secret that holds its service account; `data_key_id` its current data key.

    `credential_version` is the version of that secret that is used; None: it has none yet.
    `defects` says, by setting, why a hand edit is not believed; its default stands in for it.
    `draining_until` is set where a breaker closed or a quarantine ended: until then parked chunks may still have to be sent.
    `drained_to` is the last one that the draining nudged, where more come after it. `released_at` is when its last quarantine ended.
    `config_version` rises when all instances are to read anew what they keep of the tenant.
    `rotation` is the rotation of its keys that is under way, `keys_rotated_at` when the last one ended.
    `listening` is who listens to its events.
    """

    id: str
    name: str
    firebase_project_id: str
    credential_secret: str
    data_key_id: str
    created_at: datetime
    credential_version: str | None = None
    settings: TenantSettings = field(default_factory=TenantSettings)
    defects: Mapping[str, str] = field(default_factory=dict)
    breakers: Mapping[str, Breaker] = field(default_factory=dict)
    quarantine: Quarantine | None = None
    draining_until: datetime | None = None
    drained_to: ChunkKey | None = None
    released_at: datetime | None = None
    index: IndexKeys = field(default_factory=IndexKeys)
    config_version: int = 0
    rotation: KeyRotation | None = None
    keys_rotated_at: datetime | None = None
    listening: Listening = field(default_factory=Listening)


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
