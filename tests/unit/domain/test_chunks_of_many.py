"""What is different about a chunk that is one of many."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, Claimed, Finished, Stop, Take, count_chunk, decide_claim, new_claim
from fanfare.domain.dead_letter import count_replayable
from fanfare.domain.delivery import plan_chunk, plan_without_recipients
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus, StatusReason
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.progress import with_progress, with_sums
from fanfare.domain.steering import plan_end, stop_of
from tests.factories import NOW, TENANT_ID, a_notification, a_recipient

KEY = ChunkKey(TENANT_ID, "notification-1", 3)
SENT = Result(Outcome.SENT, "m/1", 200, 1, Platform.ANDROID)
DEAD = Result(Outcome.FAILED, "THIRD_PARTY_AUTH_ERROR", 401, 1, Platform.WEB, dead_letter=True)
UNSENT = Result(Outcome.UNSENT, "", 0, 0, Platform.ANDROID)
HOUR = timedelta(hours=1)
MANY = a_notification(layout=Layout(Source.AUDIENCE, 1, (9,)), chunk_count=9, counts=Counts(), status=NotificationStatus.SENDING)
CLAIMED = new_claim(KEY, "owner-1", NOW, NOW + HOUR)


def _in(state: ChunkState, **results: Result) -> Chunk:
    counts = Counts(len(results), unsent=len(results))
    return replace(CLAIMED, state=state, results=results, counts=counts, due_at=NOW + HOUR, next_check_at=NOW + HOUR, lease_until=NOW - HOUR)


@pytest.mark.parametrize(
    ("state", "taken_by"),
    [
        (ChunkState.HELD, {Take.HELD, Take.ALL}),
        (ChunkState.RETRYING, {Take.ALL}),
        (ChunkState.PARKED, set(Take)),
        (ChunkState.DONE, set()),
        (ChunkState.CANCELLED, set()),
    ],
)
def test_call_takes_what_the_notification_lets_it(state: ChunkState, taken_by: set[Take]) -> None:
    decisions = {take: decide_claim(_in(state), "owner-2", NOW, take) for take in Take}
    assert {take for take, decision in decisions.items() if isinstance(decision, Claimed)} == taken_by
    assert {type(decision) for decision in decisions.values()} <= {Claimed, Finished}


def test_chunk_counts_itself_and_says_what_that_changes() -> None:
    first, change = count_chunk(replace(_in(ChunkState.RETRYING, a=SENT, b=UNSENT), counts=Counts(2, sent=1, unsent=1)))
    assert change == first.counted == Sums(0, Counts(2, sent=1, unsent=1), {}, {"android": {"sent": 1}})
    second, change = count_chunk(replace(first, state=ChunkState.DONE, results={"a": SENT, "b": SENT}, counts=Counts(2, sent=2)))
    assert second.counted == Sums(1, Counts(2, sent=2), {}, {"android": {"sent": 2}})
    assert change == Sums(1, Counts(0, sent=1, unsent=-1), {}, {"android": {"sent": 1}})


def test_chunk_stops_when_its_notification_does() -> None:
    assert stop_of(MANY, CLAIMED) is None
    assert stop_of(replace(MANY, paused=True), CLAIMED) is Stop.PAUSE
    assert stop_of(replace(MANY, status_reason=StatusReason.CANCELLING), CLAIMED) is Stop.CANCEL
    assert stop_of(replace(MANY, status_reason=StatusReason.EXPIRING, paused=True), CLAIMED) is Stop.CANCEL


def test_chunk_counts_those_who_left_although_they_have_no_row() -> None:
    plan = plan_chunk(MANY, CLAIMED, [a_recipient(device_id="a")], {"a": SENT, "gone": DEAD}, NOW, None)
    assert (plan.chunk.state, plan.chunk.counts) == (ChunkState.DONE, Counts(2, sent=1, failed=1))


def test_unreached_recipient_does_not_hurry_a_chunk_whose_others_wait() -> None:
    retrying = Result(Outcome.RETRYING, "QUOTA_EXCEEDED", 429, 1, Platform.ANDROID, due_at=NOW + timedelta(minutes=5), since=NOW)
    rows = [a_recipient(device_id="a"), a_recipient(device_id="b")]
    plan = plan_chunk(MANY, CLAIMED, rows, {"a": retrying, "b": UNSENT}, NOW, None)
    assert plan.due_at == NOW + timedelta(minutes=5), "as if the one who was not reached had no result"


def test_cancelled_chunk_counts_its_own_recipients() -> None:
    plan = plan_end(replace(MANY, status_reason=StatusReason.CANCELLING), CLAIMED, [a_recipient(device_id="a")], {"a": UNSENT}, NOW, None)
    assert (plan.chunk.state, plan.chunk.counts) == (ChunkState.CANCELLED, Counts(1, unsent=1))


def test_chunk_without_rows_counts_what_it_knows() -> None:
    bulk = replace(MANY, counts=Counts(4_000, unsent=4_000))
    assert plan_without_recipients(bulk, CLAIMED, NOW).chunk.counts == Counts()
    known = replace(CLAIMED, results={"a": SENT}, counts=Counts(2, sent=1, unsent=1))
    assert plan_without_recipients(bulk, known, NOW).chunk.counts == Counts(2, sent=1, unsent=1)


def test_failures_of_a_chunk_that_is_over_may_be_replayed() -> None:
    assert count_replayable(_in(ChunkState.DONE, a=SENT, b=DEAD, c=DEAD)) == 2
    assert count_replayable(_in(ChunkState.RETRYING, a=SENT, b=DEAD)) == 0


def test_sums_are_shown_with_those_who_are_in_no_chunk_yet() -> None:
    bulk = replace(MANY, status=NotificationStatus.QUEUED, counts=Counts(10, unsent=10))
    shown = with_sums(bulk, Sums(1, Counts(4, sent=2, failed=1, retrying=1), {"UNREGISTERED": 1}))
    assert (shown.status, shown.counts, shown.errors) == (NotificationStatus.SENDING, Counts(10, 2, 1, 1, 6), {"UNREGISTERED": 1})
    assert with_sums(bulk, Sums()) == bulk
    assert with_sums(replace(bulk, status=NotificationStatus.PAUSED), Sums(1, Counts(4, sent=4))).status is NotificationStatus.PAUSED


def test_first_chunk_of_many_does_not_speak_for_all() -> None:
    assert with_progress(MANY, replace(CLAIMED, counts=Counts(4, sent=4))) == MANY
