"""FCM's WebpushConfig of a message: headers for the push service (RFC 8030) and a Web Notification."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from fanfare.domain.fcm_blocks import compact, merge, own_block, spell_headers
from fanfare.domain.lifetime import Lifetime
from fanfare.domain.message import Message, Platform
from fanfare.domain.visibility import is_shown

_HEADERS = ("TTL", "Urgency", "Topic")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")


def build_webpush(message: Message, *, tag: str, lifetime: Lifetime) -> dict[str, Any]:
    """Our fields under the caller's own. Source: WebpushConfig in FCM's v1 reference, RFC 8030, the Notifications API."""
    headers = {
        "TTL": str(lifetime.remaining_seconds),
        "Urgency": message.priority.value,
        "Topic": topic_header(message.collapse_key) if message.collapse_key else None,
    }
    shown = _shown(message, tag) if is_shown(message, Platform.WEB) else {}
    own = spell_headers(own_block(message, Platform.WEB), _HEADERS)
    return merge({"headers": compact(headers), **shown}, own)


def topic_header(collapse_key: str) -> str:
    """The key itself where RFC 8030 allows it (≤ 32 characters of base64url), else the start of its SHA-256, always the same."""
    if _TOPIC.fullmatch(collapse_key):
        return collapse_key
    return urlsafe_b64encode(sha256(collapse_key.encode()).digest()).decode()[:32]


def _shown(message: Message, tag: str) -> dict[str, Any]:
    # Title and body come from the message's own notification. `renotify` false: a repeat replaces what is shown without a sound.
    notification = {
        "tag": tag,
        "renotify": False,
        "image": message.image_url,
        "actions": [{"action": action.id, "title": action.title} for action in message.actions],
    }
    # FCM opens only https links; the service worker finds any other one in `data.deep_link`.
    link = message.deep_link if message.deep_link and message.deep_link.lower().startswith("https://") else None
    return compact({"notification": compact(notification), "fcm_options": compact({"link": link})})
