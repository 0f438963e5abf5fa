from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.classification import Answer, Kind, RetryRule
from fanfare.domain.subscription_answer import DONE, SyncAction, judge
from local.fcm.errors import ErrorName, named_error

PAST = {
    ErrorName.UNREGISTERED: SyncAction.GONE,
    ErrorName.INVALID_ARGUMENT_TOKEN: SyncAction.GONE,
    ErrorName.SENDER_ID_MISMATCH: SyncAction.GONE,
    ErrorName.INVALID_ARGUMENT_PAYLOAD: SyncAction.FAILED,
    ErrorName.UNKNOWN_FIELD: SyncAction.FAILED,
    ErrorName.MESSAGE_TOO_BIG: SyncAction.FAILED,
    ErrorName.THIRD_PARTY_AUTH_ERROR: SyncAction.FAILED,
    ErrorName.PERMISSION_DENIED: SyncAction.PARK,
    ErrorName.UNAUTHENTICATED: SyncAction.PARK,
    ErrorName.CREDENTIALS_MISSING: SyncAction.PARK,
    ErrorName.NOT_FOUND_NO_FCM_ERROR: SyncAction.PARK,
}
"""Errors by their name; all others are tried again."""


def _body(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("name", list(ErrorName))
def test_every_answer_to_a_subscription_has_its_meaning(name: ErrorName) -> None:
    error = named_error(name)
    body = error.body.encode() if isinstance(error.body, str) else _body(error.body)
    outcome = judge(Answer(error.status, body, 7), subscribed=True)
    assert outcome.action is PAST.get(name, SyncAction.RETRY)
    assert outcome.retry_after_seconds == 7
    assert outcome.code
    assert (outcome.retry is not RetryRule.NEVER) == (outcome.action is SyncAction.RETRY)


@pytest.mark.parametrize("subscribed", [True, False])
@pytest.mark.parametrize("body", [b"{}", b'{"name": "projects/p/registrations/r/topicSubscriptions/t"}'])
def test_an_object_is_done(body: bytes, subscribed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert judge(Answer(200, body), subscribed=subscribed) == DONE


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 100_000])
def test_an_answer_from_something_in_between_is_tried_again(body: bytes) -> None:
    assert judge(Answer(200, body), subscribed=True).action is SyncAction.RETRY


def test_what_is_there_already_and_what_is_missing_already_is_done() -> None:
    exists = Answer(409, _body({"error": {"code": 409, "status": "ALREADY_EXISTS"}}))
    missing = Answer(404, _body({"error": {"code": 404, "status": "NOT_FOUND"}}))
    assert judge(exists, subscribed=True) == DONE
    assert judge(missing, subscribed=False) == DONE
    assert judge(exists, subscribed=False).action is SyncAction.FAILED
    assert judge(missing, subscribed=True).action is SyncAction.PARK
    assert judge(Answer(404, b"<html>"), subscribed=False).action is SyncAction.PARK


def test_silence_is_tried_again() -> None:
    outcome = judge(Answer(0), subscribed=True)
    assert (outcome.action, outcome.kind) == (SyncAction.RETRY, Kind.NO_ANSWER)


@given(status=st.integers(0, 999), body=st.binary(max_size=64), subscribed=st.booleans())
def test_any_answer_has_a_meaning(status: int, body: bytes, subscribed: bool) -> None:  # noqa: FBT001 - drawn
    assert judge(Answer(status, body), subscribed=subscribed).action in SyncAction
