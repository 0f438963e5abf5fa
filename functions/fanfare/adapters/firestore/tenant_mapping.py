"""A tenant and its document; its breakers, its quarantine and its audit entries in plain words, for whoever reads them in the console."""

from __future__ import annotations

from typing import Any

from fanfare.domain.audit import AuditEntry
from fanfare.domain.brake import HeldChunk, Quarantine
from fanfare.domain.breaker import Breaker
from fanfare.domain.tenant import Tenant, attention_at

VERSION = 1


def to_document(tenant: Tenant) -> dict[str, Any]:
    """Map a tenant to its document."""
    return {
        "v": VERSION,
        "name": tenant.name,
        "firebase_project_id": tenant.firebase_project_id,
        "credential_secret": tenant.credential_secret,
        "data_key_id": tenant.data_key_id,
        "quota_per_minute": tenant.quota_per_minute,
        "created_at": tenant.created_at,
        "breakers": {scope: _breaker_document(breaker) for scope, breaker in tenant.breakers.items()},
        "quarantine": _quarantine_document(tenant.quarantine),
        "draining_until": tenant.draining_until,
        "attention_at": attention_at(tenant),
    }


def from_document(tenant: str, fields: dict[str, Any]) -> Tenant:
    """Map a document to a tenant."""
    return Tenant(
        id=tenant,
        name=fields["name"],
        firebase_project_id=fields["firebase_project_id"],
        credential_secret=fields["credential_secret"],
        data_key_id=fields["data_key_id"],
        quota_per_minute=fields["quota_per_minute"],
        created_at=fields["created_at"],
        breakers={scope: Breaker(**breaker) for scope, breaker in fields["breakers"].items()},
        quarantine=_quarantine(fields["quarantine"]),
        draining_until=fields["draining_until"],
    )


def audit_to_document(entry: AuditEntry) -> dict[str, Any]:
    """Map an audit entry."""
    return {"v": VERSION, "action": entry.action, "actor": entry.actor, "at": entry.at, "facts": dict(entry.facts)}


def _breaker_document(breaker: Breaker) -> dict[str, Any]:
    return {"reason": breaker.reason, "opened_at": breaker.opened_at, "probe_at": breaker.probe_at, "probes": breaker.probes}


def _quarantine_document(quarantine: Quarantine | None) -> dict[str, Any] | None:
    if quarantine is None:
        return None
    held = [{"notification_id": chunk.notification_id, "number": chunk.number} for chunk in quarantine.held]
    return {"reason": quarantine.reason, "since": quarantine.since, "held": held}


def _quarantine(fields: dict[str, Any] | None) -> Quarantine | None:
    if fields is None:
        return None
    return Quarantine(fields["reason"], fields["since"], tuple(HeldChunk(**chunk) for chunk in fields["held"]))
