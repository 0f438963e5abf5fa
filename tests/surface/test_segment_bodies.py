"""Filters as the API takes them: what is said is what is stored and meant, and what is wrong is named by its path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.segment import Segment
from fanfare.domain.segment_reading import FIELDS, segment_to_json, segments_of
from fanfare.web.api import build_api
from fanfare.web.segment_schemas import SegmentIn
from fanfare.web.send_schemas import SendIn
from tests.surface.surface import CREDENTIALS, PREFIX, some_deps

_text = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=8)
_range = st.lists(st.tuples(st.sampled_from([">=", "<", "!=", "==", "=", ""]), st.sampled_from(["3", "3.2", "03.10.1"])), min_size=1, max_size=3)
SAID = st.fixed_dictionaries(
    {},
    optional={
        "platform": st.lists(st.sampled_from(["android", "ios", "web"]), max_size=3),
        "app_version": _range.map(lambda clauses: " ,".join(f"{compare} {version}" for compare, version in clauses)),
        "os_version": _range.map(lambda clauses: ",".join(compare + version for compare, version in clauses)),
        "locale": st.lists(st.sampled_from(["sw", "sw-TZ", "en_GB"]), max_size=2),
        "timezone": st.lists(st.sampled_from(["Africa/Dar_es_Salaam", "UTC"]), max_size=2),
        "seen_within_days": st.integers(0, 3_650),
        "topics": st.lists(st.sampled_from(["news", "a-b.c~d%"]), max_size=2),
        "profile_ids": st.lists(st.sampled_from(["p1", "p_2"]), max_size=2),
        **dict.fromkeys(("tags", "tags_any", "tags_none"), st.lists(_text, max_size=2)),
    },
)


def _stored(**fields: Any) -> Any:
    """What a request to send is stored as."""
    request = SendIn.model_validate_json(json.dumps({"title": "x", **fields})).request("hash")
    return json.loads(json.dumps(request.raw))


@given(SAID, SAID)
def test_what_is_said_is_meant_and_what_is_stored_means_the_same(said: dict[str, Any], only: dict[str, Any]) -> None:
    meant = [SegmentIn.model_validate(some).segment("f") for some in (said, only)]
    assert segments_of(_stored(to={"segment": said}, only=only)) == tuple(segment for segment in meant if segment != Segment())


@given(SAID)
def test_shown_filter_is_taken_back(said: dict[str, Any]) -> None:
    meant = SegmentIn.model_validate(said).segment("f")
    assert SegmentIn.model_validate(segment_to_json(meant)).segment("f") == meant


def test_everything_that_is_filtered_by_can_be_said() -> None:
    assert set(SegmentIn.model_fields) == set(FIELDS)


def test_segment_without_filters_means_everyone() -> None:
    assert segments_of(_stored(to={"segment": {}})) == segments_of(_stored(to={"everyone": True})) == ()


WRONG: list[tuple[Any, str]] = [
    ({"colour": ["red"]}, "colour"),
    ({"app_version": ">=3..2"}, "app_version"),
    ({"app_version": "3.2,,4"}, "app_version"),
    ({"os_version": "latest"}, "os_version"),
    ({"platform": ["ios", "symbian"]}, "platform.1"),
    ({"locale": ["sw", "x"]}, "locale.1"),
    ({"timezone": ["not a zone"]}, "timezone.0"),
    ({"seen_within_days": -1}, "seen_within_days"),
    ({"seen_within_days": "7"}, "seen_within_days"),
    ({"tags": "beta"}, "tags"),
    ({"tags_any": ["a\u0000"]}, "tags_any.0"),
    ({"tags_none": ["x"] * 51}, "tags_none"),
    ({"topics": ["/topics/news"]}, "topics.0"),
    ({"profile_ids": ["__p__"]}, "profile_ids.0"),
]
NEITHER: list[Any] = [5, ["s1"], "no such id!", "__s__", ""]


@pytest.fixture(scope="module")
def phone() -> FlaskClient:
    return build_api(some_deps()).test_client()


def _wrong(phone: FlaskClient, path: str, body: Any, method: str = "POST") -> list[str]:
    answer = phone.open(f"{PREFIX}{path}", method=method, json=body, headers=CREDENTIALS)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request"), answer.text
    return [error["field"] for error in answer.json["errors"]]


@pytest.mark.parametrize(("said", "field"), WRONG, ids=[f"{field}-{index}" for index, (_, field) in enumerate(WRONG)])
def test_what_is_no_filter_is_named_wherever_it_stands(phone: FlaskClient, said: Any, field: str) -> None:
    message = {"title": "x"}
    assert _wrong(phone, "/notify", {"to": {"segment": said}, **message}) == [f"to.segment.{field}"]
    assert _wrong(phone, "/notify", {"to": {"everyone": True}, "only": said, **message}) == [f"only.{field}"]
    assert _wrong(phone, "/segments", {"name": "Beta", "filter": said}) == [f"filter.{field}"]
    assert _wrong(phone, "/segments/s1", {"name": "Beta", "filter": said}, "PUT") == [f"filter.{field}"]
    assert _wrong(phone, "/segments/count", {"segment": said}) == [f"segment.{field}"]


@pytest.mark.parametrize("said", NEITHER)
def test_what_is_neither_filters_nor_an_id_is_refused(phone: FlaskClient, said: Any) -> None:
    assert _wrong(phone, "/notify", {"to": {"segment": said}, "title": "x"}) == ["to.segment"]
    assert _wrong(phone, "/segments/count", {"segment": said}) == ["segment"]


@pytest.mark.parametrize("body", [{"filter": {}}, {"name": "", "filter": {}}, {"name": "x" * 101, "filter": {}}, {"name": "a\nb", "filter": {}}])
def test_segment_needs_a_name_for_people(phone: FlaskClient, body: Any) -> None:
    assert _wrong(phone, "/segments", body) == ["name"]


@pytest.mark.parametrize("body", [{"name": "Beta"}, {"name": "Beta", "filter": None}, {"name": "Beta", "filter": "s1"}])
def test_segment_needs_filters_of_its_own(phone: FlaskClient, body: Any) -> None:
    assert _wrong(phone, "/segments", body) == ["filter"]


def test_unknown_segment_is_named(phone: FlaskClient) -> None:
    assert _wrong(phone, "/segments/count", {"segment": "none"}) == ["segment"]
