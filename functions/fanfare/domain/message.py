"""A push message as a caller says it: platform-neutral, already parsed, immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Platform(StrEnum):
    """Where the app runs; decides which of FCM's blocks a message needs."""

    ANDROID = "android"
    IOS = "ios"
    WEB = "web"


class TargetKind(StrEnum):
    """FCM's four ways of addressing a message; each value is the field's name in FCM's `Message`."""

    TOKEN = "token"  # noqa: S105 - FCM's field name, not a secret
    FID = "fid"
    TOPIC = "topic"
    CONDITION = "condition"


class Priority(StrEnum):
    """High wakes a dozing device, normal waits for it."""

    HIGH = "high"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Action:
    """A button of a rich notification: `id` is what the app is told, `title` what the person reads."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be shown or delivered. `None` means "not said"; `ttl_seconds` counts from the planned send.

    `android`, `apns` and `webpush` are FCM's own blocks (field names in lowerCamelCase or snake_case, as FCM accepts both)
    and win, field by field, over what is derived from the neutral fields. A life given in a block (android `ttl`, `apns-expiration`,
    webpush `TTL`) is sent as it stands on every attempt; only `ttl_seconds` shrinks on a retry. An empty title or body is none.
    A `silent` message shows nothing: its title, body, image, sound and badge stay unsent, its data is delivered to the app.
    Without `receipts` nothing is in it by which the app could report that it came.
    """

    title: str | None = None
    body: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    ttl_seconds: int | None = None
    collapse_key: str | None = None
    group: str | None = None
    image_url: str | None = None
    deep_link: str | None = None
    actions: tuple[Action, ...] = ()
    channel: str | None = None
    sound: str | None = None
    badge: int | None = None
    silent: bool = False
    receipts: bool = True
    android: Mapping[str, Any] = field(default_factory=dict)
    apns: Mapping[str, Any] = field(default_factory=dict)
    webpush: Mapping[str, Any] = field(default_factory=dict)
