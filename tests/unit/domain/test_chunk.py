"""The claim of a chunk: one call at a time, and no chunk that a crash leaves to nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.chunk import (
    CLOCK_SKEW,
    LEASE,
    Busy,
    Chunk,
    ChunkKey,
    ChunkState,
    Claimed,
    Finished,
    Stop,
    decide_claim,
    give_back,
    is_claim_of,
    is_leased,
    new_claim,
    renew_lease,
)
from fanfare.domain.outcome import Outcome, Result
from tests.factories import NOW, TENANT_ID

KEY = ChunkKey(TENANT_ID, "notification-1", 0)
RESULTS = {"device-1": Result(Outcome.SENT, "projects/p/messages/1", 200, 1)}


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def stored(state: ChunkState, **fields: Any) -> Chunk:
    """A chunk that "first" claimed just now, in another state."""
    return replace(new_claim(KEY, "first", NOW), state=state, **fields)


def test_first_claim_holds_the_chunk_and_is_looked_after_once_its_lease_is_over() -> None:
    chunk = new_claim(KEY, "first", NOW)
    assert (chunk.state, chunk.owner, chunk.attempt, chunk.started_at) == (ChunkState.CLAIMED, "first", 1, NOW)
    assert chunk.lease_until == NOW + seconds(45)
    assert chunk.next_check_at == NOW + seconds(50)


@pytest.mark.parametrize(
    ("chunk", "after", "taken"),
    [
        (stored(ChunkState.CLAIMED), 0, Busy),
        (stored(ChunkState.CLAIMED), 45, Busy),
        (stored(ChunkState.CLAIMED), 49.999, Busy),
        (stored(ChunkState.CLAIMED), 50, Claimed),
        (stored(ChunkState.CLAIMED), 86_400, Claimed),
        (stored(ChunkState.RETRYING, due_at=NOW + seconds(20)), 0, Finished),
        (stored(ChunkState.RETRYING, due_at=NOW + seconds(20)), 14.999, Finished),
        (stored(ChunkState.RETRYING, due_at=NOW + seconds(20)), 15, Busy),
        (stored(ChunkState.RETRYING, due_at=NOW + seconds(20)), 19.999, Busy),
        (stored(ChunkState.RETRYING, due_at=NOW + seconds(20)), 20, Claimed),
        (stored(ChunkState.RETRYING), 0, Claimed),
        (stored(ChunkState.PARKED, reason="quarantined"), 0, Claimed),
        (stored(ChunkState.HELD), 0, Finished),
        (stored(ChunkState.HELD, next_check_at=None), 86_400, Finished),
        (stored(ChunkState.HELD, next_check_at=NOW + seconds(60)), 59.999, Finished),
        (stored(ChunkState.HELD, next_check_at=NOW + seconds(60)), 60, Claimed),
        (stored(ChunkState.DONE), 0, Finished),
        (stored(ChunkState.DONE), 86_400, Finished),
        (stored(ChunkState.CANCELLED), 86_400, Finished),
    ],
)
def test_call_gets_what_the_table_says(chunk: Chunk, after: float, taken: type) -> None:
    assert type(decide_claim(chunk, "second", NOW + seconds(after))) is taken


@pytest.mark.parametrize(
    "chunk",
    [stored(ChunkState.CLAIMED), stored(ChunkState.RETRYING, due_at=NOW + seconds(20)), stored(ChunkState.PARKED, reason="breaker_open:X")],
    ids=lambda chunk: chunk.state,
)
def test_takeover_keeps_what_is_known_and_begins_a_lease_of_its_own(chunk: Chunk) -> None:
    now = NOW + seconds(60)
    decision = decide_claim(replace(chunk, results=RESULTS, planned_at=NOW), "second", now)
    assert isinstance(decision, Claimed)
    taken = decision.chunk
    assert (taken.state, taken.owner, taken.attempt, taken.due_at, taken.reason) == (ChunkState.CLAIMED, "second", 2, None, None)
    assert (taken.lease_until, taken.next_check_at) == (now + LEASE, now + LEASE + CLOCK_SKEW)
    assert (taken.results, taken.planned_at, taken.started_at) == (RESULTS, NOW, NOW)


def test_takeover_is_guarded_by_the_state_that_was_read() -> None:
    decision = decide_claim(stored(ChunkState.PARKED, revision="read-at-7"), "second", NOW)
    assert isinstance(decision, Claimed)
    assert decision.chunk.revision == "read-at-7"


@pytest.mark.parametrize(("after", "wait"), [(0, 51), (5, 46), (49, 2), (49.5, 1), (49.999, 1)])
def test_busy_chunk_says_when_its_lease_is_over(after: float, wait: int) -> None:
    assert decide_claim(stored(ChunkState.CLAIMED), "second", NOW + seconds(after)) == Busy(wait)


@settings(max_examples=60, deadline=None, database=None)
@given(st.floats(0, 49.999))
def test_whoever_waits_as_told_finds_the_lease_over(after: float) -> None:
    chunk = stored(ChunkState.CLAIMED)
    now = NOW + seconds(after)
    told = decide_claim(chunk, "second", now)
    assert isinstance(told, Busy)
    assert 1 <= told.retry_after_seconds <= 51
    assert isinstance(decide_claim(chunk, "second", now + seconds(told.retry_after_seconds)), Claimed)


@pytest.mark.parametrize(("early", "wait"), [(5, 5), (4.2, 5), (4, 4), (1, 1), (0.001, 1)])
def test_nudge_that_is_early_by_no_more_than_clocks_differ_is_told_when_to_come_again(early: float, wait: int) -> None:
    chunk = stored(ChunkState.RETRYING, due_at=NOW + seconds(20))
    now = NOW + seconds(20 - early)
    assert decide_claim(chunk, "second", now) == Busy(wait)
    assert isinstance(decide_claim(chunk, "second", now + seconds(wait)), Claimed)


@pytest.mark.parametrize(
    ("chunk", "is_ours"),
    [
        (stored(ChunkState.CLAIMED), True),
        (stored(ChunkState.CLAIMED, owner="second"), False),
        (stored(ChunkState.RETRYING), False),
        (stored(ChunkState.DONE), False),
        (stored(ChunkState.CANCELLED, owner="second"), False),
    ],
)
def test_claim_lives_while_its_owner_stands_there_and_the_chunk_is_claimed(chunk: Chunk, is_ours: bool) -> None:  # noqa: FBT001
    assert is_claim_of(chunk, "first") is is_ours


def test_renewed_lease_runs_from_now() -> None:
    renewed = renew_lease(replace(stored(ChunkState.CLAIMED), results=RESULTS), NOW + seconds(30))
    assert (renewed.lease_until, renewed.next_check_at) == (NOW + seconds(75), NOW + seconds(80))
    assert (renewed.owner, renewed.state, renewed.attempt, renewed.results) == ("first", ChunkState.CLAIMED, 1, RESULTS)
    assert isinstance(decide_claim(renewed, "second", NOW + seconds(79)), Busy)


def test_chunk_given_back_can_be_taken_at_once_and_is_swept_if_nobody_does() -> None:
    given_back = give_back(stored(ChunkState.CLAIMED, results=RESULTS), NOW + seconds(1))
    assert given_back.next_check_at == NOW + seconds(1)
    decision = decide_claim(given_back, "second", NOW + seconds(1))
    assert isinstance(decision, Claimed)
    assert decision.chunk.results == RESULTS


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(st.tuples(st.floats(0, 40), st.floats(-2.5, 2.5), st.sampled_from(["claim", "claim", "claim", "renew"])), max_size=25))
def test_two_claims_never_both_hold_the_chunk(calls: list[tuple[float, float, str]]) -> None:
    """Calls on instances whose clocks differ by up to five seconds: a claim succeeds only when the holder's own clock says that its lease is over."""
    true, held_by_skew, chunk = NOW, 0.0, new_claim(KEY, "0", NOW)
    for number, (pause, skew, what) in enumerate(calls, start=1):
        true += seconds(pause)
        if what == "renew":
            if true + seconds(held_by_skew) < chunk.lease_until:
                chunk = renew_lease(chunk, true + seconds(held_by_skew))
            continue
        decision = decide_claim(chunk, str(number), true + seconds(skew))
        if isinstance(decision, Claimed):
            assert true + seconds(held_by_skew) >= chunk.lease_until - seconds(0.001)
            assert decision.chunk.attempt == chunk.attempt + 1
            chunk, held_by_skew = decision.chunk, skew
        else:
            assert isinstance(decision, Busy)


