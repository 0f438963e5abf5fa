from __future__ import annotations

import json

import pytest

from fanfare.domain.template_text import Syntax
from fanfare.domain.wording import wording_of
from fanfare.domain.wording_format import wording_from_json, wording_to_json
from tests.templates import a_template


@pytest.mark.parametrize("syntax", Syntax)
def test_wording_survives_being_stored(syntax: Syntax) -> None:
    said = {"title": "a", "data": {"k": "{a}"}, "actions": [{"id": "a", "title": "b"}]}
    template = a_template(
        message=said, syntax=syntax, platforms={"ios": {"body": "b"}}, locales={"sw_TZ": {"body": "c"}}, defaults={"username": 5, "a": True}
    )
    wording = wording_of(template, {"a": 1.5}, {})
    assert wording_from_json(json.loads(json.dumps(wording_to_json(wording)))) == wording


def test_field_of_a_newer_version_is_passed_over() -> None:
    wording = wording_of(a_template(), {}, {})
    assert wording_from_json({**wording_to_json(wording), "tone": "friendly"}) == wording
