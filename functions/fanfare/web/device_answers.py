"""Devices as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fanfare.domain.device import Device, target_hint
from fanfare.domain.keepalive import Keepalive
from fanfare.web.instants import show_time
from fanfare.web.schema import Out, PlatformName


class TopicErrorOut(Out):
    """A topic that FCM refused for good, and its code."""

    topic: str
    error: str


class DeviceKeepaliveOut(Out):
    """When a device was pinged last, is pinged next, and replied last. It is pinged once `planned`, and no more while `stopped`."""

    state: Literal["new", "planned", "stopped"]
    last: datetime | None
    next: datetime | None
    reply: datetime | None


class DeviceOut(Out):
    """A device. Its target is never shown, only its last six characters.

    `unsynced_topics` are those of which FCM is still to be told, `topic_errors` those that it refused; both are told anew when the device registers.
    """

    id: str
    target_kind: Literal["token", "fid"]
    target_hint: str
    platform: PlatformName
    profile_id: str | None
    profile_ids: list[str]
    usernames: list[str]
    username: str | None
    device_id: str | None
    app_version: str | None
    os_version: str | None
    model: str | None
    locale: str | None
    timezone: str | None
    tags: list[str]
    topics: list[str]
    unsynced_topics: list[str]
    topic_errors: list[TopicErrorOut]
    active: bool
    inactive_reason: str | None
    inactive_since: datetime | None
    keepalive: DeviceKeepaliveOut
    last_seen_at: datetime
    created_at: datetime
    updated_at: datetime | None


class DevicePage(Out):
    """A page of devices."""

    items: list[DeviceOut]
    next_cursor: str | None


class RemovedOut(Out):
    """How many devices were deleted. `more`: there may be others, which another call deletes."""

    removed: int
    more: bool


class BulkItem(Out):
    """What became of one device of a bulk registration: its id, or what was wrong with it."""

    index: int
    id: str | None = None
    error: str | None = None


class BulkOut(Out):
    """What became of each device, in their order."""

    items: list[BulkItem]


def show_device(device: Device) -> dict[str, Any]:
    """A device as the API shows it."""
    usernames = [owner.username for owner in device.owners if owner.username]
    return {
        "id": device.id,
        "target_kind": device.target.kind.value,
        "target_hint": target_hint(device.target),
        "platform": device.platform.value,
        "profile_id": device.profile_ids[0] if device.profile_ids else None,
        "profile_ids": list(device.profile_ids),
        "usernames": usernames,
        "username": usernames[0] if usernames else None,
        "device_id": device.device_id,
        "app_version": device.app_version,
        "os_version": device.os_version,
        "model": device.model,
        "locale": device.locale,
        "timezone": device.timezone,
        "tags": list(device.tags),
        "topics": list(device.topics),
        "unsynced_topics": list(device.topic_sync.pending),
        "topic_errors": [{"topic": topic, "error": code} for topic, code in device.topic_sync.errors],
        "active": device.active,
        "inactive_reason": device.inactive_reason.value if device.inactive_reason else None,
        "inactive_since": show_time(device.inactive_since),
        "keepalive": _show_keepalive(device.keepalive),
        "last_seen_at": show_time(device.last_seen_at),
        "created_at": show_time(device.created_at),
        "updated_at": show_time(device.updated_at),
    }


def _show_keepalive(keepalive: Keepalive) -> dict[str, Any]:
    times = {name: show_time(getattr(keepalive, name)) for name in ("last", "next", "reply")}
    return {"state": keepalive.state.value, **times}
