from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.fcm.error_shapes import BAD_REQUEST, FCM_ERROR
from local.fcm.send_request import Refused, Target, parse_send_request

FRONT_END = (BAD_REQUEST,)
FCM_RULE = (FCM_ERROR, BAD_REQUEST)


def body(**fields: Any) -> bytes:
    return json.dumps({"message": {"token": "t", **fields}}).encode()


def error_of(content: bytes) -> dict[str, Any]:
    with pytest.raises(Refused) as refused:
        parse_send_request(content)
    assert refused.value.answer.status == 400
    assert isinstance(refused.value.answer.body, dict)
    error: Any = refused.value.answer.body["error"]
    assert error["code"] == 400
    assert error["status"] == "INVALID_ARGUMENT"
    return dict(error)


def android(**notification: Any) -> dict[str, Any]:
    return {"android": {"notification": notification}}


def v2(**notification: Any) -> dict[str, Any]:
    return {"androidV2": {"remoteNotification": {"notification": notification}}}


def apns(headers: dict[str, str], aps: dict[str, Any]) -> dict[str, Any]:
    return {"apns": {"headers": headers, "payload": {"aps": aps}}}


REFUSED: dict[str, tuple[bytes, tuple[str, ...], str | None]] = {
    "malformed JSON": (b'{"message": ', FRONT_END, None),
    "not UTF-8": (b'{"message": "\xff"}', FRONT_END, None),
    "NaN": (b'{"message": {"token": NaN}}', FRONT_END, None),
    "half a surrogate pair": (b'{"message": {"token": "\\ud800"}}', FRONT_END, None),
    "nesting without end": (b'{"message": ' + b"[" * 100_000, FRONT_END, None),
    "body is no object": (b"[]", FRONT_END, ""),
    "empty body": (b"", FCM_RULE, "message"),
    "message null": (b'{"message": null}', FCM_RULE, "message"),
    "unknown field at the top": (b'{"message": {"token": "t"}, "extra": 1}', FRONT_END, ""),
    "unknown field": (body(titel="x"), FRONT_END, "message"),
    "unknown nested field": (body(**android(titel="x")), FRONT_END, "message.android.notification"),
    "string expected": (body(notification={"title": 3}), FRONT_END, "message.notification.title"),
    "object expected": (body(notification="x"), FRONT_END, "message.notification"),
    "boolean expected": (body(android={"direct_boot_ok": "yes"}), FRONT_END, "message.android.direct_boot_ok"),
    "integer expected": (body(**android(notificationCount=1.5)), FRONT_END, "message.android.notification.notification_count"),
    "integer too large": (body(**android(notificationCount=2**31)), FRONT_END, "message.android.notification.notification_count"),
    "list expected": (body(**android(titleLocArgs="a")), FRONT_END, "message.android.notification.title_loc_args"),
    "list item of a wrong type": (body(**android(titleLocArgs=["a", 1])), FRONT_END, "message.android.notification.title_loc_args[1]"),
    "number expected": (
        body(**android(lightSettings={"color": {"red": "much"}})),
        FRONT_END,
        "message.android.notification.light_settings.color.red",
    ),
    "enum": (body(android={"priority": "URGENT"}), FRONT_END, "message.android.priority"),
    "timestamp": (body(**android(eventTime="yesterday")), FRONT_END, "message.android.notification.event_time"),
    "day that does not exist": (body(**android(eventTime="2026-02-30T00:00:00Z")), FRONT_END, "message.android.notification.event_time"),
    "data value no string": (body(data={"a": "1", "b": 2}), FRONT_END, "message.data[1].value"),
    "data value null": (body(data={"a": None}), FRONT_END, "message.data[0].value"),
    "APNs payload no object": (body(apns={"payload": []}), FRONT_END, "message.apns.payload"),
    "two targets": (body(topic="news"), FRONT_END, "message"),
    "token and FID": (body(fid="f"), FRONT_END, "message"),
    "no target": (json.dumps({"message": {"data": {}}}).encode(), FCM_RULE, "message"),
    "empty token": (body(token=""), (FCM_ERROR,), None),
    "token with a space": (body(token="a b"), (FCM_ERROR,), None),
    "TTL without s": (body(android={"ttl": "3"}), FRONT_END, "message.android.ttl"),
    "TTL as number": (body(android={"ttl": 3}), FRONT_END, "message.android.ttl"),
    "TTL over four weeks": (body(android={"ttl": "2419200.1s"}), FCM_RULE, "message.android.ttl"),
    "TTL below zero": (body(android={"ttl": "-1s"}), FCM_RULE, "message.android.ttl"),
    "TTL of V2": (body(androidV2={"ttl": "2419201s"}), FCM_RULE, "message.android_v2.ttl"),
    "android and V2": (body(android={}, android_v2={}), FCM_RULE, "message"),
    "both kinds of V2": (body(androidV2={"backgroundSync": {}, "remoteNotification": {}}), FCM_RULE, "message.android_v2"),
    "data key from": (body(data={"from": "x"}), FCM_RULE, "message.data[0].key"),
    "data key gcm": (body(data={"a": "", "gcm": "x"}), FCM_RULE, "message.data[1].key"),
    "data key message_type": (body(data={"message_type": "x"}), FCM_RULE, "message.data[0].key"),
    "data key google": (body(android={"data": {"google.x": "x"}}), FCM_RULE, "message.android.data[0].key"),
    "data key google without a dot": (body(data={"googlex": "x"}), FCM_RULE, "message.data[0].key"),
    "data key gcm.notification": (body(webpush={"data": {"gcm.notification.x": "x"}}), FCM_RULE, "message.webpush.data[0].key"),
    "topic prefix": (json.dumps({"message": {"topic": "/topics/news"}}).encode(), FCM_RULE, "message.topic"),
    "topic too long": (json.dumps({"message": {"topic": "n" * 901}}).encode(), FCM_RULE, "message.topic"),
    "topic empty": (json.dumps({"message": {"topic": ""}}).encode(), FCM_RULE, "message.topic"),
    "condition of six": (
        json.dumps({"message": {"condition": " || ".join(f"'t{n}' in topics" for n in range(6))}}).encode(),
        FCM_RULE,
        "message.condition",
    ),
    "condition malformed": (json.dumps({"message": {"condition": "'a' in topics &&"}}).encode(), FCM_RULE, "message.condition"),
    "collapse id": (body(**apns({"APNS-Collapse-Id": "é" * 33}, {"alert": "a"})), FCM_RULE, "message.apns.headers"),
    "data-only at priority 10": (body(**apns({"apns-priority": "10"}, {"content-available": 1})), FCM_RULE, "message.apns.headers"),
    "analytics label": (body(fcm_options={"analytics_label": "a b"}), FCM_RULE, "message.fcm_options.analytics_label"),
    "analytics label of web push": (
        body(webpush={"fcmOptions": {"analyticsLabel": "x" * 51}}),
        FCM_RULE,
        "message.webpush.fcm_options.analytics_label",
    ),
    "link": (body(webpush={"fcmOptions": {"link": "http://example.com"}}), FCM_RULE, "message.webpush.fcm_options.link"),
    "colour": (body(**android(color="red")), FCM_RULE, "message.android.notification.color"),
    "colour of V2": (body(**v2(color="#12345")), FCM_RULE, "message.android_v2.remote_notification.notification.color"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_broken_rule_is_refused_naming_the_field(name: str) -> None:
    content, detail_types, field = REFUSED[name]
    error = error_of(content)
    assert tuple(detail["@type"] for detail in error["details"]) == detail_types
    if field is not None:
        violations = error["details"][-1]["fieldViolations"]
        assert [row.get("field", "") for row in violations] == [field]
        assert error["message"] == violations[0]["description"]


ACCEPTED: dict[str, bytes] = {
    "camel case": body(android={"collapseKey": "k", "restrictedPackageName": "p"}),
    "snake case": body(android={"collapse_key": "k", "restricted_package_name": "p"}, fcm_options={"analytics_label": "a-b_c.d~e%"}),
    "enum in lower case": body(android={"priority": "high", "notification": {"proxy": "if_priority_lowered", "visibility": "Public"}}),
    "enum by number": body(android={"priority": 1}),
    "null fields": body(notification=None, data=None),
    "TTL zero": body(android={"ttl": "0s"}),
    "TTL of four weeks": body(android={"ttl": "2419200s"}),
    "TTL fractional": body(android={"ttl": "3.000000001s"}),
    "integer as text": body(**android(notificationCount="7")),
    "timestamp with an offset": body(**android(eventTime="2026-11-24T08:00:00.123456789+03:00")),
    "live activity": body(apns={"liveActivityToken": "x", "payload": {"aps": {"content-state": {"a": [1, None, True]}}}}),
    "V2": body(**v2(id=3, color="#A0b1C2")),
    "data-only at priority 5": body(**apns({"apns-priority": "5"}, {"content-available": 1})),
    "alert at priority 10": body(**apns({"apns-priority": "10"}, {"content-available": 1, "alert": "a"})),
    "odd content-available": body(**apns({"apns-priority": "10"}, {"content-available": [1]})),
    "collapse id of 64 bytes": body(**apns({"apns-collapse-id": "é" * 32}, {"alert": "a"})),
    "condition": json.dumps({"message": {"condition": "'a' in topics && !('b' in topics || 'c' in topics)"}}).encode(),
    "topic of 900": json.dumps({"message": {"topic": "n" * 900}}).encode(),
    "secure link": body(webpush={"fcm_options": {"link": "https://example.com/"}}),
    "collapse_key in data": body(data={"collapse_key": "k"}),
    "output-only name": body(name="projects/p/messages/1"),
    "duplicate keys, the last counts": b'{"message": {"token": 1, "token": "t"}}',
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_valid_message_is_accepted(name: str) -> None:
    assert parse_send_request(ACCEPTED[name]).message


def sized(limit: int, **target: str) -> bytes:
    return json.dumps({"message": {**target, "notification": {"title": "é"}, "data": {"k": "x" * (limit - 5 - 2 - 1)}}}).encode()


@pytest.mark.parametrize(
    ("target", "limit"),
    [({"token": "t"}, 4096), ({"fid": "f"}, 4096), ({"topic": "n"}, 2048), ({"condition": "'n' in topics"}, 2048)],
)
def test_payload_may_fill_the_limit_and_no_byte_more(target: dict[str, str], limit: int) -> None:
    assert parse_send_request(sized(limit, **target)).target == Target(*next(iter(target.items())))
    error = error_of(sized(limit + 1, **target))
    assert error["message"] == "Android message is too big"
    assert [detail["@type"] for detail in error["details"]] == [BAD_REQUEST, FCM_ERROR]


@pytest.mark.parametrize(
    ("platform", "fields"),
    [
        ("Android", {"android": {"data": {"k": "x" * 4096}}}),
        ("Android", android(body="x" * 4096)),
        ("Android", v2(body="x" * 4096)),
        ("APNS", apns({}, {"alert": {"body": ["x" * 4096]}})),
        ("Webpush", {"webpush": {"notification": {"body": "x" * 4096}}}),
    ],
)
def test_platform_blocks_count_for_their_own_platform(platform: str, fields: dict[str, Any]) -> None:
    assert error_of(body(**fields))["message"] == f"{platform} message is too big"


def test_platform_data_replaces_the_common_data_in_the_count() -> None:
    assert parse_send_request(body(data={"k": "x" * 4000}, android={"data": {"k": "y" * 4000}})).target == Target("token", "t")


def test_every_unknown_name_is_reported_in_one_answer() -> None:
    error = error_of(body(one=1, notification={"two": 2}))
    fields = [row["field"] for row in error["details"][0]["fieldViolations"]]
    assert fields == ["message", "message.notification"]
    assert error["message"].splitlines() == [
        "Invalid JSON payload received. Unknown name \"one\" at 'message': Cannot find field.",
        "Invalid JSON payload received. Unknown name \"two\" at 'message.notification': Cannot find field.",
    ]


def test_names_and_enums_are_normalised() -> None:
    request = parse_send_request(b'{"validate_only": true, "message": {"fid": "f", "android_v2": {"collapse_key": "k"}}}')
    assert request.message == {"fid": "f", "androidV2": {"collapseKey": "k"}}
    assert request.target == Target("fid", "f")
    assert request.validate_only


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_parsed(content: bytes) -> None:
    try:
        parse_send_request(content)
    except Refused as refused:
        assert refused.answer.status == 400  # noqa: PT017 - both outcomes are right, this is what one of them must be


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("token", "fid", "topic", "condition", "data", "notification", "android", "android_v2", "apns", "webpush", "fcmOptions")


@given(st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(("payload", "headers", "ttl", "data")), JSON)))
def test_any_json_in_known_fields_is_refused_or_parsed(message: dict[str, object]) -> None:
    try:
        parse_send_request(json.dumps({"message": message}).encode())
    except Refused as refused:
        assert refused.answer.status == 400  # noqa: PT017 - both outcomes are right, this is what one of them must be
