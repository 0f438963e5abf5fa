"""Messages for tests: a factory with one instant, and strategies for messages that `check_message` accepts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from fanfare.domain.lifetime import MAX_TTL_SECONDS, ttl_seconds_for
from fanfare.domain.message import Action, Message, Platform, Priority
from fanfare.domain.rendering import render

NOTIFICATION_ID = "n1-otification-id-24ch"
PLANNED_AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def message_of(**fields: Any) -> Message:
    """A message from a table's row, whose values are of many types."""
    return Message(**fields)


def rendered(message: Message, platform: Platform | None = Platform.ANDROID, *, late_seconds: float = 0) -> dict[str, Any]:
    """The message as its policy's whole life has it, `late_seconds` after the planned send."""
    now = PLANNED_AT + timedelta(seconds=late_seconds)
    ttl_seconds = ttl_seconds_for(message)
    return render(message, platform, notification_id=NOTIFICATION_ID, ttl_seconds=ttl_seconds, planned_at=PLANNED_AT, now=now)


_word = st.text("abcXYZ019", min_size=1, max_size=6)
_text = st.text(min_size=1, max_size=12)
_data = st.dictionaries(_word.map("k".__add__), _text, max_size=2)
_flag = st.booleans()


def _optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _either_spelling(block: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The block with each of FCM's field names in snake_case or in lowerCamelCase."""
    return _flag.map(lambda camel: _camel(block) if camel else dict(block))


def _camel(block: Mapping[str, Any]) -> dict[str, Any]:
    free_form = ("data", "headers", "payload")
    return {
        "".join(part.title() if index else part for index, part in enumerate(name.split("_"))): _camel(value)
        if isinstance(value, dict) and name not in free_form
        else value
        for name, value in block.items()
    }


_label: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional={"analytics_label": _word})
_android_notification: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "tag": _word,
        "channel_id": _word,
        "color": st.just("#00ff7F"),
        "click_action": _word,
        "sticky": _flag,
        "title_loc_key": _word,
        "notification_count": st.integers(0, 9),
        "visibility": st.sampled_from(["PRIVATE", "PUBLIC", "SECRET"]),
    },
)
_android: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "collapse_key": _word,
        "data": _data,
        "direct_boot_ok": _flag,
        "bandwidth_constrained_ok": _flag,
        "restricted_package_name": _word,
        "fcm_options": _label,
        "notification": _android_notification,
    },
)
_aps: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"category": _word, "sound": _word, "badge": st.integers(0, 9), "x-custom": _word}
)
_apns: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "headers": st.fixed_dictionaries({}, optional={"apns-collapse-id": _word, "apns-priority": st.just("5"), "apns-topic": _word}),
        "payload": st.fixed_dictionaries({}, optional={"aps": _aps, "custom": _word}),
        "fcm_options": st.fixed_dictionaries({}, optional={"analytics_label": _word, "image": _word}),
    },
)
_web_notification: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"tag": _word, "icon": _word, "requireInteraction": _flag, "renotify": _flag}
)
_webpush: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "data": _data,
        "headers": st.fixed_dictionaries({}, optional={"Urgency": st.just("very-low"), "X-Custom": _word}),
        "fcm_options": st.just({"link": "https://example.com/mine"}),
    },
)

_loud = st.fixed_dictionaries({"title": _optional(_text), "body": _text | st.just("")})
_data_only = st.fixed_dictionaries({"silent": _flag, "title": _optional(st.just("")), "body": st.none()})


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Loud and data-only messages, with every neutral field, and blocks in both spellings.

    Blocks that make a data-only message visible are left to example tests.
    """
    shape: dict[str, Any] = draw(_loud) if draw(_flag) else draw(_data_only)
    is_loud = bool(shape["title"] or shape["body"])
    android, apns, webpush = draw(_android), draw(_apns), draw(_webpush)
    if is_loud:
        webpush |= draw(st.fixed_dictionaries({}, optional={"notification": _web_notification}))
    else:
        android.pop("notification", None)
        apns.get("payload", {}).pop("aps", None)
    ids = draw(st.lists(_word, max_size=3, unique=True))
    return Message(
        **shape,
        data=draw(_data) | {"k": "v"},
        priority=draw(st.sampled_from(Priority)),
        ttl_seconds=draw(_optional(st.integers(0, MAX_TTL_SECONDS))),
        collapse_key=draw(_optional(_word | st.just("an order's key, öffentlich"))),
        group=draw(_optional(_word)),
        image_url=draw(_optional(st.just("https://example.com/image.png"))),
        deep_link=draw(_optional(st.sampled_from(["app://orders/1234", "https://example.com/orders"]))),
        actions=tuple(Action(id_, draw(_text)) for id_ in ids),
        channel=draw(_optional(_word)),
        sound=draw(_optional(_word)),
        badge=draw(_optional(st.integers(0, 99))),
        android=draw(_either_spelling(android)),
        apns=draw(_either_spelling(apns)),
        webpush=draw(_either_spelling(webpush)),
    )
