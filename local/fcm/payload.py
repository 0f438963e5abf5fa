"""How many bytes of FCM's payload limit a message uses.

Counted, in UTF-8 bytes, are keys and values of `data` and of the notification: a platform's own `data` replaces the common
one, its notification's fields replace the common ones of the same name. Names count in lowerCamelCase; numbers,
booleans and lists count as their JSON text or the sum of their items. For APNs the `payload` object joins `data` and the
common notification, keys and values at every depth. Not counted: the target, headers, TTL, priorities, options.
Android (or V2), APNs and web push are counted each for itself, because each goes out alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

DEVICE_LIMIT_BYTES = 4_096
TOPIC_LIMIT_BYTES = 2_048
Block = Mapping[str, object]
EMPTY: Block = {}


def oversized_platform(message: Block) -> str | None:
    """Return the platform ("Android", "APNS", "Webpush") whose payload exceeds the limit, or None."""
    limit = TOPIC_LIMIT_BYTES if "topic" in message or "condition" in message else DEVICE_LIMIT_BYTES
    for platform, size in payload_sizes(message).items():
        if size > limit:
            return platform
    return None


def payload_sizes(message: Block) -> dict[str, int]:
    """Return the bytes each platform's payload has; Android stands for a message without platform blocks."""
    data, notification = block(message, "data"), block(message, "notification")
    android = block(message, "android") or block(message, "androidV2")
    shown = block(android, "notification") or block(block(android, "remoteNotification"), "notification")
    sizes = {"Android": _size(block(android, "data") or data) + _size({**notification, **shown})}
    if apns := block(message, "apns"):
        sizes["APNS"] = _size(data) + _size(notification) + _size(block(apns, "payload"))
    if webpush := block(message, "webpush"):
        sizes["Webpush"] = _size(block(webpush, "data") or data) + _size({**notification, **block(webpush, "notification")})
    return sizes


def block(parent: Block, name: str) -> Block:
    """Return the nested object of that name, empty when absent."""
    return cast("Block", parent.get(name, EMPTY))


def _size(value: object) -> int:
    if type(value) is str:
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, Mapping):
        return sum([_size(key) + _size(item) for key, item in value.items()])
    if type(value) is list:
        return sum([_size(item) for item in value])
    return len(json.dumps(value))
