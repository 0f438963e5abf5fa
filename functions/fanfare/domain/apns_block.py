"""FCM's ApnsConfig of a message: headers for APNs, and the `aps` dictionary that FCM completes with title and body."""

from __future__ import annotations

from typing import Any

from fanfare.domain.fcm_blocks import compact, merge, own_block, spell_headers
from fanfare.domain.lifetime import Lifetime
from fanfare.domain.message import Message, Platform, Priority
from fanfare.domain.visibility import is_shown

_HEADERS = ("apns-push-type", "apns-priority", "apns-expiration", "apns-collapse-id")
_PRIORITY = {Priority.HIGH: "10", Priority.NORMAL: "5"}
"""10 delivers at once, 5 when it suits the device's battery: Apple's words for what high and normal mean on Android."""


def build_apns(message: Message, *, tag: str, lifetime: Lifetime) -> dict[str, Any]:
    """Our fields under the caller's own. Source: ApnsConfig in FCM's v1 reference, FCM's iOS image guide, Apple's APNs headers."""
    own = spell_headers(_without_empty_aps(own_block(message, Platform.IOS)), _HEADERS)
    if "live_activity_token" in own:
        # A Live Activity is the caller's payload from end to end: FCM chooses its push type, and a collapse id or a
        # content-available of ours would make APNs refuse it.
        return merge({"headers": _transport_headers(message, lifetime)}, own)
    parts = _shown(message, tag) if is_shown(message, Platform.IOS) else _background(message)
    return merge(merge({"headers": _transport_headers(message, lifetime)}, parts), own)


def _without_empty_aps(own: dict[str, Any]) -> dict[str, Any]:
    # An empty `aps` says nothing, and FCM might take its presence for the caller's own, empty alert.
    payload = own.get("payload", {})
    if payload.get("aps") != {}:
        return own
    return compact(own | {"payload": {name: value for name, value in payload.items() if name != "aps"}})


def _transport_headers(message: Message, lifetime: Lifetime) -> dict[str, str]:
    return {"apns-priority": _PRIORITY[message.priority], "apns-expiration": lifetime.apns_expiration}


def _shown(message: Message, tag: str) -> dict[str, Any]:
    # A notification service extension downloads the image or registers the buttons, and runs only for mutable content.
    is_mutable = message.image_url or message.actions
    aps = compact(
        {
            "badge": message.badge,
            "sound": message.sound,
            "thread-id": message.group,
            "mutable-content": 1 if is_mutable else None,
        }
    )
    return compact(
        {
            "headers": {"apns-push-type": "alert", "apns-collapse-id": tag},
            "payload": compact({"aps": aps}),
            "fcm_options": compact({"image": message.image_url}),
        }
    )


def _background(message: Message) -> dict[str, Any]:
    # APNs takes background pushes at priority 5 only, and refuses them with an alert, a sound or a badge. There is nothing
    # on the screen to replace, so only the caller's own key collapses them.
    headers = {"apns-push-type": "background", "apns-priority": "5", "apns-collapse-id": message.collapse_key}
    return {"headers": compact(headers), "payload": {"aps": {"content-available": 1}}}
