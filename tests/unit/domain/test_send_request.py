"""Requests to send: the message that a stored request means is the one that was accepted."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings

from fanfare.domain.message import Action, Message, Priority
from fanfare.domain.send_request import message_of
from tests.messages import messages


def spoken(message: Message) -> dict[str, Any]:
    """The request that says this message, as JSON has it."""
    said = {field.name: getattr(message, field.name) for field in fields(message)}
    return {**said, "priority": message.priority.value, "actions": [{"id": action.id, "title": action.title} for action in message.actions]}


@settings(max_examples=40)
@given(messages())
def test_message_is_read_back_from_its_stored_request(message: Message) -> None:
    assert message_of(json.loads(json.dumps(spoken(message)))) == message


@settings(max_examples=40)
@given(messages())
def test_defaults_need_not_be_said(message: Message) -> None:
    usual = spoken(Message())
    said = {name: value for name, value in spoken(message).items() if value != usual[name]}
    assert message_of(said | {"to": {"usernames": ["alice"]}, "validate_only": True}) == message


def test_request_that_says_nothing_is_an_empty_message() -> None:
    assert message_of({}) == Message()


@pytest.mark.parametrize("field", [field.name for field in fields(Message)])
def test_field_given_as_null_is_a_field_not_said(field: str) -> None:
    assert message_of({field: None}) == Message()


SAID: list[tuple[dict[str, Any], Message]] = [
    ({"title": ""}, Message(title="")),
    ({"badge": 0, "ttl_seconds": 0}, Message(badge=0, ttl_seconds=0)),
    ({"priority": "high"}, Message(priority=Priority.HIGH)),
    ({"silent": True}, Message(silent=True)),
    ({"receipts": False}, Message(receipts=False)),
    ({"receipts": True}, Message()),
    ({"actions": [{"id": "track", "title": "Track"}]}, Message(actions=(Action("track", "Track"),))),
    ({"android": {"ttl": "1s"}, "apns": {"headers": {}}, "webpush": {}}, Message(android={"ttl": "1s"}, apns={"headers": {}})),
    ({"to": {"topic": "news"}, "only": {"tags": ["beta"]}, "validate_only": True, "group": "g"}, Message(group="g")),
]


@pytest.mark.parametrize(("raw", "message"), SAID)
def test_what_was_said_is_what_is_meant(raw: dict[str, Any], message: Message) -> None:
    assert message_of(raw) == message
