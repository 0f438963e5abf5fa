"""Every answer of FCM has a row, and each row does what the design's table of errors says; the table is written out here once more, by hand."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fanfare.domain.classification import (
    REASONS,
    RULES,
    Answer,
    Kind,
    MessageAction,
    ProjectAction,
    RetryRule,
    Rule,
    TargetAction,
    Verdict,
    classify,
)
from fanfare.domain.device import InactiveReason
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.packing import pack_results, unpack_results
from local.fcm.error_shapes import FcmAnswer, bad_request, error, fcm_error, invalid_argument
from local.fcm.errors import ErrorName, named_error, not_found_page

quick = settings(max_examples=60, deadline=None, database=None)


class Expected(NamedTuple):
    """What the table of errors says of one answer, in plain words, and which code is stored."""

    code: str
    message: str
    target: str = "leave"
    project: str = "none"
    retry: str = "never"
    alert: bool = False
    dead_letter: bool = False


PARK = {"message": "park", "alert": True}
PARK_UNTIL_RENEWED = {"message": "park", "project": "renew_token", "alert": True}
RETRY_LATER = {"message": "retry", "project": "slow_down", "retry": "backoff"}

ACTIONS: dict[ErrorName, Expected] = {
    ErrorName.UNREGISTERED: Expected("UNREGISTERED", "fail", target="retire"),
    ErrorName.NOT_FOUND_NO_FCM_ERROR: Expected("NOT_FOUND", **PARK),
    ErrorName.INVALID_ARGUMENT_PAYLOAD: Expected("INVALID_ARGUMENT", "fail_rendering"),
    ErrorName.UNKNOWN_FIELD: Expected("INVALID_ARGUMENT", "fail_rendering"),
    ErrorName.MESSAGE_TOO_BIG: Expected("INVALID_ARGUMENT", "fail_rendering"),
    ErrorName.INVALID_ARGUMENT_TOKEN: Expected("INVALID_ARGUMENT", "fail", target="retire_if_payload_good"),
    ErrorName.SENDER_ID_MISMATCH: Expected("SENDER_ID_MISMATCH", "fail", target="retire"),
    ErrorName.PERMISSION_DENIED: Expected("PERMISSION_DENIED", **PARK),
    ErrorName.THIRD_PARTY_AUTH_ERROR: Expected("THIRD_PARTY_AUTH_ERROR", "fail", project="open_platform_breaker", alert=True, dead_letter=True),
    ErrorName.UNAUTHENTICATED: Expected("UNAUTHENTICATED", **PARK_UNTIL_RENEWED),
    ErrorName.CREDENTIALS_MISSING: Expected("UNAUTHENTICATED", **PARK_UNTIL_RENEWED),
    ErrorName.QUOTA_EXCEEDED_MESSAGE_RATE: Expected("QUOTA_EXCEEDED", "retry", project="slow_down", retry="quota"),
    ErrorName.RATE_LIMIT_EXCEEDED: Expected("RESOURCE_EXHAUSTED", "retry", project="slow_down", retry="quota"),
    ErrorName.QUOTA_EXCEEDED_DEVICE_RATE: Expected("QUOTA_EXCEEDED", "retry", retry="quota"),
    ErrorName.QUOTA_EXCEEDED_TOPIC_RATE: Expected("QUOTA_EXCEEDED", "retry", retry="quota"),
    ErrorName.INTERNAL: Expected("INTERNAL", **RETRY_LATER),
    ErrorName.UNAVAILABLE: Expected("UNAVAILABLE", **RETRY_LATER),
    ErrorName.BAD_GATEWAY: Expected("HTTP_502", **RETRY_LATER),
    ErrorName.GATEWAY_TIMEOUT: Expected("DEADLINE_EXCEEDED", **RETRY_LATER),
}


def wire(answer: FcmAnswer, retry_after_seconds: int = 0) -> Answer:
    """The answer as it comes off the wire."""
    body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, indent=2)
    return Answer(answer.status, body.encode(), retry_after_seconds)


def action(verdict: Verdict) -> Expected:
    rule = verdict.rule
    return Expected(verdict.detail, rule.message, rule.target, rule.project, rule.retry, rule.alert, rule.dead_letter)


@pytest.mark.parametrize("name", ErrorName)
def test_every_error_of_fcm_gets_the_action_of_the_table(name: ErrorName) -> None:
    assert action(classify(wire(named_error(name)))) == ACTIONS[name]


def test_silence_is_an_unknown_outcome_that_is_retried_and_blames_nobody() -> None:
    assert action(classify(Answer(0))) == Expected("NO_ANSWER", "retry", retry="backoff")


def test_acceptance_carries_the_message_id() -> None:
    name = "projects/demo-project/messages/0:1700000000000000%31bd1c9631bd1c96"
    verdict = classify(Answer(200, f'{{\n  "name": "{name}"\n}}\n'.encode()))
    assert (verdict, verdict.rule.message) == (Verdict(Kind.ACCEPTED, name, 200), MessageAction.DONE)


@pytest.mark.parametrize("project", ["smart-device-hub", "topic-of-the-day", "device-topic"])
def test_name_of_the_project_does_not_decide_whose_rate_was_exceeded(project: str) -> None:
    assert classify(wire(named_error(ErrorName.QUOTA_EXCEEDED_MESSAGE_RATE, project))).kind is Kind.MESSAGE_RATE


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (ErrorName.QUOTA_EXCEEDED_MESSAGE_RATE, Kind.MESSAGE_RATE),
        (ErrorName.RATE_LIMIT_EXCEEDED, Kind.MESSAGE_RATE),
        (ErrorName.QUOTA_EXCEEDED_DEVICE_RATE, Kind.DEVICE_RATE),
        (ErrorName.QUOTA_EXCEEDED_TOPIC_RATE, Kind.TOPIC_RATE),
    ],
)
def test_three_rates_are_told_apart(name: ErrorName, kind: Kind) -> None:
    assert classify(wire(named_error(name))).kind is kind


@pytest.mark.parametrize(
    ("violations", "kind"),
    [
        ([("message.token", "Invalid registration token")], Kind.BAD_TARGET),
        ([("message.fid", "Invalid installation id")], Kind.BAD_TARGET),
        ([("message.token", "Invalid"), ("message.android.ttl", "Invalid")], Kind.BAD_PAYLOAD),
        ([("message.topic", "Invalid topic")], Kind.BAD_PAYLOAD),
        ([("", "Invalid")], Kind.BAD_PAYLOAD),
    ],
)
def test_bad_request_about_the_target_alone_does_not_condemn_the_payload(violations: list[tuple[str, str]], kind: Kind) -> None:
    assert classify(wire(invalid_argument(violations))).kind is kind


def test_front_end_that_names_only_the_target_means_the_target() -> None:
    body = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [bad_request([("message.token", "Invalid value")])]}}
    assert classify(Answer(400, json.dumps(body).encode())).kind is Kind.BAD_TARGET


HTML = b"<!DOCTYPE html>\n<html lang=en>\n<title>Error</title>\n"
DEEP = b"[" * 100_000
UNKNOWN_ANSWERS: dict[str, tuple[Answer, Kind, str]] = {
    "teapot": (Answer(418), Kind.REFUSED, "HTTP_418"),
    "page of a method not allowed": (Answer(405, HTML), Kind.REFUSED, "HTTP_405"),
    "too large for the front end": (Answer(413, HTML), Kind.REFUSED, "HTTP_413"),
    "front end waited too long for the request": (Answer(408, HTML), Kind.SERVER_ERROR, "HTTP_408"),
    "redirect": (Answer(302, HTML), Kind.UNREADABLE, "HTTP_302"),
    "early hints": (Answer(103), Kind.UNREADABLE, "HTTP_103"),
    "no content": (Answer(204), Kind.UNREADABLE, "HTTP_204"),
    "created with a name": (Answer(201, b'{"name": "projects/p/messages/1"}'), Kind.UNREADABLE, "HTTP_201"),
    "page with 200": (Answer(200, HTML), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "empty 200": (Answer(200), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 without a name": (Answer(200, b"{}"), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 with an empty name": (Answer(200, b'{\n  "name": ""\n}\n'), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 with a cut name": (Answer(200, b'{\n  "name": "\n}\n'), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 with a number for a name": (Answer(200, b'{"name": 5}'), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 with a list": (Answer(200, b'[{"name": "projects/p/messages/1"}]'), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 with null": (Answer(200, b"null"), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 nested too deep": (Answer(200, DEEP), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 that is no UTF-8": (Answer(200, b'{"name": "\xff\xfe"}'), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 with a number too long to read": (Answer(200, b'{"name": ' + b"9" * 5_000 + b"}"), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "200 with an error": (Answer(200, wire(named_error(ErrorName.UNREGISTERED)).body), Kind.UNREADABLE, "UNREADABLE_ANSWER"),
    "page of a bad request": (Answer(400, HTML), Kind.REFUSED, "HTTP_400"),
    "empty bad request": (Answer(400), Kind.REFUSED, "HTTP_400"),
    "precondition failed": (wire(error(400, "FAILED_PRECONDITION", "No.")), Kind.REFUSED, "FAILED_PRECONDITION"),
    "argument refused without a word of whom": (wire(error(400, "INVALID_ARGUMENT", "No.")), Kind.REFUSED, "INVALID_ARGUMENT"),
    "page of a wrong path": (wire(not_found_page("/v1/nonsense")), Kind.WRONG_PROJECT, "HTTP_404"),
    "page of a refused login": (Answer(401, HTML), Kind.UNAUTHENTICATED, "HTTP_401"),
    "page of a firewall": (Answer(403, HTML), Kind.PERMISSION_DENIED, "HTTP_403"),
    "empty 404": (Answer(404), Kind.WRONG_PROJECT, "HTTP_404"),
    "404 of an unspecified error": (
        wire(error(404, "NOT_FOUND", "No.", [fcm_error("UNSPECIFIED_ERROR")])),
        Kind.WRONG_PROJECT,
        "UNSPECIFIED_ERROR",
    ),
    "403 of an unspecified error": (
        wire(error(403, "PERMISSION_DENIED", "No.", [fcm_error("UNSPECIFIED_ERROR")])),
        Kind.PERMISSION_DENIED,
        "UNSPECIFIED_ERROR",
    ),
    "401 of a code that nobody expects there": (
        wire(error(401, "UNAUTHENTICATED", "No.", [fcm_error("INTERNAL")])),
        Kind.UNAUTHENTICATED,
        "INTERNAL",
    ),
    "401 of a dead target": (wire(error(401, "UNAUTHENTICATED", "No.", [fcm_error("UNREGISTERED")])), Kind.UNAUTHENTICATED, "UNREGISTERED"),
    "404 of a code that is not unregistered": (wire(error(404, "NOT_FOUND", "No.", [fcm_error("INTERNAL")])), Kind.REFUSED, "INTERNAL"),
    "unregistered with the wrong status": (wire(error(403, "NOT_FOUND", "No.", [fcm_error("UNREGISTERED")])), Kind.REFUSED, "UNREGISTERED"),
    "unregistered while broken": (wire(error(503, "UNAVAILABLE", "No.", [fcm_error("UNREGISTERED")])), Kind.SERVER_ERROR, "UNREGISTERED"),
    "empty 429": (Answer(429), Kind.MESSAGE_RATE, "HTTP_429"),
    "page of a 429": (Answer(429, HTML), Kind.MESSAGE_RATE, "HTTP_429"),
    "list with 500": (Answer(500, b"[]"), Kind.SERVER_ERROR, "HTTP_500"),
    "empty 503": (Answer(503), Kind.SERVER_ERROR, "HTTP_503"),
    "status nobody knows": (Answer(599, b'"?"'), Kind.SERVER_ERROR, "HTTP_599"),
    "500 nested too deep": (Answer(500, DEEP), Kind.SERVER_ERROR, "HTTP_500"),
    "500 that is no UTF-8": (Answer(500, b"\xff\xfe\xff"), Kind.SERVER_ERROR, "HTTP_500"),
    "error that is a text": (Answer(400, b'{"error": "invalid_grant"}'), Kind.REFUSED, "HTTP_400"),
}


@pytest.mark.parametrize(("answer", "kind", "code"), UNKNOWN_ANSWERS.values(), ids=UNKNOWN_ANSWERS)
def test_answer_that_fcm_does_not_document_has_a_row_too(answer: Answer, kind: Kind, code: str) -> None:
    assert classify(answer) == Verdict(kind, code, answer.status)


@pytest.mark.parametrize("name", [ErrorName.UNAVAILABLE, ErrorName.QUOTA_EXCEEDED_MESSAGE_RATE, ErrorName.QUOTA_EXCEEDED_DEVICE_RATE])
@pytest.mark.parametrize(("asked", "kept"), [(0, 0), (7, 7), (86_400, 86_400), (-3, 0)])
def test_wait_that_fcm_asks_for_is_kept(name: ErrorName, asked: int, kept: int) -> None:
    assert classify(wire(named_error(name), asked)).retry_after_seconds == kept


def test_every_kind_has_a_row() -> None:
    assert set(RULES) == set(Kind)


@pytest.mark.parametrize(("kind", "rule"), RULES.items())
def test_row_is_consistent(kind: Kind, rule: Rule) -> None:
    assert (rule.message is MessageAction.RETRY) == (rule.retry is not RetryRule.NEVER), "whoever is retried has a wait, and nobody else"
    assert (rule.target is not TargetAction.LEAVE) == (kind in REASONS), "a retired device says why"
    assert rule.target is TargetAction.LEAVE or rule.message is MessageAction.FAIL, "a target is condemned by a failure only"
    if rule.message is MessageAction.PARK or rule.project is ProjectAction.OPEN_PLATFORM_BREAKER:
        assert rule.alert, "a breaker is somebody's business"


@pytest.mark.parametrize("answer", [Answer(418), Answer(400, HTML)])
def test_refusal_that_nobody_documents_wakes_somebody_and_can_be_replayed(answer: Answer) -> None:
    assert action(classify(answer)) == Expected(f"HTTP_{answer.status}", "fail", alert=True, dead_letter=True)


def test_reasons_say_which_answer_retired_the_device() -> None:
    assert REASONS == {
        Kind.UNREGISTERED: InactiveReason.UNREGISTERED,
        Kind.SENDER_ID_MISMATCH: InactiveReason.SENDER_ID_MISMATCH,
        Kind.BAD_TARGET: InactiveReason.INVALID_TARGET,
    }


# Whatever comes: the classifier is total, and what it says can be stored.

_texts = st.text(max_size=6) | st.sampled_from(["UNREGISTERED", "INVALID_ARGUMENT", "message.token", "device", "__x__", "\ud800", "A" * 2_000])
_types = st.sampled_from([fcm_error("")["@type"], bad_request([])["@type"], "type.googleapis.com/google.rpc.QuotaFailure", 5])
_values: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | _texts
_items = st.dictionaries(st.sampled_from(["field", "subject", "description"]), _values, max_size=3) | _values
_details = st.fixed_dictionaries(
    {"@type": _types}, optional={"errorCode": _values, "fieldViolations": st.lists(_items) | _values, "violations": st.lists(_items)}
)
_errors = st.fixed_dictionaries({}, optional={"status": _values, "details": st.lists(_details | _values, max_size=3) | _values})
_contents = st.fixed_dictionaries({}, optional={"error": _errors | _values, "name": _values}) | st.lists(_values, max_size=2) | _values
_bodies = st.binary(max_size=40) | _contents.map(lambda content: json.dumps(content).encode())
_answers = st.builds(
    Answer, st.sampled_from([0, 200, 204, 302, 400, 401, 403, 404, 408, 429, 500, 503]) | st.integers(0, 999), _bodies, st.integers(-5, 10**9)
)


@quick
@given(_answers)
@example(Answer(200, b'{"name": "\\ud800"}'))
@example(Answer(500, b'{"error": {"status": "\\udfff"}}'))
def test_any_answer_has_a_row_whose_detail_can_be_stored(answer: Answer) -> None:
    verdict = classify(answer)
    assert verdict.kind in RULES
    assert verdict.detail
    assert verdict.http_status == answer.status
    assert verdict.retry_after_seconds >= 0
    results = {"d": Result(Outcome.FAILED, verdict.detail, verdict.http_status, 1)}
    assert unpack_results(pack_results(results)) == results
    if verdict.kind is not Kind.ACCEPTED:
        assert len(verdict.detail) <= 64
        assert verdict.detail.replace("_", "").isalnum()
        assert not verdict.detail.startswith("_"), "the store refuses names of fields like __this__"


@quick
@given(_answers)
def test_only_the_statuses_of_the_table_condemn_and_only_200_accepts(answer: Answer) -> None:
    rule = classify(answer).rule
    assert (rule.message is not MessageAction.DONE) or answer.status == 200
    assert (rule.target is TargetAction.LEAVE) or answer.status in {400, 403, 404}
    assert (rule.message is MessageAction.RETRY) == (answer.status < 200 or answer.status in {408, 429} or answer.status >= 500 or (
        answer.status < 400 and rule.message is not MessageAction.DONE
    ))  # fmt: skip


LAYOUTS = [b'{\n  "name": "%s"\n}\n', b'{"name":"%s"}', b' {\t"name" :\r\n"%s" } \n', b'{"name": "%s"', b'{"name": "%s"} {}']
_fragments = st.sampled_from([
    b"projects/p/messages/1", b"a", b"%", b'"', b"\\", b'\\"', b"\\n", b"\\u0041", b"\\u00e9", b"\xc3\xa9", b"\xe2\x80\xa8", b"\n", b"\t", b"\x00",
    b"\x7f", b"\xff", b'",\n  "name": "x', b'", "more": "x', b"}", b"\n}\n",
])  # fmt: skip


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(_fragments, max_size=4), st.sampled_from(LAYOUTS))
def test_shortcut_reads_a_name_as_the_parser_would(fragments: list[bytes], layout: bytes) -> None:
    body = layout % b"".join(fragments)
    try:
        name = json.loads(body)["name"]
    except ValueError:
        name = ""
    assert classify(Answer(200, body)) == (Verdict(Kind.ACCEPTED, name, 200) if name else Verdict(Kind.UNREADABLE, "UNREADABLE_ANSWER", 200))


@quick
@given(st.text(min_size=1, max_size=20), st.booleans(), st.sampled_from([None, 2, 4]))
def test_name_is_read_in_whatever_way_the_json_is_written(name: str, ascii_only: bool, indent: int | None) -> None:  # noqa: FBT001 - drawn
    body = json.dumps({"name": name}, ensure_ascii=ascii_only, indent=indent).encode()
    assert classify(Answer(200, body)) == Verdict(Kind.ACCEPTED, name, 200)


@pytest.mark.parametrize("layout", ['{{\n  "name": "{}"\n}}\n', '{{"name": "{}"}}'])
def test_name_of_any_length_takes_a_bounded_place(layout: str) -> None:
    verdict = classify(Answer(200, layout.format("n" * 100_000).encode()))
    assert (verdict.kind, verdict.detail) == (Kind.ACCEPTED, "n" * 512)
