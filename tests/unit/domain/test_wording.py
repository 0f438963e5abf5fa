from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.composition import compose
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Message, Platform, Priority, TargetKind
from fanfare.domain.rendition import Rendition, rendition_of
from fanfare.domain.template import Said
from fanfare.domain.template_text import LONGEST_TEXT, Syntax
from fanfare.domain.variants import check_variants
from fanfare.domain.wording import Wording, check_variables, ttl_seconds_of, wording_of
from tests.factories import a_recipient
from tests.templates import a_template, expand

ORDER = {"name": "John", "order_id": "1234", "status": "ready"}
LOCALES = {"sw": {"title": "Habari {{name}}"}, "sw_TZ": {"body": "Agizo #{{order_id}}"}}


def _say(wording: Wording, own: Said | None = None, **variant: Any) -> Message:
    return compose(wording, own or {}, expand, **variant)


def _texts(message: Message) -> tuple[str | None, str | None]:
    return message.title, message.body


def test_variables_are_filled_in() -> None:
    template = a_template(message={"body": "Hello {{name}}, your order #{{order_id}} is {{status}}"})
    assert _say(wording_of(template, ORDER, {})).body == "Hello John, your order #1234 is ready"


def test_every_text_is_filled_in_and_nothing_else() -> None:
    said = {
        "title": "{{a}}", "image_url": "https://x/{{a}}", "deep_link": "app://{{a}}", "data": {"{{a}}": "{{a}}"},
        "actions": [{"id": "{{a}}", "title": "{{a}}"}], "channel": "{{a}}", "sound": "{{a}}", "priority": "high", "ttl_seconds": 5, "silent": True,
    }  # fmt: skip
    message = _say(wording_of(a_template(message=said), {"a": "b"}, {}))
    assert (message.title, message.image_url, message.deep_link, message.data) == ("b", "https://x/b", "app://b", {"{{a}}": "b"})
    assert [(action.id, action.title) for action in message.actions] == [("{{a}}", "b")]
    assert (message.channel, message.sound, message.priority, message.ttl_seconds, message.silent) == ("{{a}}", "{{a}}", Priority.HIGH, 5, True)


# Over one another


@pytest.mark.parametrize(
    ("platform", "locale", "said"),
    [
        (Platform.ANDROID, None, ("Hello John", "Your order #1234 is ready")),
        (Platform.IOS, None, ("Hello John", "On iOS")),
        (Platform.ANDROID, "sw", ("Habari John", "Your order #1234 is ready")),
        (Platform.IOS, "sw", ("Habari John", "On iOS")),
        (Platform.IOS, "sw-tz", ("Habari John", "Agizo #1234")),
        (None, "sw", ("Hello John", "Your order #1234 is ready")),
    ],
)
def test_language_goes_over_platform_and_both_over_what_everybody_is_told(
    platform: Platform | None, locale: str | None, said: tuple[str, str]
) -> None:
    wording = wording_of(a_template(locales=LOCALES, platforms={"ios": {"body": "On iOS"}}), ORDER, {})
    assert _texts(_say(wording, platform=platform, locale=locale)) == said


def test_request_goes_over_everything_and_is_literal() -> None:
    own = {"title": "{{name}}", "data": {"k": "mine"}, "silent": None}
    template = a_template(message={"title": "a", "data": {"k": "{{x}}", "l": "{{name}}"}}, locales={"sw": {"title": "b"}})
    wording = wording_of(template, ORDER, own)
    check_variables(wording, own)
    message = _say(wording, own, platform=Platform.WEB, locale="sw")
    assert (message.title, message.data) == ("{{name}}", {"k": "mine", "l": "John"})


@pytest.mark.parametrize(("own", "silent"), [({}, True), ({"silent": False}, False), ({"silent": None}, True)])
def test_request_may_make_a_silent_template_loud(own: Said, *, silent: bool) -> None:
    assert _say(wording_of(a_template(message={"title": "x", "silent": True}), {}, own), own).silent is silent


@pytest.mark.parametrize(("tag", "locale"), [("sw-TZ", "sw-tz"), ("sw_KE", "sw"), ("SW", "sw"), ("de", None), (None, None)])
def test_recipient_is_addressed_in_the_nearest_locale(tag: str | None, locale: str | None) -> None:
    wording = wording_of(a_template(locales=LOCALES), ORDER, {})
    assert wording.locale_for(tag) == locale
    assert wording_of(a_template(), ORDER, {}).locale_for(tag) is None


# Variables


def test_every_variable_without_a_value_is_named() -> None:
    wording = wording_of(a_template(locales=LOCALES), {"status": "ready"}, {})
    with pytest.raises(InvalidRequest) as refused:
        check_variables(wording, {})
    assert [error.field for error in refused.value.errors] == ["variables.name", "variables.order_id"]


def test_variable_of_a_text_that_the_request_replaces_is_not_needed() -> None:
    own = {"body": "Ready."}
    check_variables(wording_of(a_template(), {"name": "John"}, own), own)


def test_default_stands_where_no_value_is_given_and_unknown_variables_are_left_out() -> None:
    wording = wording_of(a_template(defaults={"status": "ready", "name": "you"}), {"name": "John", "order_id": 1, "more": "x"}, {})
    assert wording.variables == {"status": "ready", "name": "John", "order_id": 1}


