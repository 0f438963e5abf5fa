"""One pass over a chunk: checkpoints, a lost claim, payloads that FCM refuses, and when going on would do harm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from fanfare.domain.chunk import LEASE, ChunkState, Finished
from fanfare.domain.classification import Answer
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.outcome import Outcome
from tests.unit.services.delivering import (
    ANDROID,
    BAD_PAYLOAD,
    BAD_TARGET,
    BUSY,
    GONE,
    IOS,
    KEY,
    RATE,
    SECOND,
    SILENCE,
    World,
    a_chunk_of,
    every,
)

SENT, FAILED, RETRYING, UNSENT = Outcome.SENT, Outcome.FAILED, Outcome.RETRYING, Outcome.UNSENT


def test_pass_within_a_second_pays_no_checkpoint() -> None:
    world = a_chunk_of(*[ANDROID] * 10, batch_size=2)
    world.sender.on_batch = every(SECOND / 10, world)
    seen = _states_at_batches(world)
    world.deliver()
    assert {len(results) for results, _ in seen} == {0}


def test_slow_pass_keeps_its_results_and_its_lease_every_second() -> None:
    world = a_chunk_of(*[ANDROID] * 10, batch_size=2)
    started = world.clock.now()
    world.sender.on_batch = every(2 * SECOND, world)
    seen = _states_at_batches(world)
    world.deliver()
    assert [len(results) for results, _ in seen] == [0, 2, 4, 6, 8]
    assert seen[-1][1] >= started + 8 * SECOND + LEASE


def test_answer_that_condemns_a_target_is_kept_for_the_end() -> None:
    world = a_chunk_of(*[ANDROID] * 4, batch_size=2)
    world.answer({1: GONE})
    world.sender.on_batch = every(2 * SECOND, world)
    seen = _states_at_batches(world)
    world.deliver()
    assert sorted(seen[-1][0]) == ["device-2"]
    assert world.retired() == [1]
    assert world.outcomes() == {1: FAILED, 2: SENT, 3: SENT, 4: SENT}


def test_crash_after_a_checkpoint_still_retires_the_dead() -> None:
    world = a_chunk_of(*[ANDROID] * 4, batch_size=2)
    world.answer({1: GONE})
    world.sender.on_batch = _crash_at_batch(2, world)
    try:
        world.deliver()
    except ConnectionAbortedError:
        world.sender.on_batch = lambda: None
    assert world.chunk().state is ChunkState.CLAIMED
    world.pass_later(LEASE + 10 * SECOND)
    assert world.retired() == [1]
    assert world.outcomes() == {1: FAILED, 2: SENT, 3: SENT, 4: SENT}


def test_call_that_lost_its_claim_stops_and_stores_nothing() -> None:
    world = a_chunk_of(*[ANDROID] * 6, batch_size=2)

    def taken_over() -> None:
        world.clock.advance(LEASE + 10 * SECOND)
        if len(world.sender.sent) == 2:
            world.deps.chunks.claim(KEY, "another-call", world.clock.now())

    world.sender.on_batch = taken_over
    assert world.deliver() == Finished()
    assert world.sent_to() == [1, 2]
    assert (world.chunk().owner, world.chunk().state) == ("another-call", ChunkState.CLAIMED)
    assert world.notification().status is NotificationStatus.QUEUED


def test_payload_that_is_refused_fails_everybody_who_would_get_it_and_nobody_else() -> None:
    world = a_chunk_of(ANDROID, ANDROID, ANDROID, IOS, batch_size=1)
    world.answer({1: BAD_PAYLOAD})
    world.deliver()
    assert world.sent_to() == [1, 4]
    assert world.outcomes() == {1: FAILED, 2: FAILED, 3: FAILED, 4: SENT}
    assert world.retired() == []


def test_answer_that_came_stands_although_the_payload_is_refused_to_another() -> None:
    world = a_chunk_of(ANDROID, ANDROID, ANDROID, batch_size=2)
    world.answer({2: BAD_PAYLOAD})
    world.deliver()
    assert world.outcomes() == {1: SENT, 2: FAILED, 3: FAILED}
    assert [world.chunk().results[f"device-{number}"].attempts for number in (1, 2, 3)] == [1, 1, 1]


def test_bad_target_is_retired_where_others_took_the_same_payload() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    world.answer({1: BAD_TARGET})
    world.deliver()
    assert world.retired() == [1]


def test_bad_target_alone_is_retired_if_fcm_finds_the_payload_good() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: BAD_TARGET})
    world.deliver()
    checked = world.sender.sent[-1][1]
    assert (checked["validate_only"], checked["message"]["topic"]) == (True, "fanfare-validation")
    assert world.retired() == [1]


def test_bad_target_alone_is_left_if_the_payload_can_not_be_judged() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: BAD_TARGET})
    world.sender.answers["fanfare-validation"] = BUSY
    world.deliver()
    assert world.outcomes() == {1: FAILED}
    assert world.retired() == []


@pytest.mark.parametrize("failure", [Unavailable("No token."), CredentialRefused("invalid_grant")], ids=["no token", "refused"])
def test_bad_target_alone_is_left_if_fcm_can_not_be_asked_about_the_payload(failure: Exception) -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: BAD_TARGET})
    world.sender.on_batch = lambda: setattr(world.sender, "failure", failure)
    world.deliver()
    assert world.outcomes() == {1: FAILED}
    assert world.retired() == []


def test_page_that_something_else_answered_with_200_proves_no_payload_good() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    world.answer({1: Answer(200, b"<html>Please log in to the network.</html>"), 2: BAD_TARGET})
    world.sender.answers["fanfare-validation"] = BAD_PAYLOAD
    world.deliver()
    assert world.outcomes() == {1: RETRYING, 2: FAILED}
    assert world.retired() == []


def test_payload_is_asked_about_once_for_all_who_would_get_it() -> None:
    world = a_chunk_of(ANDROID, ANDROID, IOS)
    world.answer(dict.fromkeys((1, 2, 3), BAD_TARGET))
    world.deliver()
    assert [body["message"]["topic"] for _, body in world.sender.sent[3:]] == ["fanfare-validation"] * 2
    assert world.retired() == [1, 2, 3]


def test_rate_that_is_exceeded_is_not_asked_for_more() -> None:
    world = a_chunk_of(*[ANDROID] * 40, batch_size=10)
    world.answer(dict.fromkeys(range(11, 41), RATE))
    world.deliver()
    assert world.sent_to() == list(range(1, 21))
    assert (world.chunk().counts.sent, world.chunk().counts.retrying, world.chunk().counts.unsent) == (10, 10, 20)
    world.answer({})
    world.pass_later(timedelta(minutes=2))
    assert world.chunk().counts.sent == 40


def test_failing_fcm_is_not_sent_the_rest_and_few_failures_stop_nobody() -> None:
    world = a_chunk_of(*[ANDROID] * 40, batch_size=10)
    world.answer(dict.fromkeys(range(1, 41), BUSY))
    world.deliver()
    assert world.sent_to() == list(range(1, 11))
    few = a_chunk_of(*[ANDROID] * 40, batch_size=10)
    few.answer(dict.fromkeys(range(25, 37), BUSY))
    few.deliver()
    assert len(few.sent_to()) == 40


def test_silence_is_tried_again() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: SILENCE})
    world.deliver()
    assert world.outcomes() == {1: RETRYING}
    world.answer({})
    world.pass_later(timedelta(seconds=30))
    assert world.outcomes() == {1: SENT}


def _states_at_batches(world: World) -> list[tuple[dict[str, object], object]]:
    """What is stored of the chunk whenever a batch was answered."""
    seen: list[tuple[dict[str, object], object]] = []
    before = world.sender.on_batch

    def look() -> None:
        before()
        seen.append((dict(world.chunk().results), world.chunk().lease_until))

    world.sender.on_batch = look
    return seen


def _crash_at_batch(number: int, world: World) -> Callable[[], None]:
    calls = iter(range(1, 100))

    def crash() -> None:
        world.clock.advance(2 * SECOND)
        if next(calls) == number:
            raise ConnectionAbortedError

    return crash
