"""A tenant's settings: plain fields of its document, which its admin changes through the API and an operator by hand in the console.

A setting that a hand has broken is not believed: its default stands in for it, and the reason is stored beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from fanfare.domain.channels import Channel, read_channels
from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.keepalive_settings import KeepaliveSettings, read_keepalive
from fanfare.domain.setting_rules import RETENTION_DAYS, read_default_ttl, read_origins, read_quota, read_retention, read_timezone

DEFAULT_QUOTA_PER_MINUTE = 600_000
"""FCM's default message rate of a project (firebase.google.com/docs/cloud-messaging/throttling-and-quotas)."""
LONGEST_DEFECT = 300


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """What a tenant may decide. `retention_days` is by kind; `default_ttl_seconds` None leaves a message's life to its priority.

    Without `channels` a message may name any; `cors_origins` are the web pages whose scripts may call the API.
    """

    keepalive: KeepaliveSettings = field(default_factory=KeepaliveSettings)
    retention_days: Mapping[str, int] = field(default_factory=lambda: MappingProxyType(RETENTION_DAYS))
    quota_per_minute: int = DEFAULT_QUOTA_PER_MINUTE
    cors_origins: tuple[str, ...] = ()
    timezone: str = "UTC"
    default_ttl_seconds: int | None = None
    channels: tuple[Channel, ...] = ()


READERS: Mapping[str, Callable[[object], Any]] = {
    "keepalive": read_keepalive,
    "retention_days": read_retention,
    "quota_per_minute": read_quota,
    "cors_origins": read_origins,
    "timezone": read_timezone,
    "default_ttl_seconds": read_default_ttl,
    "channels": read_channels,
}
"""One reader for each setting, the same for a request and for a document."""


def change_settings(present: TenantSettings, given: Mapping[str, object]) -> TenantSettings:
    """Replace the settings that are given, each as a whole; None brings its default back. InvalidRequest names everything that is wrong."""
    changed, errors = _read(given)
    if errors:
        raise InvalidRequest.of(errors)
    return replace(present, **changed)


def read_settings(stored: Mapping[str, object]) -> tuple[TenantSettings, Mapping[str, str]]:
    """Read a document, whatever stands in it: the settings, and why those that could not be read are at their defaults."""
    read, errors = _read({name: stored[name] for name in READERS if name in stored})
    defects = {error.field.partition(".")[0]: str(error)[:LONGEST_DEFECT] for error in errors}
    return replace(TenantSettings(), **read), defects


def _read(given: Mapping[str, object]) -> tuple[dict[str, Any], list[FieldError]]:
    read: dict[str, Any] = {}
    errors: list[FieldError] = []
    usual = TenantSettings()
    for name, value in given.items():
        try:
            read[name] = getattr(usual, name) if value is None else READERS[name](value)
        except InvalidRequest as error:
            errors.extend(error.errors)
    return read, errors
