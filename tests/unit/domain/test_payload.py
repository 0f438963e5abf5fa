"""The size check: what is counted, where the limit lies, and which field is named."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.encoding import encode
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Message, Platform, TargetKind
from fanfare.domain.payload import check_payload, payload_bytes
from tests.messages import NOTIFICATION_ID, message_of, rendered

ANDROID, IOS, WEB = Platform.ANDROID, Platform.IOS, Platform.WEB
TAG = len("tag") + len(NOTIFICATION_ID)


def refusals(message: Message, *platforms: Platform | None) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        check_payload(message, platforms)
    return [(error.field, error.message) for error in refused.value.errors]


@pytest.mark.parametrize(
    ("fields", "platform", "size"),
    [
        ({"data": {"ab": "cde"}}, ANDROID, 160 + 5),
        ({"data": {"\u00e9": "\U0001f41f"}}, ANDROID, 160 + 6),
        ({"body": "B" * 100}, ANDROID, 160 + len("body") + 100 + TAG),
        ({"data": {"a": "1"}, "android": {"ttl": "9s", "priority": "HIGH"}}, ANDROID, 160 + 2),
        ({"data": {"a": "1"}, "apns": {"payload": {"mine": [1, 2.5, True]}}}, IOS, 160 + 2 + len("apscontent-available1mine12.5true")),
        ({"data": {"a": "1"}, "webpush": {"fcm_options": {"link": "https://x"}}}, WEB, 160 + 2 + len("linkhttps://x")),
        ({"data": {"a": "1"}, "webpush": {"data": {"b": "2"}}}, None, 160 + 2 + 160 + 4 + len("apscontent-available1")),
    ],
)
def test_names_and_values_that_reach_the_device_are_counted(fields: dict[str, Any], platform: Platform | None, size: int) -> None:
    assert payload_bytes(rendered(message_of(**fields), platform)) == size


def test_caller_has_the_limit_minus_the_reserved_values() -> None:
    check_payload(Message(data={"k": "x" * (4_096 - 160 - 1)}), [ANDROID])
    assert refusals(Message(data={"k": "x" * (4_096 - 160)}), ANDROID) == [("data", "the message is 4097 bytes for android; FCM allows 4096")]


def test_topic_has_half_the_room() -> None:
    message = Message(data={"k": "x" * 2_000})
    check_payload(message, list(Platform))
    assert refusals(message, None) == [("data", "the message is 2182 bytes for a topic or condition; FCM allows 2048")]


def test_only_platforms_that_are_sent_to_are_judged() -> None:
    message = Message(body="B", apns={"payload": {"mine": "x" * 4_096}})
    check_payload(message, [ANDROID, WEB])
    check_payload(message, [])
    assert [field for field, _ in refusals(message, ANDROID, IOS, WEB)] == ["apns"]


@pytest.mark.parametrize("field", ["title", "body"])
def test_biggest_field_is_named(field: str) -> None:
    found = refusals(message_of(**{field: "\u00e9" * 4_096}, data={"k": "v"}), ANDROID, WEB)
    assert [(name, text.split(" for ")[1]) for name, text in found] == [(field, "android; FCM allows 4096"), (field, "web; FCM allows 4096")]


@pytest.mark.parametrize("platform", [ANDROID, IOS, WEB, None])
def test_figure_is_never_below_the_real_data_and_notification(platform: Platform | None) -> None:
    rendering = rendered(Message(title="T" * 50, body="B" * 50, data={"a": "1"}), platform)
    receipt = f"{NOTIFICATION_ID}.{'d' * 40}.{'r' * 22}"
    spliced = encode(rendering, kind=TargetKind.TOKEN).splice("", receipt)
    counted = payload_bytes(rendering)
    members = {**rendering["data"], "fanfare_receipt": receipt, **rendering["notification"]}
    assert sum(len(key) + len(value) for key, value in members.items()) <= counted < len(spliced)