def test_text_that_cannot_be_filled_in_is_named() -> None:
    for said, field in (
        ({"data": {"k": "{{a}}"}}, "data.k"),
        ({"actions": [{"id": "a", "title": "{{a}}"}]}, "actions.0.title"),
        ({"body": "{{a}}"}, "body"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            _say(wording_of(a_template(message=said), {}, {}))
        assert [error.field for error in refused.value.errors] == [field]


@given(st.text(max_size=40), st.text("{}% ab|", max_size=20))
def test_value_is_never_expanded_again(name: str, status: str) -> None:
    wording = wording_of(a_template(message={"body": "{{name}}/{{status}}"}), {"name": name, "status": status}, {})
    assert _say(wording).body == f"{name}/{status}"


@given(st.text("{}ab ", max_size=30), st.dictionaries(st.sampled_from("ab"), st.text(max_size=2_000)), st.sampled_from(Syntax))
def test_what_comes_out_is_bounded_or_refused(body: str, variables: dict[str, str], syntax: Syntax) -> None:
    template = a_template(message={"body": body}, syntax=syntax)
    try:
        said = _say(wording_of(template, variables, {})).body
    except (InvalidRequest, ValueError):
        return
    assert said is None or len(said) <= LONGEST_TEXT


# Usernames


@pytest.mark.parametrize(
    ("variables", "defaults", "username", "said"),
    [
        ({}, {}, "alice", "Hi alice"),
        ({}, {}, None, "Hi "),
        ({}, {"username": "friend"}, None, "Hi friend"),
        ({}, {"username": "friend"}, "alice", "Hi alice"),
        ({"username": "all"}, {"username": "friend"}, "alice", "Hi all"),
    ],
)
def test_username_is_the_recipients_unless_the_request_says_it(
    variables: dict[str, str], defaults: dict[str, str], username: str | None, said: str
) -> None:
    wording = wording_of(a_template(message={"title": "Hi {{username}}"}, defaults=defaults), variables, {})
    check_variables(wording, {})
    assert _say(wording, username=username).title == said


@pytest.mark.parametrize(
    ("said", "variables", "own", "rendition"),
    [
        ({"title": "Hi {{username}}"}, {}, {}, Rendition(Platform.ANDROID, TargetKind.TOKEN, "sw", "alice")),
        ({"title": "Hi {{username}}"}, {"username": "all"}, {}, Rendition(Platform.ANDROID, TargetKind.TOKEN, "sw")),
        ({"title": "Hi {{username}}"}, {}, {"title": "Hi"}, Rendition(Platform.ANDROID, TargetKind.TOKEN, "sw")),
        ({"title": "Hi"}, {}, {}, Rendition(Platform.ANDROID, TargetKind.TOKEN, "sw")),
    ],
)
def test_recipients_share_a_rendition_unless_they_are_told_different_things(said: Said, variables: Said, own: Said, rendition: Rendition) -> None:
    wording = wording_of(a_template(message=said, locales={"sw": {"body": "x"}}), dict(variables), own)
    assert rendition_of(wording, a_recipient(locale="sw-TZ", username="alice")) == rendition


def test_without_a_template_all_of_a_platform_share_one() -> None:
    assert rendition_of(None, a_recipient(locale="sw", username="alice")) == Rendition(Platform.ANDROID, TargetKind.TOKEN)


# Checks of all that can be said


def test_every_variant_is_checked_on_the_platforms_that_are_asked_for() -> None:
    wording = wording_of(a_template(platforms={"ios": {"body": "y" * 4_090}}, locales={"sw": {"title": "x"}}), ORDER, {})

    def say(platform: Platform | None, locale: str | None) -> Message:
        return _say(wording, platform=platform, locale=locale)

    check_variants(wording, (Platform.ANDROID, Platform.WEB), say)
    check_variants(wording, (None,), say)
    with pytest.raises(InvalidRequest, match="for ios"):
        check_variants(wording, tuple(Platform), say)


def test_topic_has_the_smaller_limit() -> None:
    wording = wording_of(a_template(message={"title": "x", "body": "y" * 2_000}), {}, {})
    check_variants(wording, tuple(Platform), lambda platform, locale: _say(wording, platform=platform, locale=locale))
    with pytest.raises(InvalidRequest, match="topic"):
        check_variants(wording, (None,), lambda platform, locale: _say(wording, platform=platform, locale=locale))


# Life


@pytest.mark.parametrize(
    ("name", "said", "own", "seconds"),
    [
        ("a", {"title": "x"}, {}, 2_419_200),
        ("a", {"title": "x", "priority": "high"}, {}, 86_400),
        ("a", {"title": "x", "priority": "high"}, {"priority": "normal"}, 2_419_200),
        ("a", {"title": "x", "ttl_seconds": 5}, {}, 5),
        ("a", {"title": "x", "ttl_seconds": 5}, {"ttl_seconds": 0}, 0),
        ("call", {"title": "x", "priority": "high"}, {}, 60),
        ("call", {"title": "x", "ttl_seconds": 30}, {}, 30),
        ("call", {"title": "x"}, {"ttl_seconds": 0}, 0),
    ],
)
def test_life_is_the_requests_or_the_templates_and_a_call_lives_a_minute(name: str, said: Said, own: Said, seconds: int) -> None:
    assert ttl_seconds_of(wording_of(a_template(name=name, message=said), {}, own), own) == seconds
