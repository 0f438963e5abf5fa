"""Dead letters: what a replay may mend is found, and a replay makes just that due again, with a new life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, Claimed, decide_claim, new_claim
from fanfare.domain.classification import Kind, Verdict
from fanfare.domain.dead_letter import DeadLetter, dead_letter_id, dead_letter_of, plan_replay
from fanfare.domain.delivery import Moment, expires_at, pending, plan_chunk, record, retry_until
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from tests.factories import NOW, TENANT_ID, a_notification, a_recipient

KEY = ChunkKey(TENANT_ID, "notification-1", 3)
LATER = NOW + timedelta(days=2)
SENT = Result(Outcome.SENT, "projects/p/messages/1", 200, 1, Platform.ANDROID, "ada")
GONE = Result(Outcome.FAILED, "UNREGISTERED", 404, 1)
TIRED = Result(Outcome.FAILED, "UNAVAILABLE", 503, 7, Platform.IOS, "bob", dead_letter=True)
EXPIRED = Result(Outcome.FAILED, "EXPIRED", 0, 2, dead_letter=True)
MIXED = {"device-1": SENT, "device-2": GONE, "device-3": TIRED, "device-4": EXPIRED, "device-5": TIRED}
ROWS = [a_recipient(device_id=device_id) for device_id in MIXED]


def ended(results: Mapping[str, Result], **fields: Any) -> tuple[Chunk, Notification]:
    """A chunk after its last pass, and its notification."""
    plan = plan_chunk(
        a_notification(), new_claim(KEY, "owner-1", NOW), [a_recipient(device_id=device_id) for device_id in results], results, NOW, None
    )
    return replace(plan.chunk, **fields), plan.notification


def test_dead_letter_counts_what_a_replay_may_mend_and_says_why_most_of_it_ended() -> None:
    chunk, _ = ended(MIXED)
    expected = DeadLetter("notification-1-3", KEY, {"UNAVAILABLE": 2, "EXPIRED": 1}, "UNAVAILABLE", LATER)
    assert dead_letter_of(chunk, LATER) == expected


@pytest.mark.parametrize("results", [{}, {"device-1": SENT}, {"device-1": SENT, "device-2": GONE}])
def test_chunk_without_failures_that_can_be_mended_leaves_no_dead_letter(results: dict[str, Result]) -> None:
    chunk, notification = ended(results)
    assert dead_letter_of(chunk, LATER) is None
    assert plan_replay(chunk, notification, LATER) is None


def test_chunks_of_one_notification_have_letters_of_their_own() -> None:
    assert dead_letter_id(KEY) != dead_letter_id(replace(KEY, number=2))
    assert dead_letter_id(KEY) != dead_letter_id(replace(KEY, notification_id="notification-2"))


def test_replay_makes_dead_letters_due_and_leaves_the_others_as_they_are() -> None:
    chunk, notification = ended(MIXED, revision="read-at-7")
    replay = plan_replay(chunk, notification, LATER)
    assert replay is not None
    again = replay.chunk
    assert again.results == MIXED | {
        "device-3": Result(Outcome.RETRYING, "UNAVAILABLE", 503, 0, Platform.IOS, "bob", due_at=LATER),
        "device-4": Result(Outcome.RETRYING, "EXPIRED", 0, 0, due_at=LATER),
        "device-5": Result(Outcome.RETRYING, "UNAVAILABLE", 503, 0, Platform.IOS, "bob", due_at=LATER),
    }
    assert (again.state, again.due_at, again.planned_at, again.completed_at) == (ChunkState.RETRYING, LATER, LATER, None)
    assert again.next_check_at == LATER + timedelta(seconds=60), "the sweep replays it if the task is lost"
    assert again.revision == "read-at-7", "two replays at once are guarded by what was read"
    assert again.counts == Counts(5, sent=1, failed=1, retrying=3)
    assert chunk.errors != again.errors == ({"device_id": "device-2", "code": "UNREGISTERED"},), "who is tried again has not failed"


def test_replayed_notification_is_sending_again() -> None:
    replay = plan_replay(*ended(MIXED), LATER)
    assert replay is not None
    again = replay.notification
    assert (again.status, again.status_reason, again.completed_at) == (NotificationStatus.SENDING, "replayed", None)
    assert (again.counts, again.errors) == (replay.chunk.counts, {"UNREGISTERED": 1})


@pytest.mark.parametrize("state", [state for state in ChunkState if state is not ChunkState.DONE])
def test_chunk_that_is_under_way_or_cancelled_is_not_replayed(state: ChunkState) -> None:
    chunk, notification = ended(MIXED, state=state)
    assert plan_replay(chunk, notification, LATER) is None


def test_replay_happens_once() -> None:
    replay = plan_replay(*ended(MIXED), LATER)
    assert replay is not None
    assert plan_replay(replay.chunk, replay.notification, LATER) is None


def test_replayed_recipients_have_an_hour_of_trying_and_a_whole_life_again() -> None:
    replay = plan_replay(*ended(MIXED), LATER)
    assert replay is not None
    decision = decide_claim(replay.chunk, "owner-2", LATER)
    assert isinstance(decision, Claimed)
    due = pending(ROWS, decision.chunk.results, LATER)
    assert [row.device_id for row in due] == ["device-3", "device-4", "device-5"]
    end = retry_until(replay.notification, decision.chunk)
    assert end == LATER + timedelta(seconds=replay.notification.ttl_seconds) == expires_at(replay.notification, decision.chunk)
    result = record(due[0], Verdict(Kind.SERVER_ERROR, "UNAVAILABLE", 503), decision.chunk.results["device-3"], Moment(LATER, end, 0.0))
    assert result is not None
    assert (result.outcome, result.since, result.dead_letter) == (Outcome.RETRYING, LATER, False)
    assert (result.attempts, result.due_at) == (1, LATER + timedelta(seconds=10)), "its waits begin anew, too"


def test_second_failure_replaces_the_first_letter_and_success_leaves_none() -> None:
    replay = plan_replay(*ended(MIXED), LATER)
    assert replay is not None
    mended = {**replay.chunk.results, "device-3": SENT, "device-4": SENT, "device-5": TIRED}
    partly = plan_chunk(replay.notification, replay.chunk, ROWS, mended, LATER, None).chunk
    assert dead_letter_of(partly, LATER) == DeadLetter(dead_letter_id(KEY), KEY, {"UNAVAILABLE": 1}, "UNAVAILABLE", LATER)
    wholly = plan_chunk(replay.notification, replay.chunk, ROWS, {**mended, "device-5": SENT}, LATER, None).chunk
    assert dead_letter_of(wholly, LATER) is None
