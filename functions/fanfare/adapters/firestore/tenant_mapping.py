"""A tenant and its document in plain words: an operator reads it in the console, and may edit its settings there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fanfare.domain.brake import HeldChunk, Quarantine
from fanfare.domain.breaker import Breaker
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.event import EventKind
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.listening import Listening
from fanfare.domain.setting_rules import read_name
from fanfare.domain.tenant import Tenant, attention_at
from fanfare.domain.tenant_keys import IndexKeys, KeyRotation, Phase
from fanfare.domain.tenant_settings import read_settings

VERSION = 1


def to_document(tenant: Tenant) -> dict[str, Any]:
    """Map a tenant to its document."""
    return {
        "v": VERSION,
        "name": tenant.name,
        "firebase_project_id": tenant.firebase_project_id,
        "credential_secret": tenant.credential_secret,
        "credential_version": tenant.credential_version,
        "data_key_id": tenant.data_key_id,
        "index_key": tenant.index.current,
        "index_other": tenant.index.other,
        "rotation": _rotation_document(tenant.rotation),
        "rotation_due_at": tenant.rotation.due_at if tenant.rotation else None,
        "keys_rotated_at": tenant.keys_rotated_at,
        "keepalive": _keepalive_document(tenant.settings.keepalive),
        "retention_days": dict(tenant.settings.retention_days),
        "quota_per_minute": tenant.settings.quota_per_minute,
        "cors_origins": list(tenant.settings.cors_origins),
        "timezone": tenant.settings.timezone,
        "default_ttl_seconds": tenant.settings.default_ttl_seconds,
        "channels": [asdict(channel) for channel in tenant.settings.channels],
        "defects": dict(tenant.defects),
        "created_at": tenant.created_at,
        "breakers": {scope: _breaker_document(breaker) for scope, breaker in tenant.breakers.items()},
        "quarantine": _quarantine_document(tenant.quarantine),
        "draining_until": tenant.draining_until,
        "drained_to": _chunk_document(tenant.drained_to) if tenant.drained_to else None,
        "released_at": tenant.released_at,
        "config_version": tenant.config_version,
        "listening": _listening_document(tenant.listening),
        "attention_at": attention_at(tenant),
    }


def from_document(tenant: str, fields: dict[str, Any]) -> Tenant:
    """Map a document to a tenant; a setting that can't be read is at its default, and `defects` says why."""
    settings, defects = read_settings(fields)
    name, broken_name = _read_name(tenant, fields.get("name"))
    return Tenant(
        id=tenant,
        name=name,
        firebase_project_id=fields["firebase_project_id"],
        credential_secret=fields["credential_secret"],
        # Tenants of before versions were pinned use the newest one.
        credential_version=fields.get("credential_version", "latest"),
        data_key_id=fields["data_key_id"],
        index=IndexKeys(fields["index_key"], fields["index_other"]),
        rotation=_rotation(fields["rotation"]),
        keys_rotated_at=fields["keys_rotated_at"],
        settings=settings,
        defects={**defects, **broken_name},
        created_at=fields["created_at"],
        breakers={scope: Breaker(**breaker) for scope, breaker in fields["breakers"].items()},
        quarantine=_quarantine(fields["quarantine"]),
        draining_until=fields["draining_until"],
        drained_to=ChunkKey(tenant, **position) if (position := fields.get("drained_to")) else None,
        released_at=fields.get("released_at"),
        config_version=_config_version(fields.get("config_version")),
        listening=_listening(fields.get("listening")),
    )


def believed(document: dict[str, Any], tenant: Tenant) -> dict[str, Any]:
    """What of a tenant's document is written over the stored one: what a hand has broken stays there until somebody mends it."""
    return {name: value for name, value in document.items() if name not in tenant.defects}


def _read_name(tenant: str, stored: object) -> tuple[str, dict[str, str]]:
    try:
        return read_name(stored), {}
    except InvalidRequest as error:
        return tenant, {"name": error.detail}


def _config_version(stored: object) -> int:
    """Any number is as good as another; a hand that raises it makes the instances read anew, and one that breaks it breaks nothing else."""
    return stored if isinstance(stored, int) and not isinstance(stored, bool) else 0


def _keepalive_document(keepalive: KeepaliveSettings) -> dict[str, Any]:
    night = {"from": keepalive.night.starts_at, "to": keepalive.night.ends_at} if keepalive.night else None
    return {"enabled": keepalive.enabled, "max_silence_days": keepalive.max_silence_days, "night": night}


def _breaker_document(breaker: Breaker) -> dict[str, Any]:
    return {"reason": breaker.reason, "opened_at": breaker.opened_at, "probe_at": breaker.probe_at, "probes": breaker.probes}


def _quarantine_document(quarantine: Quarantine | None) -> dict[str, Any] | None:
    if quarantine is None:
        return None
    return {"reason": quarantine.reason, "since": quarantine.since, "held": [_chunk_document(chunk) for chunk in quarantine.held]}


def _chunk_document(chunk: HeldChunk | ChunkKey) -> dict[str, Any]:
    return {"notification_id": chunk.notification_id, "number": chunk.number}


def _quarantine(fields: dict[str, Any] | None) -> Quarantine | None:
    if fields is None:
        return None
    return Quarantine(fields["reason"], fields["since"], tuple(HeldChunk(**chunk) for chunk in fields["held"]))


def _listening_document(listening: Listening) -> dict[str, Any]:
    webhooks = {name: sorted(kind.value for kind in kinds) for name, kinds in listening.webhooks.items()}
    return {"webhooks": webhooks, "readers": dict(listening.readers)}


def _listening(fields: dict[str, Any] | None) -> Listening:
    """Who listens; kinds that a newer version knows are left out. A tenant from before there were listeners may have one half of it only."""
    if not fields:
        return Listening()
    known = {kind.value: kind for kind in EventKind}
    webhooks = {name: frozenset(known[kind] for kind in kinds if kind in known) for name, kinds in fields.get("webhooks", {}).items()}
    return Listening(webhooks, fields.get("readers", {}))


def _rotation_document(rotation: KeyRotation | None) -> dict[str, Any] | None:
    return {**asdict(rotation), "phase": rotation.phase.value} if rotation else None


def _rotation(fields: dict[str, Any] | None) -> KeyRotation | None:
    return KeyRotation(**{**fields, "phase": Phase(fields["phase"])}) if fields else None
