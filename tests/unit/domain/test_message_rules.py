"""What `check_message` refuses in the neutral fields, by the field it names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.fcm_fields import FIELDS
from fanfare.domain.message import Action, Message, Platform
from fanfare.domain.message_rules import check_message
from tests.discovery import violations
from tests.messages import rendered


def refused_fields(message: Message) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        check_message(message)
    return [error.field for error in refused.value.errors]


def deep(levels: int) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(levels):
        nested = {"n": nested}
    return nested


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"title": None}, ["title"]),
    ({"title": "", "body": ""}, ["title"]),
    ({"data": {}, "badge": 3}, ["title"]),
    ({"ttl_seconds": -1}, ["ttl_seconds"]),
    ({"ttl_seconds": 2_419_201}, ["ttl_seconds"]),
    ({"badge": -1}, ["badge"]),
    ({"badge": 2**31}, ["badge"]),
    ({"collapse_key": ""}, ["collapse_key"]),
    ({"collapse_key": "\u00e9" * 33}, ["collapse_key"]),
    ({"collapse_key": "a\r\nb"}, ["collapse_key"]),
    *[({name: ""}, [name]) for name in ("group", "image_url", "deep_link", "channel", "sound")],
    *[({"image_url": url}, ["image_url"]) for url in ("ftp://x/i.png", "http://", "https:///i", "https://x/a b", "i.png")],
    *[({"deep_link": link}, ["deep_link"]) for link in ("app://a b", "app://\n")],
    ({"actions": tuple(Action(str(n), "T") for n in range(6))}, ["actions"]),
    ({"actions": (Action("a", "T"), Action("a", "T"))}, ["actions.1.id"]),
    ({"actions": (Action("", ""),)}, ["actions.0.id", "actions.0.title"]),
    *[
        ({"data": {key: "1"}}, [f"data.{key}"])
        for key in ("from", "gcm", "message_type", "google", "google.x", "gcm.notification.x", "fanfare_id", "fanfare_receipt", "fanfare_x")
    ],
    ({"data": {"actions": "1"}, "actions": (Action("a", "T"),)}, ["data.actions"]),
    ({"data": {"deep_link": "1"}, "deep_link": "app://1"}, ["data.deep_link"]),
    ({"title": "\ud800"}, ["title"]),
    ({"data": {"k": "\udfff", "\ud800": "1"}}, ["data.k", "data"]),
    ({"actions": (Action("a", "\ud800"),)}, ["actions.0.title"]),
    ({"ttl_seconds": -1, "badge": -1, "data": {"from": "1"}}, ["ttl_seconds", "badge", "data.from"]),
]


@pytest.mark.parametrize(("fields", "named"), WRONG)
def test_wrong_message_is_refused_naming_every_field(fields: dict[str, Any], named: list[str]) -> None:
    visible: dict[str, Any] = {} if "title" in fields or fields.get("data") == {} else {"title": "T"}
    assert refused_fields(Message(**visible, **fields)) == named


@pytest.mark.parametrize(
    "message",
    [
        Message(title="T"),
        Message(body="B"),
        Message(silent=True),
        Message(data={"k": "v"}),
        Message(data={"actions": "mine", "deep_link": "mine", "collapse_key": "FCM lets it pass"}),
        Message(title="T", ttl_seconds=0, badge=0),
        Message(title="T", ttl_seconds=2_419_200, badge=2**31 - 1),
        Message(title="T", collapse_key="\u00e9" * 32),
        Message(title="T", image_url="HTTP://example.com/i.png"),
        Message(title="T", actions=tuple(Action(str(n), "T") for n in range(5))),
        Message(title="T", silent=True),
    ],
)
def test_right_message_passes(message: Message) -> None:
    check_message(message)


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"x": float("nan")}, "apns.payload.x"),
        ({"x": float("-inf")}, "apns.payload.x"),
        ({"x": [1, 10**400]}, "apns.payload.x.1"),
        ({"x": {1, 2}}, "apns.payload.x"),
        (deep(40), "apns.payload" + ".n" * 14),
    ],
)
def test_what_is_no_portable_json_is_refused(payload: dict[str, Any], field: str) -> None:
    assert refused_fields(Message(title="T", apns={"payload": payload})) == [field]


def test_errors_are_listed_up_to_fifty() -> None:
    message = Message(title="T", data={f"google.{number}": "1" for number in range(1_000)})
    assert len(refused_fields(message)) == 50


def test_detail_says_what_is_wrong() -> None:
    with pytest.raises(InvalidRequest, match=r"^badge: must be from 0 to 2147483647; data\.from: is reserved$"):
        check_message(Message(title="T", badge=-1, data={"from": "1"}))


_names = st.sampled_from(sorted({"TTL", "apns-priority", "aps", "fcmOptions", "collapseKey", "vibrateTimings", "x", *FIELDS["AndroidConfig"]}))
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab\ud800\x00", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=6,
)
_blocks = st.dictionaries(_names, _json, max_size=4)


def is_accepted(message: Message) -> bool:
    try:
        check_message(message)
    except InvalidRequest:
        return False
    return True


@settings(max_examples=60, deadline=None, database=None)
@given(_blocks, _blocks, _blocks)
def test_any_blocks_are_refused_or_make_a_message_that_fcm_documents(android: dict[str, Any], apns: dict[str, Any], webpush: dict[str, Any]) -> None:
    message = Message(title="T", android=android, apns=apns, webpush=webpush)
    renderings = [rendered(message, platform) for platform in (None, *Platform)] if is_accepted(message) else []
    assert [violations(rendering) for rendering in renderings] == [[]] * len(renderings)
