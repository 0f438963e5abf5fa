from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.template_lint import lint_template
from fanfare.domain.template_text import Syntax
from tests.templates import a_template, expand

LONG = "y" * 4_090
HALF = "y" * 2_100


def _refusal(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        lint_template(a_template(**fields), expand)
    return refused.value


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"syntax": Syntax.SINGLE, "message": {"title": "Call from {caller}", "body": "{body}"}},
        {"message": {"data": {"screen": "orders"}, "silent": True}},
        {"message": {"title": "x", "image_url": "{{image}}", "deep_link": "{{link}}"}},
        {"message": {"title": "x", "image_url": "https://example.com/{{path}}.png"}},
        {"message": {"title": "x", "image_url": "{{image}}"}, "defaults": {"image": "https://example.com/a.png"}},
        {"message": {"title": "x", "body": "y" * 3_500}},
        {"message": {"title": "x", "body": HALF}, "platforms": {"ios": {"data": {"k": "z" * 1_000}}}},
    ],
)
def test_good_template_is_let_through(fields: dict[str, Any]) -> None:
    lint_template(a_template(**fields), expand)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"message": {"title": "x", "body": "{{"}}, "body", "neither a variable"),
        ({"message": {}}, "title", "is missing"),
        ({"message": {"title": "{{a}}"}, "defaults": {"a": ""}}, "title", "is missing"),
        ({"message": {"title": "x", "body": LONG}}, "body", "for android; FCM allows 4096"),
        ({"platforms": {"ios": {"body": LONG}}}, "body", "for ios; FCM allows 4096"),
        ({"locales": {"sw": {"body": LONG}}}, "body", "(locale sw)"),
        ({"locales": {"sw": {"data": {"k": HALF}}, "sw-TZ": {"body": HALF}}}, "data", "(locale sw-tz)"),
        ({"platforms": {"web": {"data": {"k": HALF}}}, "locales": {"sw": {"body": HALF}}}, "data", "for web"),
        ({"message": {"title": "x", "body": "y" * 3_000 + "{{a}}"}, "defaults": {"a": "z" * 1_500}}, "body", "grows too long"),
        ({"message": {"title": "x", "body": "y" * 2_000 + "{{a}}"}, "defaults": {"a": "z" * 2_050}}, "body", "FCM allows 4096"),
        ({"message": {"title": "x", "image_url": "ftp://example.com"}}, "image_url", "http"),
        ({"message": {"title": "x", "image_url": "{{a}}"}, "defaults": {"a": "nowhere"}}, "image_url", "http"),
        ({"message": {"title": "x", "ttl_seconds": -1}}, "ttl_seconds", "must be from 0"),
        ({"message": {"title": "x", "data": {"google.a": "b"}}}, "data.google.a", "reserved"),
        ({"message": {"title": "x", "channel": ""}}, "channel", "empty"),
        ({"message": {"title": "x", "actions": [{"id": "a", "title": ""}]}}, "actions.0.title", "empty"),
    ],
)
def test_what_could_never_be_sent_is_refused_when_it_is_saved(fields: dict[str, Any], field: str, words: str) -> None:
    refusal = _refusal(**fields)
    assert field in {error.field for error in refusal.errors}
    assert words in refusal.detail


def test_text_that_others_cover_everywhere_is_looked_at_too() -> None:
    covered = {name: {"title": "x"} for name in ("android", "ios", "web")}
    refusal = _refusal(message={"title": "{{a}}" + "b" * 250, "body": "x"}, defaults={"a": "z" * 4_000}, platforms=covered)
    assert [error.field for error in refusal.errors] == ["title"]