def test_chunk_that_was_paused_before_anybody_claimed_it_begins_with_its_first_claim() -> None:
    taken = decide_claim(stored(ChunkState.RETRYING, attempt=0), "second", NOW + seconds(90))
    assert isinstance(taken, Claimed)
    assert (taken.chunk.started_at, taken.chunk.attempt) == (NOW + seconds(90), 1)
    again = decide_claim(stored(ChunkState.RETRYING), "second", NOW + seconds(90))
    assert isinstance(again, Claimed)
    assert (again.chunk.started_at, again.chunk.attempt) == (NOW, 2)


@pytest.mark.parametrize(
    ("chunk", "after", "leased"),
    [(stored(ChunkState.CLAIMED), 49.999, True), (stored(ChunkState.CLAIMED), 50, False), (stored(ChunkState.RETRYING), 0, False)],
)
def test_call_may_be_at_work_only_while_its_lease_runs(chunk: Chunk, after: float, leased: bool) -> None:  # noqa: FBT001 - the expected answer
    assert is_leased(chunk, NOW + seconds(after)) is leased


def test_claim_keeps_what_the_chunk_was_told() -> None:
    taken = decide_claim(stored(ChunkState.CLAIMED, stop=Stop.CANCEL), "second", NOW + seconds(50))
    assert isinstance(taken, Claimed)
    assert taken.chunk.stop is Stop.CANCEL
