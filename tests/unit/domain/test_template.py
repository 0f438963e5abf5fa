from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.template import Draft, changed, is_template_name, new_template, overlay, parts, texts
from fanfare.domain.template_text import Syntax
from tests.factories import NOW
from tests.templates import a_template

LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize("name", ["order_confirmed", "call", "a", "v2.call-back", "9", "a" * 100])
def test_names_that_templates_may_have(name: str) -> None:
    assert is_template_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "_a", "__a__", "a/b", "a b", "ä", "a" * 101, "a\n"])
def test_names_that_templates_may_not_have(name: str) -> None:
    assert not is_template_name(name)


def test_new_template_is_its_own_first_version() -> None:
    draft = Draft({"title": "x"}, syntax=Syntax.SINGLE, active=False, defaults={"a": 1})
    made = new_template("a", draft, created_by="client-1", now=NOW)
    assert (made.name, made.message, made.syntax, made.active, made.defaults) == ("a", {"title": "x"}, Syntax.SINGLE, False, {"a": 1})
    assert (made.version, made.created_by, made.created_at, made.updated_at) == (1, "client-1", NOW, NOW)


def test_change_is_the_next_version_and_says_what_the_draft_says_alone() -> None:
    before = a_template(locales={"sw": {"title": "Habari"}}, version=4)
    after = changed(before, Draft({"title": "x"}), LATER)
    assert (after.version, after.message, after.locales, after.updated_at) == (5, {"title": "x"}, {}, LATER)
    assert (after.created_by, after.created_at) == (before.created_by, NOW)


def test_change_that_changes_nothing_is_no_version() -> None:
    before = a_template(version=4)
    assert changed(before, Draft(before.message), LATER) is before


def test_change_mends_a_broken_template() -> None:
    broken = replace(a_template(), message={}, defect="title: must be a text")
    assert changed(broken, Draft({}), LATER).defect is None


def test_parts_and_texts_are_told_with_their_paths() -> None:
    actions = [{"id": "track", "title": "Track {{a}}"}]
    said = {"title": "t", "data": {"k": "v"}, "actions": actions, "channel": "orders"}
    template = a_template(message=said, platforms={"ios": {"body": "b"}}, locales={"sw": {"image_url": "u"}})
    assert [(f"{path}{name}", text) for path, part in parts(template) for name, text in texts(part)] == [
        ("title", "t"), ("data.k", "v"), ("actions.0.title", "Track {{a}}"), ("platforms.ios.body", "b"), ("locales.sw.image_url", "u"),
    ]  # fmt: skip


def test_overlay_goes_field_by_field_and_key_by_key_in_data() -> None:
    below = {"title": "a", "body": "b", "data": {"k": "1", "l": "2"}, "actions": [{"id": "x", "title": "X"}]}
    above = {"title": "c", "body": None, "data": {"l": "3"}, "actions": []}
    assert overlay(below, above) == {"title": "c", "body": "b", "data": {"k": "1", "l": "3"}, "actions": []}
    assert overlay({"title": "a"}, {"data": {"k": "1"}}) == {"title": "a", "data": {"k": "1"}}
