"""A message as FCM's Message JSON, without what differs per recipient (the target and `data.fanfare_receipt`).

| field                | android                          | ios                                     | web                            |
|----------------------|----------------------------------|-----------------------------------------|--------------------------------|
| title, body          | `notification`                   | `notification`                          | `notification`                 |
| image_url            | `notification`, own `image`      | `notification`, `fcm_options.image`     | `notification`, own `image`    |
| actions              | `data.actions` (JSON)            | `data.actions` (JSON)                   | `notification.actions`         |
| deep_link            | `data.deep_link`                 | `data.deep_link`                        | the same, `fcm_options.link`   |
| channel, sound       | `channel_id`, `sound`            | `aps.sound`                             | nothing                        |
| badge                | `notification_count`             | `aps.badge`                             | nothing                        |
| priority             | `priority`                       | `apns-priority` 10 or 5                 | `Urgency`                      |
| ttl_seconds          | `ttl`, what remains              | `apns-expiration`, absolute             | `TTL`, what remains            |
| collapse_key         | `collapse_key`, `tag`            | `apns-collapse-id`                      | `Topic`, `tag`                 |
| without collapse_key | `tag` = notification id          | `apns-collapse-id` = notification id    | `tag` = notification id        |
| group                | nothing                          | `aps.thread-id`                         | nothing                        |
| silent, or no text   | no notification                  | background, `content-available`, 5      | no notification                |

The caller's own android, apns and webpush blocks win, field by field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fanfare.domain.android_block import build_android
from fanfare.domain.apns_block import build_apns
from fanfare.domain.fcm_blocks import BLOCKS, compact, own_block
from fanfare.domain.lifetime import Lifetime
from fanfare.domain.message import Message, Platform
from fanfare.domain.visibility import has_text
from fanfare.domain.webpush_block import build_webpush

_BUILDERS = {Platform.ANDROID: build_android, Platform.IOS: build_apns, Platform.WEB: build_webpush}


def render(
    message: Message,
    platform: Platform | None,
    *,
    notification_id: str,
    ttl_seconds: int,
    planned_at: datetime,
    now: datetime,
) -> dict[str, Any]:
    """FCM's Message for a device's platform, or for a topic or condition (`None`: all three blocks).

    `ttl_seconds` is the whole life (`lifetime.ttl_seconds_for`), counted from `planned_at`. The message must have passed
    `message_rules.check_message`. Field names are spelled as firebase_admin spells them.
    """
    lifetime = Lifetime(ttl_seconds, planned_at, now)
    tag = message.collapse_key or notification_id
    rendering = compact({"notification": _notification(message), "data": _data(message, platform, notification_id)})
    for one in tuple(Platform) if platform is None else (platform,):
        block = _BUILDERS[one](message, tag=tag, lifetime=lifetime)
        own_data = block.pop("data", None)
        if platform is None and own_data:
            # FCM puts a block's data in the place of the message's, so it must repeat everything else.
            block["data"] = _data(message, one, notification_id)
        rendering[BLOCKS[one].key] = block
    return rendering


def _notification(message: Message) -> dict[str, str]:
    if message.silent or not has_text(message):
        return {}
    return compact({"title": message.title or None, "body": message.body or None, "image": message.image_url})


def _data(message: Message, platform: Platform | None, notification_id: str) -> dict[str, str]:
    # For one platform its block's data is folded in: one place for what the app reads, and one receipt to splice.
    own_data = own_block(message, platform).get("data", {}) if platform else {}
    return {**message.data, **own_data, **_derived_data(message, platform), "fanfare_id": notification_id}


def _derived_data(message: Message, platform: Platform | None) -> dict[str, str]:
    # Web browsers draw the buttons themselves, from the notification; FCM has no field for them on the other two.
    derived = {}
    if message.actions and platform is not Platform.WEB:
        derived["actions"] = encode_actions((action.id, action.title) for action in message.actions)
    if message.deep_link:
        derived["deep_link"] = message.deep_link
    return derived


def encode_actions(actions: Iterable[tuple[str, str]]) -> str:
    """What an app finds in `data.actions`: a JSON array of objects with `id` and `title`."""
    return json.dumps([{"id": id_, "title": title} for id_, title in actions], ensure_ascii=False, separators=(",", ":"))
