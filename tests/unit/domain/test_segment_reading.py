"""Filters as JSON: what was said is what is read back, and what is no filter is refused with its path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Platform
from fanfare.domain.segment import Segment
from fanfare.domain.segment_reading import FIELDS, segment_from_json, segment_to_json, segments_of
from fanfare.domain.versions import parse_version_range

_few = st.lists(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8), max_size=3)
_range = st.sampled_from(["3", ">=3.2,<4", "==1.0", "=2", " != 7 , > 1", "1,1,1"])
SAID = st.fixed_dictionaries(
    {},
    optional={
        "platform": st.lists(st.sampled_from(["android", "ios", "web"]), max_size=3),
        "app_version": _range,
        "os_version": _range,
        "seen_within_days": st.integers(0, 3_650),
        **dict.fromkeys(("locale", "timezone", "tags", "tags_any", "tags_none", "topics", "profile_ids"), _few),
    },
)


@given(SAID)
def test_filter_that_was_shown_is_read_back_as_it_was(said: dict[str, Any]) -> None:
    segment = segment_from_json(said, "segment")
    assert segment_from_json(segment_to_json(segment), "segment") == segment


@given(SAID)
def test_shown_filter_is_never_longer_than_the_one_that_was_given(said: dict[str, Any]) -> None:
    shown = segment_to_json(segment_from_json(said, "segment"))
    assert all(len(shown[name]) <= len(said[name]) for name in ("app_version", "os_version") if name in shown)


def test_every_filter_is_read_by_its_name() -> None:
    said = {
        "platform": ["ios"], "app_version": ">=3.2,<4", "os_version": "15", "locale": ["sw"], "timezone": ["Africa/Dar_es_Salaam"],
        "seen_within_days": 0, "tags": ["a"], "tags_any": ["b", "c"], "tags_none": ["d"], "topics": ["news"], "profile_ids": ["p1"],
    }  # fmt: skip
    segment = segment_from_json(said, "segment")
    assert set(said) == set(FIELDS)
    assert segment == Segment(
        platform=(Platform.IOS,),
        app_version=parse_version_range(">=3.2,<4", "f"),
        os_version=parse_version_range("15", "f"),
        locale=("sw",),
        timezone=("Africa/Dar_es_Salaam",),
        seen_within_days=0,
        tags=("a",),
        tags_any=("b", "c"),
        tags_none=("d",),
        topics=("news",),
        profile_ids=("p1",),
    )
    assert segment_to_json(segment) == said


def test_filter_without_members_means_everyone() -> None:
    assert segment_from_json({}, "segment") == segment_from_json({"tags": [], "app_version": None}, "segment") == Segment()
    assert segment_to_json(Segment()) == {}


BROKEN: list[tuple[object, str]] = [
    ("seg-1", "segment"),
    (None, "segment"),
    ({"colour": ["red"]}, "segment.colour"),
    ({1: ["red"]}, "segment.1"),
    ({"platform": "ios"}, "segment.platform"),
    ({"platform": ["ios", "symbian"]}, "segment.platform.1"),
    ({"platform": [None]}, "segment.platform.0"),
    ({"app_version": "new"}, "segment.app_version"),
    ({"os_version": 15}, "segment.os_version"),
    ({"os_version": ""}, "segment.os_version"),
    ({"app_version": "1," * 65}, "segment.app_version"),
    ({"seen_within_days": "7"}, "segment.seen_within_days"),
    ({"seen_within_days": True}, "segment.seen_within_days"),
    ({"seen_within_days": -1}, "segment.seen_within_days"),
    ({"seen_within_days": 3_651}, "segment.seen_within_days"),
    ({"tags": "beta"}, "segment.tags"),
    ({"tags_any": ["a", 1]}, "segment.tags_any.1"),
    ({"tags_none": [""]}, "segment.tags_none.0"),
    ({"topics": ["a"] * 501}, "segment.topics"),
    ({"profile_ids": {"p1": True}}, "segment.profile_ids"),
    ({"locale": ["x" * 901]}, "segment.locale.0"),
    ({"timezone": ["a\nb"]}, "segment.timezone.0"),
]


@pytest.mark.parametrize(("stored", "path"), BROKEN, ids=[f"{path}-{index}" for index, (_, path) in enumerate(BROKEN)])
def test_what_is_no_filter_is_refused_by_its_path_and_never_left_out(stored: object, path: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        segment_from_json(stored, "segment")
    assert [error.field for error in refused.value.errors] == [path]


BETA, IOS = Segment(tags=("beta",)), Segment(platform=(Platform.IOS,))
REQUESTS: list[tuple[dict[str, Any], tuple[Segment, ...]]] = [
    ({}, ()),
    ({"to": None, "only": None}, ()),
    ({"to": {"everyone": True}}, ()),
    ({"to": {"everyone": True}, "only": {"platform": ["ios"]}}, (IOS,)),
    ({"to": {"segment": {}}}, ()),
    ({"to": {"segment": {"tags": ["beta"]}}}, (BETA,)),
    ({"to": {"segment": {"tags": ["beta"]}, "segment_id": "s1"}, "only": {"platform": ["ios"]}}, (BETA, IOS)),
    ({"to": {"topic": "news"}, "fanout": "devices"}, (Segment(topics=("news",)),)),
    ({"to": {"topic": "news"}, "fanout": "devices", "only": {"platform": ["ios"]}}, (Segment(topics=("news",)), IOS)),
    ({"to": {"topic": "news"}, "fanout": "fcm"}, ()),
    ({"to": {"topic": "news"}}, ()),
    ({"to": {"usernames": ["alice"]}, "only": {"tags": ["beta"]}}, (BETA,)),
]


@pytest.mark.parametrize(("request_", "segments"), REQUESTS)
def test_stored_request_means_its_segment_its_topic_and_what_narrows_them(request_: dict[str, Any], segments: tuple[Segment, ...]) -> None:
    assert segments_of(request_) == segments


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        ({"to": {"segment": {"mood": ["good"]}}}, "to.segment.mood"),
        ({"to": {"everyone": True}, "only": {"mood": ["good"]}}, "only.mood"),
        ({"to": {"segment": "s1"}}, "to.segment"),
    ],
)
def test_filter_that_only_a_newer_version_knows_is_refused_instead_of_reaching_more(request_: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRequest, match=path):
        segments_of(request_)
