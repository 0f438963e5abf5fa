from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.template import Template
from fanfare.domain.template_reading import LONGEST_DEFECT, read_template
from fanfare.domain.template_rules import MOST_LOCALES, check_template
from fanfare.domain.template_text import Syntax
from tests.factories import NOW
from tests.templates import a_template

GOOD: dict[str, Any] = {
    "title": "Hello {{name}}", "syntax": "double", "active": True, "version": 3, "created_by": "client-1", "created_at": NOW, "updated_at": NOW,
}  # fmt: skip
EVERYTHING = {
    "title": "a", "body": "{{b}}", "data": {"k": "{{c}}"}, "priority": "high", "silent": False, "ttl_seconds": 60, "channel": "orders",
    "image_url": "https://example.com/{{d}}", "deep_link": "app://{{e}}", "actions": [{"id": "a", "title": "{{f}}"}], "sound": "default",
}  # fmt: skip


def _fields(template: Template) -> set[str]:
    with pytest.raises(InvalidRequest) as refused:
        check_template(template)
    return {error.field for error in refused.value.errors}


def test_template_with_every_field_is_one() -> None:
    check_template(a_template(message=EVERYTHING, platforms={"ios": {"title": "b"}}, locales={"sw": {"body": "c"}, "sw-TZ": {"data": {"k": "d"}}}))


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"platforms": []}, {"platforms"}),
        ({"locales": {"sw": "x"}}, {"locales.sw"}),
        ({"defaults": "x"}, {"defaults"}),
        ({"defaults": {"a": []}}, {"defaults.a"}),
        ({"platforms": {"symbian": {"title": "x"}}}, {"platforms.symbian"}),
        ({"platforms": {"ios": {"ttl_seconds": 5}}}, {"platforms.ios.ttl_seconds"}),
        ({"locales": {"sw": {"priority": "high"}}}, {"locales.sw.priority"}),
        ({"locales": {"sw": {"title": 5}}}, {"locales.sw.title"}),
        ({"locales": {"swahili!": {}}}, {"locales.swahili!"}),
        ({"locales": {"sw-" + "abcdefgh-" * 4 + "abc": {}}}, {"locales.sw-" + "abcdefgh-" * 4 + "abc"}),
        ({"locales": {"sw-TZ": {}, "sw_tz": {}}}, {"locales.sw_tz"}),
        ({"locales": {f"sw-{number:04}": {} for number in range(MOST_LOCALES + 1)}}, {"locales"}),
        ({"message": {"title": "x", "colour": "red"}}, {"colour"}),
        ({"message": {"title": "x" * 256}}, {"title"}),
        ({"message": {"title": "x\ud800"}}, {"title"}),
        ({"message": {"body": ["x"]}}, {"body"}),
        ({"message": {"silent": "yes"}}, {"silent"}),
        ({"message": {"priority": "urgent"}}, {"priority"}),
        ({"message": {"priority": ["high"]}}, {"priority"}),
        ({"message": {"ttl_seconds": "60"}}, {"ttl_seconds"}),
        ({"message": {"ttl_seconds": True}}, {"ttl_seconds"}),
        ({"message": {"data": "x"}}, {"data"}),
        ({"message": {"data": {"k": 1}}}, {"data.k"}),
        ({"message": {"data": {"": "x"}}}, {"data"}),
        ({"message": {"data": {"__k__": "x"}}}, {"data"}),
        ({"message": {"actions": "x"}}, {"actions"}),
        ({"message": {"actions": ["x"]}}, {"actions.0"}),
        ({"message": {"actions": [{"id": "a", "title": "b"}, {"id": "a"}]}}, {"actions.1"}),
        ({"message": {"actions": [{"id": "a", "title": 5}]}}, {"actions.0"}),
        ({"message": {"title": "{{", "body": "{% for %}", "data": {"k": "{{a.b}}"}}}, {"title", "body", "data.k"}),
        ({"locales": {"sw": {"title": "{{"}}}, {"locales.sw.title"}),
        ({"syntax": Syntax.SINGLE}, {"title", "body"}),
        ({"message": {"data": {f"k{number}": "x" * 4_000 for number in range(9)}}}, {"body"}),
    ],
)
def test_what_is_no_template_is_refused_by_its_field(fields: dict[str, Any], wrong: set[str]) -> None:
    assert _fields(a_template(**fields)) == wrong


def test_not_more_than_fifty_mistakes_are_told() -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_template(a_template(message={"data": {f"k{number}": 1 for number in range(80)}}))
    assert len(refused.value.errors) == 50


# Documents that somebody edited


def test_document_is_read() -> None:
    read = read_template("a", {**GOOD, "body": None, "defaults": {"a": 1}, "platforms": {"ios": {"title": "x", "body": None}}}, NOW)
    assert (read.name, read.message, read.version, read.created_by, read.defect) == ("a", {"title": "Hello {{name}}"}, 3, "client-1", None)
    assert (read.platforms, read.defaults, read.syntax, read.active) == ({"ios": {"title": "x"}}, {"a": 1}, Syntax.DOUBLE, True)


@pytest.mark.parametrize(
    ("edit", "defect"),
    [
        ({"title": 5}, "title: must be a text"),
        ({"title": "Hello {{name"}, "title: holds something at character 7"),
        ({"active": "yes"}, "active: must be"),
        ({"syntax": "triple"}, "syntax: must be"),
        ({"syntax": ["double"]}, "syntax: must be"),
        ({"locales": "sw"}, "locales: must be an object"),
        ({"locales": {"sw": "x"}}, "locales.sw: must be an object"),
        ({"defaults": {"a": datetime(2026, 1, 1, tzinfo=UTC)}}, "defaults.a: must be"),
        ({"data": {"k": b"x"}}, "data.k: is no JSON value"),
    ],
)
def test_broken_edit_is_told_and_says_nothing(edit: dict[str, Any], defect: str) -> None:
    read = read_template("a", {**GOOD, **edit}, NOW)
    assert read.defect is not None
    assert read.defect.startswith(defect)
    assert (read.message, read.platforms, read.locales, read.defaults, read.version) == ({}, {}, {}, {}, 3)


def test_what_was_deleted_by_hand_is_made_up_for_where_it_says_nothing() -> None:
    read = read_template("a", {"title": "x", "syntax": "double", "active": False, "created_by": 5, "version": "x"}, NOW)
    assert (read.version, read.created_by, read.created_at, read.updated_at, read.defect) == (0, None, NOW, NOW, None)


_stored = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("{}ab %", max_size=8) | st.binary(max_size=2) | st.just(NOW),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["sw", "ios", "title", "body", "id", "k", ""]), inner, max_size=2),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*GOOD, *EVERYTHING, "platforms", "locales", "defaults", "other"]), _stored, max_size=4))
def test_any_document_is_read(edit: dict[str, Any]) -> None:
    read = read_template("a", {**GOOD, **edit}, NOW)
    assert read.defect is None or (read.defect and read.message == {} and len(read.defect) <= LONGEST_DEFECT)
    if read.defect is None:
        check_template(read)
