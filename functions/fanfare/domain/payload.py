"""A message's size against FCM's limit, decided before anything is stored."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.message import Message, Platform
from fanfare.domain.rendering import render

DEVICE_LIMIT_BYTES = 4_096
TOPIC_LIMIT_BYTES = 2_048
"""FCM's limits for a message to one device, and for one to a topic or condition. Source: FCM's ErrorCode, INVALID_ARGUMENT."""

RESERVED_DATA_BYTES = 160
"""What `fanfare_id` and `fanfare_receipt` may take together, names included; always counted in full."""

_DELIVERED = ("notification", "data", "payload", "fcm_options")
_LONGEST_NOTIFICATION_ID = "x" * 24
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def payload_bytes(rendering: Mapping[str, Any]) -> int:
    """The size in bytes of a message made by `rendering.render`, as FCM counts: names and values in UTF-8, no punctuation.

    Counted are `data` and `notification` and, of every platform block in the message, `data`, `notification`, `payload` and
    `fcm_options`, all levels, with numbers and booleans as JSON writes them. Each `data` object counts 160 bytes for our two
    reserved values. Not counted is what never reaches the device: the target, headers, priority, life, collapse key.
    What a block repeats or overrides counts twice, so the figure is never below FCM's own.
    """
    blocks = [value for name, value in rendering.items() if name not in _DELIVERED]
    parts = [(name, value) for part in (rendering, *blocks) for name, value in part.items() if name in _DELIVERED]
    return sum(_data_size(value) if name == "data" else _size(value) for name, value in parts)


def message_bytes(message: Message, platform: Platform | None) -> int:
    """The size in bytes of a message for a platform, or for a topic or condition (`None`)."""
    return payload_bytes(_render(message, platform))


def check_payload(message: Message, platforms: Collection[Platform | None]) -> None:
    """Refuse a message too big for one of the platforms it goes to; `None` among them stands for a topic or condition.

    Raises InvalidRequest naming the message's biggest field. The message must have passed `message_rules.check_message`.
    """
    field = _biggest_field(message)
    sizes = {platform: message_bytes(message, platform) for platform in platforms}
    errors = tuple(FieldError(field, _sentence(platform, size)) for platform, size in sizes.items() if size > limit_bytes(platform))
    if errors:
        raise InvalidRequest.of(errors)


def _render(message: Message, platform: Platform | None) -> dict[str, Any]:
    # Only sizes matter, and no time of any message changes what is counted.
    return render(message, platform, notification_id=_LONGEST_NOTIFICATION_ID, ttl_seconds=0, planned_at=_ANY_TIME, now=_ANY_TIME)


def limit_bytes(platform: Platform | None) -> int:
    """FCM's limit for a message to a device, or to a topic or condition (`None`)."""
    return TOPIC_LIMIT_BYTES if platform is None else DEVICE_LIMIT_BYTES


def _sentence(platform: Platform | None, size: int) -> str:
    receiver = "a topic or condition" if platform is None else platform.value
    return f"the message is {size} bytes for {receiver}; FCM allows {limit_bytes(platform)}"


def _biggest_field(message: Message) -> str:
    names = ("body", "title", "data", "android", "apns", "webpush")
    return max(names, key=lambda name: _size(getattr(message, name) or ""))


def _data_size(data: Mapping[str, str]) -> int:
    return RESERVED_DATA_BYTES + _size({key: value for key, value in data.items() if key != "fanfare_id"})


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping):
        return sum(_size(key) + _size(member) for key, member in value.items())
    if isinstance(value, list):
        return sum(_size(item) for item in value)
    return len(json.dumps(value))
