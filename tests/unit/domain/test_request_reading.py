"""Requests to send, read back from what is kept of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.request_reading import read_request
from fanfare.domain.segment import Segment
from fanfare.web.later_schemas import LaterIn
from fanfare.web.send_schemas import SendIn

_names = st.lists(st.sampled_from(["alice", "bob", "carol"]), min_size=1, max_size=4)
_segments = st.fixed_dictionaries({}, optional={"tags": st.lists(st.sampled_from(["beta", "vip"])), "app_version": st.just(">=3.2,<4")})
TO = st.one_of(
    st.fixed_dictionaries({"usernames": _names}),
    st.fixed_dictionaries({"profile_ids": _names}),
    st.fixed_dictionaries({"device_ids": _names}),
    st.just({"phone_numbers": ["+255712345678", "+255712345678"]}),
    st.just({"topic": "news"}),
    st.just({"condition": "'news' in topics || 'sport' in topics"}),
    st.just({"everyone": True}),
    st.just({"segment": "saved-1"}),
    st.fixed_dictionaries({"segment": _segments}),
)
SAID = st.fixed_dictionaries(
    {"to": TO},
    optional={
        "title": st.text(st.characters(codec="utf-8"), max_size=9),
        "priority": st.sampled_from(["high", "normal"]),
        "ttl_seconds": st.integers(0, 2_000_000),
        "silent": st.booleans(),
        "validate_only": st.booleans(),
        "badge": st.integers(0, 9),
        "data": st.just({"order": "1"}),
        "actions": st.just([{"id": "track", "title": "Track"}]),
        "android": st.just({"restricted_package_name": "a.b"}),
        "only": _segments,
        "fanout": st.sampled_from(["fcm", "devices"]),
        "ramp": st.just([10, 100]),
        "per_minute": st.just(1_000),
    },
)


@pytest.mark.parametrize("schema", [SendIn, LaterIn])
@given(said=SAID, words=st.sampled_from([{}, {"template": "t", "variables": {"order": "1", "many": 2}}]))
def test_what_is_kept_means_what_was_said(schema: type[SendIn | LaterIn], said: dict[str, Any], words: dict[str, Any]) -> None:
    parsed = schema.model_validate({**said, **words})
    try:
        meant = parsed.request("hash") if isinstance(parsed, SendIn) else parsed.message("")
    except InvalidRequest:
        # Some of these don't go together; what is refused is not kept.
        return
    kept = json.loads(json.dumps(meant.raw))
    assert read_request(kept, meant.request_hash) == meant


def test_number_at_the_top_is_kept_as_any_other() -> None:
    meant = SendIn.model_validate({"phone_number": "+255712345678", "title": "x"}).request("hash")
    assert read_request(json.loads(json.dumps(meant.raw)), "hash") == meant


@pytest.mark.parametrize("to", [{"topic": "news"}, {"condition": "'news' in topics"}, {"everyone": True}, {"segment": "s1"}, {"segment": {}}])
def test_each_kind_of_addressee_is_understood(to: dict[str, Any]) -> None:
    assert read_request({"to": to}, "").to == SendIn.model_validate({"to": to}).request("").to


def test_devices_of_a_topic_are_a_filter() -> None:
    assert read_request({"to": {"topic": "news"}, "fanout": "devices"}, "").to.segment == Segment(topics=("news",))


@pytest.mark.parametrize(
    ("raw", "field"), [({"to": {"segment": {"mood": []}}}, "to.segment.mood"), ({"to": {"usernames": ["a"]}, "only": 5}, "only")]
)
def test_filter_that_is_not_understood_is_named(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        read_request(raw, "")
    assert [found.field for found in error.value.errors] == [field]
