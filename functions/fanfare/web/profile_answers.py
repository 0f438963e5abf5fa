"""Profiles, and everything that is held about one, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fanfare.domain.profile import Profile
from fanfare.services.export_profile import Addressed, Export
from fanfare.web.audit import EntryOut, show_entry
from fanfare.web.delivery_answers import DeliveryOut, show_delivery
from fanfare.web.device_answers import DeviceOut, show_device
from fanfare.web.instants import show_time
from fanfare.web.notification_answers import NotificationOut, show_notification
from fanfare.web.schema import Out

ADDRESSEES = frozenset({"to", "usernames", "username", "phone_number", "phone_numbers", "profile_ids", "device_ids", "targets"})
"""Where a request names people, in its nested and in its flat form."""


class ProfileOut(Out):
    """A profile. With a `deleted_at` it receives nothing; it can be restored until cleanup."""

    id: str
    username: str | None
    phone_number: str | None
    external_id: str | None
    tags: list[str]
    topics: list[str]
    locale: str | None
    timezone: str | None
    created_at: datetime
    deleted_at: datetime | None


class ProfilePage(Out):
    """A page of profiles."""

    items: list[ProfileOut]
    next_cursor: str | None


class AddressedOut(Out):
    """A notification that the person was addressed by, and what became of it on the person's devices."""

    notification: NotificationOut
    deliveries: list[DeliveryOut]


class ExportOut(Out):
    """A page of everything held about a profile: its devices (their topics with them), its notifications, the audit log about it, in this order."""

    profile: ProfileOut
    devices: list[DeviceOut]
    notifications: list[AddressedOut]
    audit: list[EntryOut]
    next_cursor: str | None


def show_profile(profile: Profile) -> dict[str, Any]:
    """A profile as the API shows it."""
    return {
        "id": profile.id,
        "username": profile.username,
        "phone_number": profile.phone_number,
        "external_id": profile.external_id,
        "tags": list(profile.tags),
        "topics": list(profile.topics),
        "locale": profile.locale,
        "timezone": profile.timezone,
        "created_at": show_time(profile.created_at),
        "deleted_at": show_time(profile.deleted_at),
    }


def show_export(export: Export) -> dict[str, Any]:
    """A page of an export."""
    return {
        "profile": show_profile(export.profile),
        "devices": [show_device(device) for device in export.devices],
        "notifications": [_show_addressed(addressed) for addressed in export.notifications],
        "audit": [show_entry(stored) for stored in export.audit],
        "next_cursor": export.next_cursor,
    }


def _show_addressed(addressed: Addressed) -> dict[str, Any]:
    shown = show_notification(addressed.notification)
    # Who else was addressed is no business of this person.
    request = {name: value for name, value in shown["request"].items() if name not in ADDRESSEES}
    return {
        "notification": {**shown, "request": request},
        "deliveries": [show_delivery(*received) for received in addressed.deliveries],
    }
