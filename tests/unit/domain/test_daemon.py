from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.composition import compose
from fanfare.domain.daemon import LONGEST_BODY, LONGEST_LABEL, LONGEST_USERNAME, DaemonMessage, read_message, read_replying, request_of
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Message, TargetKind
from fanfare.domain.send_request import SendRequest
from fanfare.domain.starter_templates import BUILT_IN_DEFAULT, STARTERS, starter_templates
from fanfare.domain.target import Target
from fanfare.domain.template import Template
from fanfare.domain.template_rules import check_template
from fanfare.domain.template_text import Syntax
from fanfare.domain.wording import check_variables, wording_of
from tests.factories import NOW
from tests.templates import a_template, expand

STARTER = {template.name: template for template in starter_templates(NOW)}


def said(template: Template, request: SendRequest) -> Message:
    """What is told; nothing may be missing."""
    wording = wording_of(template, request.variables, request.raw)
    check_variables(wording, request.raw)
    return compose(wording, request.raw, expand)


def test_form_is_read() -> None:
    form = {"username": "alice", "type": "call", "from": "bob", "body": "Hi", "nobody": "knows"}
    assert read_message(form) == DaemonMessage("alice", "call", "bob", "Hi")


@pytest.mark.parametrize("form", [{"username": "alice"}, {"username": "alice", "type": ""}])
def test_form_that_names_no_type_means_default(form: dict[str, str]) -> None:
    assert read_message(form) == DaemonMessage("alice", "default", None, None)


def test_what_is_given_empty_is_given() -> None:
    assert read_message({"username": "alice", "from": "", "body": ""}) == DaemonMessage("alice", "default", "", "")


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({}, {"username"}),
        ({"username": "", "body": "x" * (LONGEST_BODY + 1)}, {"username", "body"}),
        ({"username": "a\x00"}, {"username"}),
        ({"username": "x" * (LONGEST_USERNAME + 1)}, {"username"}),
        ({"username": "x", "type": "x" * (LONGEST_LABEL + 1), "from": "x" * (LONGEST_LABEL + 1)}, {"type", "from"}),
    ],
)
def test_every_wrong_field_is_named(form: dict[str, str], fields: set[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_message(form)
    assert {error.field for error in refused.value.errors} == fields


def test_longest_of_everything_is_taken() -> None:
    form = {"username": "ü" * LONGEST_USERNAME, "type": "x" * LONGEST_LABEL, "from": "x" * LONGEST_LABEL, "body": "x" * LONGEST_BODY}
    assert read_message(form).body == form["body"]


def test_request_reaches_the_username_and_carries_who_called() -> None:
    request = request_of(DaemonMessage("alice", "call", "bob", "Hi"), STARTER["call"], "hash")
    assert [(address.kind, address.value) for address in request.to.addresses] == [("username", "alice")]
    assert (request.caller, request.type, request.usernames, request.request_hash) == ("bob", "call", ("alice",), "hash")
    assert said(STARTER["call"], request) == Message(
        title="Incoming call from bob",
        body="Tap to open app",
        data={"type": "call", "caller": "bob", "username": "alice"},
        priority=said(STARTER["call"], request).priority,
    )
    assert said(STARTER["call"], request).priority == "high"


@pytest.mark.parametrize("name", STARTERS)
def test_starter_says_something_to_whoever_gives_nothing_but_a_username(name: str) -> None:
    message = said(STARTER[name], request_of(DaemonMessage("alice", name), STARTER[name], "hash"))
    assert message.title in {"Incoming call from ", "New message from ", "Background sync", "Notification"}
    assert message.data == {"type": name, "caller": "", "username": "alice"}


def test_type_that_has_no_template_is_told_as_such() -> None:
    request = request_of(DaemonMessage("alice", "door-bell", None, "Ring"), None, "hash")
    assert (request.template, request.type, request.stand_in) == ("default", "door-bell", BUILT_IN_DEFAULT)
    assert said(BUILT_IN_DEFAULT, request) == Message(
        title="Notification", body="Ring", data={"type": "door-bell", "caller": "", "username": "alice"}
    )


def test_variable_that_nobody_gives_is_its_default_or_empty() -> None:
    template = a_template(message={"title": "{caller}/{room}/{floor}", "body": "{username}"}, defaults={"room": "lobby"}, syntax=Syntax.SINGLE)
    absent, given = DaemonMessage("alice"), DaemonMessage("alice", caller="bob")
    assert said(template, request_of(absent, template, "hash")).title == "/lobby/"
    assert said(template, request_of(given, template, "hash")).title == "bob/lobby/"
    assert said(template, request_of(given, template, "hash")).body == "alice"


@given(st.text(max_size=50), st.text(max_size=50))
def test_what_a_caller_says_is_never_taken_for_a_template(caller: str, body: str) -> None:
    message = said(STARTER["message"], request_of(DaemonMessage("alice", "message", caller, body), STARTER["message"], "hash"))
    assert (message.title, message.body) == (f"New message from {caller}", body)


def test_the_requests_own_data_wins_over_the_templates() -> None:
    template = a_template(message={"title": "x", "data": {"type": "{caller}", "screen": "{caller}"}}, syntax=Syntax.SINGLE)
    message = said(template, request_of(DaemonMessage("alice", "ring", "bob"), template, "hash"))
    assert message.data == {"type": "ring", "screen": "bob", "caller": "bob", "username": "alice"}


def test_reply_names_a_token() -> None:
    assert read_replying({"token": "APA91b:x", "other": "y"}) == Target(TargetKind.TOKEN, "APA91b:x")
    for fields in ({}, {"token": ""}, {"token": "a b"}, {"token": "x" * 5_000}):
        with pytest.raises(InvalidRequest) as refused:
            read_replying(fields)
        assert [error.field for error in refused.value.errors] == ["token"]


def test_starters_are_good_templates_with_the_daemons_priorities() -> None:
    for template in starter_templates(NOW):
        check_template(template)
    found = {name: (template.message["priority"], template.syntax, template.version, template.created_at) for name, template in STARTER.items()}
    high, normal = (("high", "single", 1, NOW), ("normal", "single", 1, NOW))
    assert found == {"call": high, "message": normal, "keepalive": high, "default": normal}
