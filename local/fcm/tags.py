"""The tags by which a device replaces what it shows or stores: a repeated message must carry the same ones."""

from __future__ import annotations

import sys

from local.fcm.payload import Block, block


def replacement_tags(message: Block) -> list[tuple[str, str]]:
    """Return every (kind, value) by which a device replaces what it shows or stores."""
    android = block(message, "android") or block(message, "androidV2")
    shown = block(android, "notification") or block(block(android, "remoteNotification"), "notification")
    apns_headers = {name.lower(): value for name, value in block(block(message, "apns"), "headers").items()}
    webpush = block(message, "webpush")
    webpush_headers = {name.lower(): value for name, value in block(webpush, "headers").items()}
    found = {
        "android_tag": shown.get("tag"),
        "android_collapse_key": android.get("collapseKey"),
        "apns_collapse_id": apns_headers.get("apns-collapse-id"),
        "webpush_tag": block(webpush, "notification").get("tag"),
        "webpush_topic": webpush_headers.get("topic"),
    }
    return [(kind, sys.intern(value)) for kind, value in found.items() if isinstance(value, str)]
