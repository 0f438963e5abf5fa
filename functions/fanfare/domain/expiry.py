"""Which devices and profiles cleanup retires or wipes. What stands in a query is asked again here, in the commit that does it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from fanfare.domain.audience import Audience
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.message import Platform
from fanfare.domain.profile import Profile, ProfileState
from fanfare.domain.registration import deactivate

IDLE: Mapping[Platform, timedelta] = MappingProxyType(
    {Platform.ANDROID: timedelta(days=270), Platform.IOS: timedelta(days=365), Platform.WEB: timedelta(days=365)}
)
"""How long an app may not be heard of before its target is retired.

270 days are FCM's own limit for Android (firebase.google.com/docs/cloud-messaging/manage-tokens). For the others it has none: a year without a
start of the app is ours.
"""
TOMBSTONES_KEPT = timedelta(days=1)
"""At the least: a pass that began before a device was erased may still pack it."""


def retire_idle(device: Device, now: datetime) -> Device | None:
    """Retire a device whose app has not been heard of for too long; None if it has been, or receives nothing anyway."""
    is_idle = device.active and device.last_seen_at <= now - IDLE[device.platform]
    return deactivate(device, InactiveReason.IDLE, now) if is_idle else None


def is_inactive_since(device: Device, before: datetime) -> bool:
    """Tell whether a device has received nothing since `before`, for a reason that does not end by itself."""
    return device.purgeable_since is not None and device.purgeable_since <= before


def is_deleted_since(device: Device, before: datetime) -> bool:
    """Tell whether a device has been deleted softly since `before`."""
    return device.is_deleted and device.inactive_since is not None and device.inactive_since <= before


def is_profile_due(profile: Profile, before: datetime) -> bool:
    """Tell whether a profile has been deleted softly since `before`, and not been erased yet."""
    return profile.state is ProfileState.DELETED and profile.deleted_at is not None and profile.deleted_at <= before


def tombstones_due(audience: Audience | None, now: datetime) -> datetime:
    """The instant before which tombstones may go: all generations know by then that these devices are gone."""
    latest = now - TOMBSTONES_KEPT
    return latest if audience is None else min(latest, audience.watermark)
