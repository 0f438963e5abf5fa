"""What a notification and its receipts contribute to the numbers of the fleet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.analytics import Amounts
from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, count_chunk, new_claim
from fanfare.domain.dead_letter import plan_replay
from fanfare.domain.fleet_counters import counters_of, delays, received_counters, sums_of_one
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.outcome import Outcome, Result, count, count_retries
from fanfare.domain.tallying import Untallied, decide_tally
from tests.factories import NOW, TENANT_ID, a_notification

SECOND = timedelta(seconds=1)
SENT = Result(Outcome.SENT, "message-1", 200, 1, Platform.ANDROID)
AT_LAST = SENT._replace(attempts=3)
FAILED = Result(Outcome.FAILED, "INTERNAL", 500, 2, Platform.IOS, dead_letter=True)


def _one(**fields: object) -> Notification:
    done = {"status": NotificationStatus.COMPLETED, "counts": Counts(4, sent=3, failed=1), "errors": {"INTERNAL": 1}, "started_at": NOW + SECOND}
    return a_notification(**{**done, "platforms": {"android": {"sent": 2}, "ios": {"failed": 1}}, "retried": 2, **fields})


def _counted(notification: Notification) -> dict[str, int]:
    return dict(counters_of(notification, sums_of_one(notification)))


def test_notification_of_one_chunk_contributes_what_it_says_itself() -> None:
    assert _counted(_one()) == {
        "accepted": 1,
        "messages": 4,
        "sent.android": 2,
        "sent.none": 1,
        "failed.INTERNAL": 1,
        "retried": 2,
        "send_delay.1000": 3,
        "send_delay.ms": 3_000,
    }


def test_notification_that_has_not_begun_was_accepted() -> None:
    assert _counted(a_notification(counts=Counts(2, unsent=2))) == {"accepted": 1, "messages": 2}


def test_time_before_its_slot_is_no_delay() -> None:
    assert _counted(_one(planned_at=NOW + SECOND))["send_delay.250"] == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"validate_only": True},
        {"status": NotificationStatus.ACCEPTING},
        {"status": NotificationStatus.CANCELLED, "status_reason": StatusReason.NOT_ACCEPTED_IN_TIME},
    ],
)
def test_what_was_never_accepted_counts_nowhere(fields: dict[str, object]) -> None:
    assert _counted(_one(**fields)) == {}


def test_codes_that_are_none_count_together() -> None:
    counted = counters_of(_one(), Sums(0, Counts(), {"no code": 2, "neither": 1, "INTERNAL": 1}))
    assert (counted["failed.OTHER"], counted["failed.INTERNAL"]) == (3, 1)


def test_broadcast_counts_everybody_whom_it_is_for_before_their_chunks_begin() -> None:
    notification = _one(counts=Counts(1_000, unsent=1_000))
    assert counters_of(notification, Sums(0, Counts(500, sent=500)))["messages"] == 1_000


def test_attempts_after_the_first_are_retries() -> None:
    assert count_retries([SENT, AT_LAST, FAILED, SENT._replace(attempts=0)]) == 3


def test_receipts_count_by_platform() -> None:
    assert received_counters({"ios": Amounts(total_delivered=2), None: Amounts(total_read=1)}) == {"delivered.ios": 2, "read.none": 1}


def test_delivery_times_are_counted_each() -> None:
    assert delays([SECOND, 2 * SECOND, SECOND]) == {"delivery_delay.1000": 2, "delivery_delay.2500": 1, "delivery_delay.ms": 4_000}


def test_failure_that_a_replay_sends_stays_counted() -> None:
    first = decide_tally(Untallied(_one(), {}), {}, _counted(_one()))
    mended = _one(counts=Counts(4, sent=4), errors={}, retried=0)
    second = decide_tally(Untallied(mended, {}, first.counters), {}, _counted(mended))
    assert "failed.INTERNAL" in first.counted
    assert second.counted == {"sent.none": 1, "send_delay.1000": 1, "send_delay.ms": 1_000}
    assert "failed.INTERNAL" not in second.counters


def test_recomputed_day_changes_nothing_of_the_fleets_numbers() -> None:
    tally = decide_tally(Untallied(_one(), {}, {"accepted": 1}), {})
    assert (tally.counters, tally.counted) == ({"accepted": 1}, {})


def _chunk(*results: Result, **fields: object) -> Chunk:
    named = {str(number): result for number, result in enumerate(results)}
    made = {"results": named, "counts": count(results, len(results)), "planned_at": NOW, "started_at": NOW + SECOND, "state": ChunkState.DONE}
    return replace(new_claim(ChunkKey(TENANT_ID, "notification-1", 0), "owner-1", NOW), **{**made, **fields})  # type: ignore[arg-type]


def test_chunk_of_many_measures_how_long_after_its_slot_it_began() -> None:
    counted, change = count_chunk(_chunk(SENT, AT_LAST, FAILED))
    assert change.measures == {"retried": 3, "send_delay.1000": 2, "send_delay.ms": 2_000}
    assert counted.counted == change


def test_further_pass_of_a_chunk_adds_those_whom_it_has_sent_to() -> None:
    first, _ = count_chunk(_chunk(SENT, SENT._replace(outcome=Outcome.RETRYING)))
    _, change = count_chunk(replace(first, results={"0": SENT, "1": AT_LAST}, counts=Counts(2, sent=2)))
    assert change.measures == {"retried": 2, "send_delay.1000": 1, "send_delay.ms": 1_000}


def test_replayed_messages_had_no_slot() -> None:
    first, _ = count_chunk(_chunk(SENT, FAILED))
    replay = plan_replay(first, _one(), NOW + 60 * SECOND)
    assert replay is not None
    _, change = count_chunk(replace(replay.chunk, results={"0": SENT, "1": SENT}, counts=Counts(2, sent=2)))
    assert change.measures == {"retried": -1}


def test_chunk_without_a_slot_measures_no_delay() -> None:
    assert count_chunk(_chunk(SENT, planned_at=None))[1].measures == {}
