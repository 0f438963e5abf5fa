from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from local.fcm.errors import ErrorName
from local.fcm.fault_rules import FaultRule
from local.fcm.faults import FaultBook
from local.fcm.send_request import Target

TOKEN = Target("token", "device-1")


def rule(**fields: Any) -> FaultRule:
    return FaultRule.model_validate_json(json.dumps({"answer": {"error": "UNAVAILABLE"}, **fields}))


def is_hit(match: dict[str, Any], target: Target = TOKEN, project: str = "demo") -> bool:
    book = FaultBook()
    book.add(rule(match=match))
    return book.take(project, target, 1) is not None


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"targets": ["device-0", "device-1"]}, True),
        ({"targets": ["device-0"]}, False),
        ({"target_prefix": "dev"}, True),
        ({"target_prefix": "x"}, False),
        ({"kind": "token"}, True),
        ({"kind": "topic"}, False),
        ({"project": "demo"}, True),
        ({"project": "other"}, False),
        ({"share": 1.0}, True),
        ({"share": 0.0}, False),
        ({"target_prefix": "dev", "kind": "fid"}, False),
    ],
)
def test_rule_matches_only_when_all_its_conditions_hold(match: dict[str, Any], *, expected: bool) -> None:
    assert is_hit(match) is expected


def test_share_hits_about_that_share_and_the_same_requests_every_time() -> None:
    def hits(seed: int) -> set[int]:
        book = FaultBook()
        book.add(rule(match={"share": 0.1, "seed": seed}))
        return {n for n in range(2000) if book.take("p", Target("token", f"t{n}"), 1)}

    assert 140 <= len(hits(1)) <= 260
    assert hits(1) == hits(1)
    assert hits(1) != hits(2)


def test_share_gives_a_retry_a_new_chance() -> None:
    book = FaultBook()
    book.add(rule(match={"share": 0.5}))
    outcomes = {book.take("p", TOKEN, attempt) is None for attempt in range(1, 30)}
    assert outcomes == {True, False}


def test_rule_is_used_up_and_the_next_one_takes_over() -> None:
    book = FaultBook()
    book.add(rule(times=2))
    book.add(rule(id="last", answer={"error": "INTERNAL"}))
    errors = [answer.error for answer in (book.take("p", TOKEN, n) for n in range(1, 5)) if answer]
    assert errors == [ErrorName.UNAVAILABLE] * 2 + [ErrorName.INTERNAL] * 2
    assert [fault.hits for fault in book.all()] == [2, 2]


def test_rule_of_a_known_id_replaces_it_and_can_be_removed() -> None:
    book = FaultBook()
    book.add(rule(id="a"))
    book.add(rule(id="a", times=3))
    assert [fault.document()["times"] for fault in book.all()] == [3]
    assert book.remove("a")
    assert not book.remove("a")
    assert book.take("p", TOKEN, 1) is None


@pytest.mark.parametrize(
    ("answer", "accepts"),
    [
        ({}, True),
        ({"delay_seconds": 1}, True),
        ({"error": "UNAVAILABLE"}, False),
        ({"error": "UNAVAILABLE", "accept_first": True}, True),
        ({"status": 418, "body": {"a": 1}}, False),
        ({"drop": "before"}, False),
        ({"drop": "after"}, True),
        ({"goaway": True}, True),
    ],
)
def test_answer_says_whether_the_message_is_accepted(answer: dict[str, Any], *, accepts: bool) -> None:
    assert rule(answer=answer).answer.accepts is accepts


@pytest.mark.parametrize(
    "fields",
    [
        {"answer": {"error": "NO_SUCH_ERROR"}},
        {"answer": {"error": "INTERNAL", "status": 500}},
        {"answer": {"accept_first": True}},
        {"answer": {"retry_after": "a\r\nb", "status": 503}},
        {"answer": {"drop": "later"}},
        {"answer": {"delay_seconds": -1}},
        {"answer": {"unknown": 1}},
        {"match": {"share": 1.5}},
        {"match": {"kind": "phone"}},
        {"times": 0},
        {"times": "3"},
        {"id": "a/b"},
    ],
)
def test_wrong_rule_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**fields)
