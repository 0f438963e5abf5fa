"""Each rule of the mapping, by what stands at one place of the rendered message."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.message import Action, Message, Platform, Priority
from tests.messages import NOTIFICATION_ID, rendered

ANDROID, IOS, WEB = Platform.ANDROID, Platform.IOS, Platform.WEB
URL = "https://example.com/i.png"
TRACK = (Action("track", "Fuatilia \u2192"),)


def at(rendering: Any, path: str) -> Any:
    """What stands at a path of names separated by blanks; None where nothing does."""
    for name in path.split():
        rendering = rendering.get(name) if isinstance(rendering, dict) else None
    return rendering


RULES = [
    # Text and image.
    ({"title": "T"}, ANDROID, "notification", {"title": "T"}),
    ({"body": "B"}, IOS, "notification", {"body": "B"}),
    ({"title": "", "body": "B"}, WEB, "notification", {"body": "B"}),
    ({"body": "B", "image_url": URL}, ANDROID, "notification image", URL),
    ({"body": "B", "image_url": URL}, ANDROID, "android notification image", URL),
    ({"body": "B", "image_url": URL}, IOS, "apns fcm_options image", URL),
    ({"body": "B", "image_url": URL}, IOS, "apns payload aps mutable-content", 1),
    ({"body": "B", "image_url": URL}, WEB, "webpush notification image", URL),
    # Buttons and links.
    ({"body": "B", "actions": TRACK}, ANDROID, "data actions", '[{"id":"track","title":"Fuatilia \u2192"}]'),
    ({"body": "B", "actions": TRACK}, IOS, "data actions", '[{"id":"track","title":"Fuatilia \u2192"}]'),
    ({"body": "B", "actions": TRACK}, IOS, "apns payload aps", {"mutable-content": 1}),
    ({"body": "B", "actions": TRACK}, WEB, "webpush notification actions", [{"action": "track", "title": "Fuatilia \u2192"}]),
    ({"body": "B", "actions": TRACK}, WEB, "data actions", None),
    ({"body": "B", "deep_link": "app://o/1"}, ANDROID, "data deep_link", "app://o/1"),
    ({"body": "B", "deep_link": "app://o/1"}, WEB, "webpush fcm_options", None),
    ({"body": "B", "deep_link": "https://o/1"}, WEB, "webpush fcm_options link", "https://o/1"),
    ({"body": "B", "deep_link": "https://o/1"}, WEB, "data deep_link", "https://o/1"),
    # Channel, sound, badge, group.
    ({"body": "B", "channel": "orders"}, ANDROID, "android notification channel_id", "orders"),
    ({"body": "B", "sound": "ding"}, ANDROID, "android notification sound", "ding"),
    ({"body": "B", "sound": "ding"}, IOS, "apns payload aps sound", "ding"),
    ({"body": "B", "badge": 0}, IOS, "apns payload aps badge", 0),
    ({"body": "B", "badge": 7}, ANDROID, "android notification notification_count", 7),
    ({"body": "B", "group": "g"}, IOS, "apns payload aps thread-id", "g"),
    # Priority.
    ({"body": "B", "priority": Priority.HIGH}, ANDROID, "android priority", "high"),
    ({"body": "B"}, ANDROID, "android priority", "normal"),
    ({"body": "B", "priority": Priority.HIGH}, IOS, "apns headers apns-priority", "10"),
    ({"body": "B"}, IOS, "apns headers apns-priority", "5"),
    ({"body": "B", "priority": Priority.HIGH}, WEB, "webpush headers Urgency", "high"),
    ({"body": "B"}, IOS, "apns headers apns-push-type", "alert"),
    # Tags: the collapse key, else the notification's id.
    ({"body": "B"}, ANDROID, "android notification tag", NOTIFICATION_ID),
    ({"body": "B"}, IOS, "apns headers apns-collapse-id", NOTIFICATION_ID),
    ({"body": "B"}, WEB, "webpush notification tag", NOTIFICATION_ID),
    ({"body": "B"}, WEB, "webpush notification renotify", False),
    ({"body": "B"}, ANDROID, "android collapse_key", None),
    ({"body": "B"}, WEB, "webpush headers Topic", None),
    ({"body": "B", "collapse_key": "k"}, ANDROID, "android notification tag", "k"),
    ({"body": "B", "collapse_key": "k"}, ANDROID, "android collapse_key", "k"),
    ({"body": "B", "collapse_key": "k"}, IOS, "apns headers apns-collapse-id", "k"),
    ({"body": "B", "collapse_key": "k"}, WEB, "webpush notification tag", "k"),
    ({"body": "B", "collapse_key": "k"}, WEB, "webpush headers Topic", "k"),
    # Topic takes base64url only: any other key is hashed. The value is `openssl dgst -sha256 -binary` of "a b", in base64url.
    ({"body": "B", "collapse_key": "a b"}, WEB, "webpush headers Topic", "yGh6CKpdbtIEQyj6aml6uOltw0KR6MID"),
    ({"body": "B", "collapse_key": "a b"}, WEB, "webpush notification tag", "a b"),
    # Data-only: asked for, or for want of a text.
    ({"silent": True, "title": "T", "image_url": URL}, ANDROID, "notification", None),
    ({"silent": True, "title": "T", "sound": "s"}, ANDROID, "android", {"priority": "normal", "ttl": "2419200s"}),
    ({"silent": True, "priority": Priority.HIGH}, ANDROID, "android priority", "high"),
    ({"silent": True, "priority": Priority.HIGH}, IOS, "apns headers apns-priority", "5"),
    ({"silent": True, "badge": 1, "sound": "s", "image_url": URL}, IOS, "apns payload", {"aps": {"content-available": 1}}),
    ({"silent": True, "image_url": URL}, IOS, "apns fcm_options", None),
    ({"silent": True}, IOS, "apns headers apns-push-type", "background"),
    ({"silent": True}, IOS, "apns headers apns-collapse-id", None),
    ({"silent": True, "collapse_key": "k"}, IOS, "apns headers apns-collapse-id", "k"),
    ({"silent": True}, WEB, "webpush notification", None),
    ({"data": {"a": "1"}}, ANDROID, "android notification", None),
    ({"data": {"a": "1"}}, IOS, "apns headers apns-push-type", "background"),
    ({"data": {"a": "1"}}, WEB, "data", {"a": "1", "fanfare_id": NOTIFICATION_ID}),
]


@pytest.mark.parametrize(("fields", "platform", "path", "expected"), RULES)
def test_neutral_field_stands_where_the_platform_reads_it(fields: dict[str, Any], platform: Platform, path: str, expected: Any) -> None:
    assert at(rendered(Message(**fields), platform), path) == expected


@pytest.mark.parametrize(("platform", "block"), [(ANDROID, "android"), (IOS, "apns"), (WEB, "webpush")])
def test_device_gets_its_own_platforms_block_alone(platform: Platform, block: str) -> None:
    assert set(rendered(Message(body="B"), platform)) == {"notification", "data", block}


def test_topic_gets_all_three_blocks() -> None:
    assert set(rendered(Message(body="B"), None)) == {"notification", "data", "android", "apns", "webpush"}
