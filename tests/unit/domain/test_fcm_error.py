"""Reading FCM's error bodies: what is there is found, what is not FCM's shape reads as nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.fcm_error import FcmError, parse_error
from local.fcm.error_shapes import BAD_REQUEST, ERROR_INFO, FCM_ERROR, QUOTA_FAILURE
from local.fcm.errors import ErrorName, named_error

TOO_BIG = FcmError("INVALID_ARGUMENT", "INVALID_ARGUMENT", is_bad_request=True)
PAYLOAD = FcmError("INVALID_ARGUMENT", "INVALID_ARGUMENT", is_bad_request=True, violated_fields=("message.data[0].key",))
READINGS: dict[ErrorName, FcmError] = {
    ErrorName.UNREGISTERED: FcmError("NOT_FOUND", "UNREGISTERED"),
    ErrorName.INVALID_ARGUMENT_TOKEN: FcmError("INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    ErrorName.INVALID_ARGUMENT_PAYLOAD: PAYLOAD,
    ErrorName.UNKNOWN_FIELD: FcmError("INVALID_ARGUMENT", "", is_bad_request=True, violated_fields=("message",)),
    ErrorName.MESSAGE_TOO_BIG: TOO_BIG,
    ErrorName.SENDER_ID_MISMATCH: FcmError("PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
    ErrorName.PERMISSION_DENIED: FcmError("PERMISSION_DENIED"),
    ErrorName.THIRD_PARTY_AUTH_ERROR: FcmError("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
    ErrorName.UNAUTHENTICATED: FcmError("UNAUTHENTICATED"),
    ErrorName.CREDENTIALS_MISSING: FcmError("UNAUTHENTICATED"),
    ErrorName.QUOTA_EXCEEDED_MESSAGE_RATE: FcmError("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", quota_words="project Message rate quota exceeded."),
    ErrorName.QUOTA_EXCEEDED_DEVICE_RATE: FcmError("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", quota_words="device Device message rate quota exceeded."),
    ErrorName.QUOTA_EXCEEDED_TOPIC_RATE: FcmError("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", quota_words="topic Topic message rate quota exceeded."),
    ErrorName.RATE_LIMIT_EXCEEDED: FcmError("RESOURCE_EXHAUSTED"),
    ErrorName.INTERNAL: FcmError("INTERNAL", "INTERNAL"),
    ErrorName.UNAVAILABLE: FcmError("UNAVAILABLE", "UNAVAILABLE"),
    ErrorName.BAD_GATEWAY: FcmError(),
    ErrorName.GATEWAY_TIMEOUT: FcmError("DEADLINE_EXCEEDED"),
    ErrorName.NOT_FOUND_NO_FCM_ERROR: FcmError("NOT_FOUND"),
}


def body_of(error: Any) -> bytes:
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize("name", ErrorName)
def test_every_error_of_fcm_is_read(name: ErrorName) -> None:
    body = named_error(name).body
    assert parse_error((body if isinstance(body, str) else json.dumps(body)).encode()) == READINGS[name]


BODIES_WITHOUT_AN_ERROR: dict[str, bytes] = {
    "empty": b"",
    "page": b"<html>502</html>",
    "cut": body_of({"status": "INTERNAL"})[:-3],
    "null": b"null",
    "number": b"5",
    "list": b'[{"error": {"status": "INTERNAL"}}]',
    "error is a text": body_of("INTERNAL"),
    "error is a list": body_of([{"status": "INTERNAL"}]),
    "status is a number": body_of({"status": 500}),
    "details are a mapping": body_of({"details": {"@type": FCM_ERROR, "errorCode": "UNREGISTERED"}}),
    "details are texts": body_of({"details": ["UNREGISTERED", None]}),
    "code is a list": body_of({"details": [{"@type": FCM_ERROR, "errorCode": ["UNREGISTERED"]}]}),
    "code is missing": body_of({"details": [{"@type": FCM_ERROR}]}),
    "code of another detail": body_of({"details": [{"@type": ERROR_INFO, "errorCode": "UNREGISTERED"}]}),
    "code without a type": body_of({"details": [{"errorCode": "UNREGISTERED"}]}),
    "quota without violations": body_of({"details": [{"@type": QUOTA_FAILURE, "violations": "device"}]}),
    "no UTF-8": b"\xff\xfe\xff",
    "nested too deep": b"[" * 100_000,
    "number too long to read": b"9" * 5_000,
}


@pytest.mark.parametrize("body", BODIES_WITHOUT_AN_ERROR.values(), ids=BODIES_WITHOUT_AN_ERROR)
def test_what_is_not_fcms_shape_reads_as_an_empty_error(body: bytes) -> None:
    assert parse_error(body) == FcmError()


@pytest.mark.parametrize("code", ["unregistered", "NOT FOUND", "", "__NAME__", "A" * 65, "ÄRGER", "\ud800", "INTERNAL\n", "1ST"])
def test_code_that_google_would_not_spell_so_is_none(code: str) -> None:
    assert parse_error(body_of({"status": code, "details": [{"@type": FCM_ERROR, "errorCode": code}]})) == FcmError()


def test_first_of_two_codes_counts_and_all_violations_are_read() -> None:
    details = [
        {"@type": BAD_REQUEST, "fieldViolations": [{"field": "message.token"}, "?", {"field": 5}]},
        {"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"},
        {"@type": BAD_REQUEST, "fieldViolations": [{"field": "message.data"}]},
        {"@type": FCM_ERROR, "errorCode": "INTERNAL"},
    ]
    expected = FcmError("", "INVALID_ARGUMENT", is_bad_request=True, violated_fields=("message.token", "", "", "message.data"))
    assert parse_error(body_of({"details": details})) == expected


def test_words_of_all_quota_violations_are_kept_without_whose_quota_it_is() -> None:
    violations = [{"subject": "project:device-hub", "description": "Rate."}, {"subject": 5}, "?", {"subject": "topic:news"}]
    found = parse_error(body_of({"details": [{"@type": QUOTA_FAILURE, "violations": violations}]}))
    assert found.quota_words.split() == ["project", "Rate.", "topic"]


_leaves: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from([FCM_ERROR, BAD_REQUEST, QUOTA_FAILURE])
)
_keys = st.sampled_from(["error", "status", "details", "@type", "errorCode", "fieldViolations", "violations", "field", "subject", "description"])
_trees = st.recursive(_leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4), max_leaves=12)


@settings(max_examples=60, deadline=None, database=None)
@given(_trees.map(lambda tree: json.dumps({"error": tree}).encode()) | st.binary(max_size=40))
def test_any_body_reads_as_texts(body: bytes) -> None:
    found = parse_error(body)
    assert all(isinstance(text, str) for text in (found.status, found.fcm_code, found.quota_words, *found.violated_fields))
