"""FCM's own rules for a message that fits its schema: each yields the problems it finds.

Sources: field descriptions of the discovery document and the ErrorCode reference (reserved data keys, patterns of topics and
labels, https links, colours, priority of data-only iOS messages); FCM's guides on lifespan (four weeks) and on topics (five
in a condition); APNs' header reference (collapse id of 64 bytes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import cast

from local.fcm.condition import TOPIC, condition_problem
from local.fcm.payload import Block, block
from local.fcm.problems import Problem, rejected
from local.fcm.scalars import duration_seconds

LONGEST_TTL_SECONDS = 2_419_200
LONGEST_COLLAPSE_ID_BYTES = 64
RESERVED_DATA_KEYS = frozenset({"from", "gcm", "message_type"})
RESERVED_DATA_PREFIXES = ("google", "gcm.notification.")
ANALYTICS_LABEL = re.compile(r"[a-zA-Z0-9\-_.~%]{1,50}", re.ASCII)
COLOR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
ANDROID_BLOCKS = (("android", "message.android"), ("androidV2", "message.android_v2"))
DATA_BLOCKS = (*ANDROID_BLOCKS, ("webpush", "message.webpush"))
OPTION_BLOCKS = (*DATA_BLOCKS, ("apns", "message.apns"))
Rule = Callable[[Block], Iterator[Problem]]


def broken_rules(message: Block) -> list[Problem]:
    """Return every problem that FCM's own rules find in a normalised message."""
    return [problem for rule in RULES for problem in rule(message)]


def _topic(message: Block) -> Iterator[Problem]:
    if "topic" in message and not TOPIC.fullmatch(cast("str", message["topic"])):
        yield rejected("message.topic", "Invalid topic name provided; a topic matches [a-zA-Z0-9-_.~%]{1,900}, without the /topics/ prefix.")


def _condition(message: Block) -> Iterator[Problem]:
    if "condition" in message and (text := condition_problem(cast("str", message["condition"]))):
        yield rejected("message.condition", text)


def _android(message: Block) -> Iterator[Problem]:
    if "android" in message and "androidV2" in message:
        yield rejected("message", "android and android_v2 are mutually exclusive.")
    android = block(message, "androidV2")
    if "backgroundSync" in android and "remoteNotification" in android:
        yield rejected("message.android_v2", "background_sync and remote_notification are mutually exclusive.")
    for name, path in ANDROID_BLOCKS:
        ttl = block(message, name).get("ttl")
        if ttl is not None and not 0 <= duration_seconds(cast("str", ttl)) <= LONGEST_TTL_SECONDS:
            yield rejected(f"{path}.ttl", f"TTL must be between 0 and {LONGEST_TTL_SECONDS} seconds (28 days).")


def _colors(message: Block) -> Iterator[Problem]:
    v2 = block(block(message, "androidV2"), "remoteNotification")
    shown = (
        (block(block(message, "android"), "notification"), "message.android.notification.color"),
        (block(v2, "notification"), "message.android_v2.remote_notification.notification.color"),
    )
    for notification, path in shown:
        if "color" in notification and not COLOR.fullmatch(cast("str", notification["color"])):
            yield rejected(path, "Invalid color; it must have the form #rrggbb.")


def _data(message: Block) -> Iterator[Problem]:
    yield from _reserved_keys(block(message, "data"), "message")
    for name, path in DATA_BLOCKS:
        yield from _reserved_keys(block(block(message, name), "data"), path)


def _reserved_keys(data: Block, path: str) -> Iterator[Problem]:
    for index, key in enumerate(data):
        if key in RESERVED_DATA_KEYS or key.startswith(RESERVED_DATA_PREFIXES):
            yield rejected(f"{path}.data[{index}].key", f"Invalid data payload key: {key}")


def _apns(message: Block) -> Iterator[Problem]:
    apns = block(message, "apns")
    headers = {name.lower(): cast("str", value) for name, value in block(apns, "headers").items()}
    if len(headers.get("apns-collapse-id", "").encode()) > LONGEST_COLLAPSE_ID_BYTES:
        yield rejected("message.apns.headers", f"apns-collapse-id exceeds {LONGEST_COLLAPSE_ID_BYTES} bytes.")
    if headers.get("apns-priority") == "10" and _is_data_only(message, apns):
        yield rejected("message.apns.headers", "apns-priority must be 5 for a message with content-available and no alert.")


def _is_data_only(message: Block, apns: Block) -> bool:
    aps = block(apns, "payload").get("aps")
    if not isinstance(aps, dict) or block(message, "notification"):
        return False
    return aps.get("content-available") in (1, "1") and not aps.get("alert")


def _options(message: Block) -> Iterator[Problem]:
    yield from _label(block(message, "fcmOptions"), "message")
    for name, path in OPTION_BLOCKS:
        yield from _label(block(block(message, name), "fcmOptions"), path)
    link = block(block(message, "webpush"), "fcmOptions").get("link")
    if link is not None and not cast("str", link).lower().startswith("https://"):
        yield rejected("message.webpush.fcm_options.link", "Invalid link; it must be an https URL.")


def _label(options: Block, path: str) -> Iterator[Problem]:
    label = options.get("analyticsLabel")
    if label is not None and not ANALYTICS_LABEL.fullmatch(cast("str", label)):
        yield rejected(f"{path}.fcm_options.analytics_label", "Invalid analytics label; it matches [a-zA-Z0-9-_.~%]{1,50}.")


RULES: tuple[Rule, ...] = (_topic, _condition, _android, _colors, _data, _apns, _options)
