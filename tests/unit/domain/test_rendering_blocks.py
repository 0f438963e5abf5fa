"""The caller's own android, apns and webpush blocks: they win field by field, in one spelling."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.message import Message, Platform, Priority
from tests.messages import NOTIFICATION_ID, rendered

URL = "https://example.com/i.png"


def android(own: dict[str, Any], **fields: Any) -> Any:
    return rendered(Message(android=own, **fields), Platform.ANDROID)["android"]


def apns(own: dict[str, Any], **fields: Any) -> Any:
    return rendered(Message(apns=own, **fields), Platform.IOS)["apns"]


def webpush(own: dict[str, Any], **fields: Any) -> Any:
    return rendered(Message(webpush=own, **fields), Platform.WEB)["webpush"]


def test_block_wins_field_by_field_and_leaves_the_rest() -> None:
    made = android({"notification": {"sound": "mine"}}, body="B", sound="ding", channel="orders")
    assert made["notification"] == {"sound": "mine", "channel_id": "orders", "tag": NOTIFICATION_ID}


@pytest.mark.parametrize("name", ["collapseKey", "collapse_key"])
def test_both_spellings_of_a_field_are_one_field(name: str) -> None:
    made = android({name: "mine"}, body="B", collapse_key="ours")
    assert made["collapse_key"] == "mine"
    assert "collapseKey" not in made


def test_nested_fields_are_respelled_and_free_form_objects_are_not() -> None:
    assert android({"notification": {"titleLocKey": "k"}}, body="B")["notification"]["title_loc_key"] == "k"
    assert webpush({"notification": {"requireInteraction": True}}, body="B")["notification"]["requireInteraction"] is True
    assert apns({"payload": {"fcmOptions": {"aB": 1}}}, body="B")["payload"] == {"fcmOptions": {"aB": 1}}


def test_header_in_another_case_is_the_same_header() -> None:
    assert apns({"headers": {"APNS-Priority": "1", "apns-topic": "t"}}, body="B")["headers"] | {"apns-expiration": ""} == {
        "apns-push-type": "alert",
        "apns-priority": "1",
        "apns-expiration": "",
        "apns-collapse-id": NOTIFICATION_ID,
        "apns-topic": "t",
    }
    assert webpush({"headers": {"ttl": "9", "URGENCY": "low"}}, body="B")["headers"] == {"TTL": "9", "Urgency": "low"}


def test_callers_tag_wins_on_its_platform() -> None:
    assert android({"notification": {"tag": "mine"}}, body="B", collapse_key="k")["notification"]["tag"] == "mine"
    assert webpush({"notification": {"tag": "mine"}}, body="B")["notification"]["tag"] == "mine"
    assert apns({"headers": {"apns-collapse-id": "mine"}}, body="B")["headers"]["apns-collapse-id"] == "mine"


def test_lists_are_replaced_whole() -> None:
    mine = [{"action": "a", "title": "A", "icon": URL}]
    assert webpush({"notification": {"actions": mine}}, body="B")["notification"]["actions"] == mine


def test_empty_objects_say_nothing() -> None:
    assert android({"notification": {}, "fcmOptions": {}}, data={"a": "1"}) == {"priority": "normal", "ttl": "2419200s"}
    assert "payload" not in apns({"payload": {"aps": {}}}, body="B")
    assert apns({"payload": {"aps": {}, "mine": 1}}, body="B")["payload"] == {"mine": 1}


def test_block_alone_makes_a_message_visible_on_its_platform() -> None:
    topic = rendered(Message(android={"notification": {"title_loc_key": "k"}}, image_url=URL), None)
    assert topic["android"]["notification"] == {"title_loc_key": "k", "tag": NOTIFICATION_ID, "image": URL}
    assert "notification" not in topic
    assert topic["apns"]["headers"]["apns-push-type"] == "background"
    assert "notification" not in topic["webpush"]


@pytest.mark.parametrize("aps", [{"alert": {"loc-key": "k"}}, {"badge": 3}, {"sound": "ding"}])
def test_aps_that_shows_something_is_an_alert(aps: dict[str, Any]) -> None:
    made = apns({"payload": {"aps": aps}}, data={"a": "1"}, priority=Priority.HIGH)
    assert made["headers"]["apns-push-type"] == "alert"
    assert made["headers"]["apns-priority"] == "10"
    assert made["payload"] == {"aps": aps}


def test_live_activity_is_left_to_the_caller() -> None:
    own = {"liveActivityToken": "t", "payload": {"aps": {"event": "update", "content-state": {"eta": 5}}}}
    made = apns(own, priority=Priority.HIGH)
    assert set(made["headers"]) == {"apns-priority", "apns-expiration"}
    assert made["live_activity_token"] == "t"
    assert made["payload"] == own["payload"]


def test_block_data_joins_the_messages_data_for_a_device() -> None:
    made = rendered(Message(data={"a": "1", "b": "2"}, android={"data": {"b": "3"}}), Platform.ANDROID)
    assert made["data"] == {"a": "1", "b": "3", "fanfare_id": NOTIFICATION_ID}
    assert "data" not in made["android"]


def test_block_data_of_a_topic_repeats_what_fcm_lets_it_replace() -> None:
    made = rendered(Message(data={"a": "1", "b": "2"}, webpush={"data": {"b": "3"}}), None)
    assert made["data"] == {"a": "1", "b": "2", "fanfare_id": NOTIFICATION_ID}
    assert made["webpush"]["data"] == {"a": "1", "b": "3", "fanfare_id": NOTIFICATION_ID}
    assert "data" not in made["android"]
