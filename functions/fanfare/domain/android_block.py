"""FCM's AndroidConfig of a message."""

from __future__ import annotations

from typing import Any

from fanfare.domain.fcm_blocks import compact, merge, own_block
from fanfare.domain.lifetime import Lifetime
from fanfare.domain.message import Message, Platform
from fanfare.domain.visibility import is_shown


def build_android(message: Message, *, tag: str, lifetime: Lifetime) -> dict[str, Any]:
    """Our fields under the caller's own. Source: AndroidConfig and AndroidNotification in FCM's v1 reference."""
    ours = {
        # FCM takes enum names in any case; these are the ones firebase_admin sends.
        "priority": message.priority.value,
        "ttl": f"{lifetime.remaining_seconds}s",
        # Only ever the caller's key: FCM keeps four keys a device and lets one collapse in bursts of 20.
        "collapse_key": message.collapse_key,
        "notification": _notification(message, tag) if is_shown(message, Platform.ANDROID) else None,
    }
    return merge(compact(ours), own_block(message, Platform.ANDROID))


def _notification(message: Message, tag: str) -> dict[str, Any]:
    # FCM has no Android field for three of the neutral ones. `group` has none at all; buttons and the deep link travel in
    # `data`, because a tap is handled by the app: click_action names an activity's intent filter and is no link.
    # `notification_priority` only matters up to Android 7.1, where a channel's importance does not exist: the caller may set it.
    return compact(
        {
            "tag": tag,
            "image": message.image_url,
            "channel_id": message.channel,
            "sound": message.sound,
            "notification_count": message.badge,
        }
    )
