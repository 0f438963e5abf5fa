"""Idempotency-Key, row by row of the module's table."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.errors import IdempotencyInProgress, IdempotencyMismatch
from fanfare.domain.idempotency import Attempt, StoredAnswer, decide_replay
from tests.factories import NOW

DAY, MINUTE, INSTANT = timedelta(hours=24), timedelta(seconds=60), timedelta(microseconds=1)
_ages = st.integers(-3_600, 200_000).map(lambda seconds: timedelta(seconds=seconds))


def stored(age: timedelta, *, request_hash: str = "mine", status: int = 0) -> StoredAnswer:
    return StoredAnswer(request_hash, status, {"id": "n1"} if status else None, NOW - age)


def decide(answer: StoredAnswer | None) -> StoredAnswer | None:
    return decide_replay(answer, Attempt("key-hash", "mine", NOW))


def test_unused_key_performs_the_request() -> None:
    assert decide(None) is None


@pytest.mark.parametrize("status", [0, 202])
@pytest.mark.parametrize("age", [timedelta(0), MINUTE, DAY])
def test_key_of_another_body_is_refused(age: timedelta, status: int) -> None:
    with pytest.raises(IdempotencyMismatch):
        decide(stored(age, request_hash="another", status=status))


@pytest.mark.parametrize("age", [timedelta(0), MINUTE, DAY])
def test_answered_request_is_replayed_for_a_day(age: timedelta) -> None:
    answer = stored(age, status=202)
    assert decide(answer) is answer


@pytest.mark.parametrize("age", [-timedelta(seconds=5), timedelta(0), MINUTE - INSTANT])
def test_repeat_waits_while_the_first_request_runs(age: timedelta) -> None:
    with pytest.raises(IdempotencyInProgress) as refused:
        decide(stored(age))
    assert refused.value.retry_after_seconds >= 1


@pytest.mark.parametrize("age", [MINUTE, DAY])
def test_request_whose_first_performer_died_is_performed_again(age: timedelta) -> None:
    assert decide(stored(age)) is None


@pytest.mark.parametrize(("request_hash", "status"), [("mine", 202), ("mine", 0), ("another", 202), ("another", 0)])
def test_key_is_free_again_after_a_day(request_hash: str, status: int) -> None:
    assert decide(stored(DAY + INSTANT, request_hash=request_hash, status=status)) is None


@given(_ages, st.sampled_from(["mine", "another"]), st.sampled_from([0, 200, 202]))
def test_only_an_answer_to_the_same_body_is_ever_replayed(age: timedelta, request_hash: str, status: int) -> None:
    answer = stored(age, request_hash=request_hash, status=status)
    try:
        replayed = decide(answer)
    except (IdempotencyMismatch, IdempotencyInProgress):
        replayed = None
    assert (replayed is answer) == (request_hash == "mine" and status != 0 and age <= DAY)
    assert replayed in (None, answer)
