"""Tenants as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from fanfare.domain.tenant import Tenant, hold_reason
from fanfare.web.instants import show_time
from fanfare.web.schema import Out
from fanfare.web.setting_schemas import ImportanceName, PriorityName


class NightOut(Out):
    """From when to when nobody is pinged."""

    starts_at: str = Field(alias="from")
    to: str


class KeepaliveOut(Out):
    """Whether silent devices are pinged."""

    enabled: bool
    max_silence_days: int
    night: NightOut | None


class ChannelOut(Out):
    """An Android channel."""

    id: str
    name: str
    importance: ImportanceName
    sound: str | None
    priority: PriorityName | None


class AppOut(Out):
    """A tenant. `credential_version` numbers the credential that is used (null: none yet), `defects` says which hand edits are not believed."""

    id: str
    name: str
    firebase_project_id: str
    credential_version: str | None
    keepalive: KeepaliveOut
    retention_days: dict[str, int]
    quota_per_minute: int
    cors_origins: list[str]
    timezone: str
    default_ttl_seconds: int | None
    channels: list[ChannelOut]
    defects: dict[str, str]
    hold_reason: str | None
    created_at: datetime


class AppPage(Out):
    """A page of tenants."""

    items: list[AppOut]
    next_cursor: str | None


class VerifiedOut(Out):
    """What FCM said to a message that was to be checked and not delivered: `result` is our word, `code` FCM's own."""

    id: str
    ok: bool
    result: str
    code: str | None
    http_status: int | None


def show_app(tenant: Tenant) -> dict[str, Any]:
    """A tenant as the API shows it."""
    settings, night = tenant.settings, tenant.settings.keepalive.night
    return {
        "id": tenant.id,
        "name": tenant.name,
        "firebase_project_id": tenant.firebase_project_id,
        "credential_version": tenant.credential_version,
        "keepalive": {
            "enabled": settings.keepalive.enabled,
            "max_silence_days": settings.keepalive.max_silence_days,
            "night": {"from": night.starts_at, "to": night.ends_at} if night else None,
        },
        "retention_days": dict(settings.retention_days),
        "quota_per_minute": settings.quota_per_minute,
        "cors_origins": list(settings.cors_origins),
        "timezone": settings.timezone,
        "default_ttl_seconds": settings.default_ttl_seconds,
        "channels": [
            {"id": channel.id, "name": channel.name, "importance": channel.importance, "sound": channel.sound, "priority": channel.priority}
            for channel in settings.channels
        ],
        "defects": dict(tenant.defects),
        "hold_reason": hold_reason(tenant),
        "created_at": show_time(tenant.created_at),
    }
