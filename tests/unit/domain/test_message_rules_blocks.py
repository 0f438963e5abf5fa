"""What `check_message` refuses in the caller's android, apns and webpush blocks, by dotted path."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Action, Message
from fanfare.domain.message_rules import check_message
from tests.messages import message_of


def refused_fields(message: Message) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        check_message(message)
    return [error.field for error in refused.value.errors]


def nested(path: str, value: Any) -> dict[str, Any]:
    """`nested("a.b", 1)` is `{"a": {"b": 1}}`."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


WRONG = [
    # Names.
    ("android.colour", "x"),
    ("android.notification.colour", "x"),
    ("android.Priority", "HIGH"),
    ("android.notification.lightSettings.hue", 1),
    ("apns.token", "x"),
    ("webpush.fcm_options.image", "x"),
    # JSON types.
    ("android.notification", "x"),
    ("android.notification.title", None),
    ("android.notification.sticky", 1),
    ("android.notification.notification_count", True),
    ("android.notification.notification_count", "1"),
    ("android.notification.notification_count", 2**31),
    ("android.notification.light_settings.color.red", "1"),
    ("android.notification.light_settings.color.red", False),
    ("android.notification.body_loc_args", "x"),
    ("android.priority", "urgent"),
    ("android.priority", 1),
    ("android.data", []),
    ("android.data.k", 1),
    ("android.ttl", 5),
    ("android.ttl", "5"),
    ("android.ttl", "-5s"),
    ("android.ttl", "2419201s"),
    ("android.notification.event_time", "yesterday"),
    ("android.notification.event_time", "2026-13-01T00:00:00Z"),
    ("android.notification.event_time", 1),
    ("apns.payload", "x"),
    ("apns.payload.aps", [1]),
    ("apns.headers.apns-priority", 10),
    ("webpush.notification", []),
    # Values.
    ("android.notification.color", "red"),
    ("android.notification.tag", ""),
    ("android.collapse_key", ""),
    ("android.fcm_options.analytics_label", "a b"),
    ("apns.fcmOptions.analyticsLabel", "x" * 51),
    ("apns.live_activity_token", ""),
    ("apns.headers.apns-collapse-id", "x" * 65),
    ("apns.headers.apns-collapse-id", ""),
    ("apns.headers.apns-expiration", "soon"),
    ("apns.headers.APNS-Priority", "7"),
    ("apns.payload.fanfare_id", "x"),
    ("webpush.fcm_options.link", "http://example.com"),
    ("webpush.headers.TTL", "-1"),
    ("webpush.headers.ttl", "2419201"),
    ("webpush.headers.Urgency", "asap"),
    ("webpush.headers.Topic", "a b"),
    ("webpush.notification.tag", ""),
    ("webpush.notification.tag", None),
    # Reserved data.
    ("android.data.google.x", "1"),
    ("webpush.data.fanfare_receipt", "1"),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_wrong_block_is_refused_by_its_path(path: str, value: Any) -> None:
    block, _, inner = path.partition(".")
    own = {"data": {"google.x": value}} if inner.endswith("google.x") else nested(inner, value)
    assert refused_fields(message_of(title="T", **{block: own})) == [path]


def test_items_of_a_list_are_named_by_index() -> None:
    message = Message(title="T", android={"notification": {"vibrate_timings": ["1s", "2", "0.5s"], "titleLocArgs": ["a", 1]}})
    assert refused_fields(message) == ["android.notification.vibrate_timings.1", "android.notification.titleLocArgs.1"]


def test_field_in_both_spellings_is_refused() -> None:
    assert refused_fields(Message(title="T", android={"collapseKey": "a", "collapse_key": "b"})) == ["android.collapse_key"]


def test_header_in_two_cases_is_refused() -> None:
    assert refused_fields(Message(title="T", webpush={"headers": {"TTL": "1", "ttl": "2"}})) == ["webpush.headers.ttl"]


@pytest.mark.parametrize("block", ["android", "webpush"])
def test_block_data_may_not_hide_what_a_neutral_field_fills(block: str) -> None:
    message = message_of(title="T", actions=(Action("a", "A"),), **{block: {"data": {"actions": "mine"}}})
    assert refused_fields(message) == [f"{block}.data.actions"]


@pytest.mark.parametrize("path", ["android.notification", "apns.payload.aps", "webpush.notification"])
def test_silent_message_may_not_show_anything(path: str) -> None:
    block, _, inner = path.partition(".")
    shown = {"badge": 1} if block == "apns" else {"title": "T"}
    assert refused_fields(message_of(silent=True, **{block: nested(inner, shown)})) == [path]


@pytest.mark.parametrize("message", [{"silent": True}, {"data": {"k": "v"}}])
def test_data_only_message_has_priority_5_on_ios(message: dict[str, Any]) -> None:
    assert refused_fields(message_of(**message, apns={"headers": {"Apns-Priority": "10"}})) == ["apns.headers.Apns-Priority"]
    check_message(message_of(**message, apns={"headers": {"apns-priority": "5", "apns-topic": "t"}}))


@pytest.mark.parametrize(
    "blocks",
    [
        {"android": {"notification": {"title_loc_key": "k", "notificationPriority": "priority_high", "event_time": "2026-01-02T03:04:05.5+03:00"}}},
        {"android": {"notification": {"color": "#00ff7F", "light_settings": {"color": {"red": 1, "alpha": 0.5}, "lightOnDuration": "0.5s"}}}},
        {"apns": {"payload": {"aps": {"alert": {"loc-key": "k"}}}, "headers": {"apns-priority": "10"}}},
        {"apns": {"live_activity_token": "t", "headers": {"apns-priority": "10"}, "payload": {"aps": {"event": "update"}}}},
        {"webpush": {"notification": {"title": "T", "anything": [None, {"deep": True}]}, "headers": {"Urgency": "very-low", "X": ""}}},
    ],
)
def test_block_alone_can_be_a_whole_message(blocks: dict[str, Any]) -> None:
    check_message(message_of(**blocks))
