"""From verdicts to what is stored: nobody is lost, nobody is counted twice, nobody who was sent to is sent to again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, Claimed, decide_claim, new_claim
from fanfare.domain.classification import Kind, Verdict
from fanfare.domain.delivery import (
    CLEAR_ERRORS,
    ChunkPlan,
    Hold,
    Moment,
    count_errors,
    decide_retirement,
    expire,
    expires_at,
    pending,
    plan_chunk,
    planned_at,
    record,
    retry_until,
)
from fanfare.domain.device import Device, InactiveReason, Retirement
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from tests.factories import NOW, TENANT_ID, a_device, a_notification, a_recipient, a_token

KEY = ChunkKey(TENANT_ID, "notification-1", 0)
CLAIMED = new_claim(KEY, "owner-1", NOW)
ROW = a_recipient(username="ada")
MOMENT = Moment(NOW, NOW + timedelta(hours=2), jitter=0.0)
ANDROID, IOS, WEB = Platform.ANDROID, Platform.IOS, Platform.WEB
PLATFORM_HOLD = Hold("platform_breaker_open", frozenset({"ios", "web"}))
IOS_HOLD = Hold("platform_breaker_open", frozenset({"ios"}))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def sent(**fields: Any) -> Result:
    return Result(**{"outcome": Outcome.SENT, "detail": "projects/p/messages/1", "http_status": 200, "attempts": 1} | fields)


def failed(code: str = "UNREGISTERED", **fields: Any) -> Result:
    return Result(**{"outcome": Outcome.FAILED, "detail": code, "http_status": 404, "attempts": 1} | fields)


def retrying(due: float, **fields: Any) -> Result:
    """Failed at least once; due so many seconds from now."""
    usual = {"outcome": Outcome.RETRYING, "detail": "UNAVAILABLE", "http_status": 503, "attempts": 1, "due_at": NOW + seconds(due), "since": NOW}
    return Result(**usual | fields)


def rows_of(*platforms: Platform) -> list[Any]:
    return [a_recipient(device_id=f"device-{number}", platform=platform) for number, platform in enumerate(platforms, start=1)]


# One answer


@pytest.mark.parametrize(
    ("verdict", "outcome", "dead_letter"),
    [
        (Verdict(Kind.ACCEPTED, "projects/p/messages/7", 200), Outcome.SENT, False),
        (Verdict(Kind.UNREGISTERED, "UNREGISTERED", 404), Outcome.FAILED, False),
        (Verdict(Kind.BAD_PAYLOAD, "INVALID_ARGUMENT", 400), Outcome.FAILED, False),
        (Verdict(Kind.BAD_TARGET, "INVALID_ARGUMENT", 400), Outcome.FAILED, False),
        (Verdict(Kind.SENDER_ID_MISMATCH, "SENDER_ID_MISMATCH", 403), Outcome.FAILED, False),
        (Verdict(Kind.REFUSED, "HTTP_418", 418), Outcome.FAILED, True),
        (Verdict(Kind.THIRD_PARTY_AUTH, "THIRD_PARTY_AUTH_ERROR", 401), Outcome.FAILED, True),
    ],
    ids=lambda case: case.kind if isinstance(case, Verdict) else None,
)
@pytest.mark.parametrize("before", [None, retrying(0, attempts=3)], ids=["first", "fourth"])
def test_final_answer_is_recorded_with_its_facts(verdict: Verdict, outcome: Outcome, dead_letter: bool, before: Result | None) -> None:  # noqa: FBT001 - a case
    attempts = before.attempts + 1 if before else 1
    since = before.since if before else None
    expected = Result(outcome, verdict.detail, verdict.http_status, attempts, Platform.ANDROID, "ada", since=since, dead_letter=dead_letter)
    assert record(ROW, verdict, before, MOMENT) == expected


@pytest.mark.parametrize("kind", [Kind.WRONG_PROJECT, Kind.PERMISSION_DENIED, Kind.UNAUTHENTICATED])
@pytest.mark.parametrize("before", [None, retrying(0, attempts=2)], ids=["unsent", "retrying"])
def test_broken_project_changes_nothing_for_the_recipient(kind: Kind, before: Result | None) -> None:
    assert record(ROW, Verdict(kind, "X", 403), before, MOMENT) == before


@pytest.mark.parametrize(
    ("kind", "asked", "due"),
    [
        (Kind.SERVER_ERROR, 0, 10),
        (Kind.NO_ANSWER, 0, 10),
        (Kind.UNREADABLE, 0, 10),
        (Kind.MESSAGE_RATE, 0, 60),
        (Kind.DEVICE_RATE, 0, 60),
        (Kind.TOPIC_RATE, 0, 60),
        (Kind.SERVER_ERROR, 90, 90),
        (Kind.MESSAGE_RATE, 90, 90),
    ],
)
def test_passing_failure_is_tried_again_after_its_wait(kind: Kind, asked: int, due: int) -> None:
    result = record(ROW, Verdict(kind, "X", 503, asked), None, MOMENT)
    assert result == Result(Outcome.RETRYING, "X", 503, 1, Platform.ANDROID, "ada", NOW + seconds(due), NOW)


def test_hour_of_trying_counts_from_the_first_failure_and_ends_as_a_dead_letter() -> None:
    verdict = Verdict(Kind.SERVER_ERROR, "UNAVAILABLE", 503)
    before = retrying(0, attempts=5, since=NOW - seconds(3_590))
    last = record(ROW, verdict, before, MOMENT)
    assert last == Result(Outcome.RETRYING, "UNAVAILABLE", 503, 6, Platform.ANDROID, "ada", NOW + seconds(10), NOW - seconds(3_590))
    end = record(ROW, verdict, last, replace(MOMENT, now=NOW + seconds(10)))
    assert end == Result(Outcome.FAILED, "UNAVAILABLE", 503, 7, Platform.ANDROID, "ada", since=NOW - seconds(3_590), dead_letter=True)


def test_message_whose_life_ends_before_the_next_try_is_a_dead_letter() -> None:
    result = record(ROW, Verdict(Kind.SERVER_ERROR, "UNAVAILABLE", 503), None, replace(MOMENT, retry_until=NOW + seconds(9)))
    assert result == failed("UNAVAILABLE", http_status=503, platform=Platform.ANDROID, username="ada", dead_letter=True)


def test_jitter_spreads_the_tries() -> None:
    due = [record(ROW, Verdict(Kind.SERVER_ERROR, "X", 500), None, replace(MOMENT, jitter=jitter)) for jitter in (0.0, 0.5, 1.0)]
    assert [result.due_at for result in due if result] == [NOW + seconds(10), NOW + seconds(15), NOW + seconds(20)]


# Who is sent to


@pytest.mark.parametrize(
    ("result", "is_due"),
    [
        (None, True),
        (sent(), False),
        (failed(), False),
        (failed("UNAVAILABLE", dead_letter=True), False),
        (retrying(-1), True),
        (retrying(0), True),
        (retrying(0.001), False),
        (retrying(0, due_at=None), True),
        (Result(Outcome.UNSENT, "", 0, 0), True),
    ],
)
def test_only_whoever_is_due_and_undecided_is_sent_to(result: Result | None, is_due: bool) -> None:  # noqa: FBT001 - a case of the table
    results = {"device-1": result} if result else {}
    assert pending([ROW], results, NOW) == ([ROW] if is_due else [])


def test_results_of_devices_that_are_no_recipients_send_to_nobody() -> None:
    assert pending([], {"device-9": retrying(-1)}, NOW) == []


# The message's life


@pytest.mark.parametrize(("ttl_seconds", "life"), [(0, 60), (1, 60), (60, 60), (61, 61), (2_419_200, 2_419_200)])
def test_message_lives_its_time_from_the_planned_send_and_a_minute_at_least(ttl_seconds: int, life: int) -> None:
    notification = a_notification(ttl_seconds=ttl_seconds, planned_at=NOW - seconds(5), created_at=NOW - seconds(100))
    assert expires_at(notification, CLAIMED) == NOW - seconds(5) + seconds(life)


@pytest.mark.parametrize("ttl_seconds", [0, 1, 59, 60, 61, 2_419_200])
def test_message_is_tried_again_within_its_exact_life_only(ttl_seconds: int) -> None:
    notification = a_notification(ttl_seconds=ttl_seconds, planned_at=NOW - seconds(5), created_at=NOW - seconds(100))
    assert retry_until(notification, CLAIMED) == NOW - seconds(5) + seconds(ttl_seconds)


def test_now_or_never_is_never_tried_again() -> None:
    moment = Moment(NOW, retry_until(a_notification(ttl_seconds=0), CLAIMED), jitter=0.0)
    result = record(ROW, Verdict(Kind.NO_ANSWER, "NO_ANSWER", 0), None, moment)
    assert result == failed("NO_ANSWER", http_status=0, platform=Platform.ANDROID, username="ada", dead_letter=True)


def test_replayed_chunk_lives_from_its_replay() -> None:
    notification, chunk = a_notification(planned_at=NOW - timedelta(days=1)), replace(CLAIMED, planned_at=NOW)
    assert (planned_at(notification, chunk), expires_at(notification, chunk)) == (NOW, NOW + seconds(3_600))
    assert retry_until(notification, chunk) == NOW + seconds(3_600)
    assert planned_at(notification, CLAIMED) == NOW - timedelta(days=1)


def test_expired_messages_fail_with_a_reason_and_can_be_replayed() -> None:
    web = a_recipient(device_id="device-2", platform=Platform.WEB)
    assert expire([ROW, web], {"device-1": retrying(0, attempts=4)}) == {
        "device-1": Result(Outcome.FAILED, "EXPIRED", 0, 4, Platform.ANDROID, "ada", dead_letter=True),
        "device-2": Result(Outcome.FAILED, "EXPIRED", 0, 0, Platform.WEB, None, dead_letter=True),
    }


# Who waits


@pytest.mark.parametrize(
    ("hold", "platforms"),
    [(Hold("quarantined"), [ANDROID, IOS, WEB, None]), (IOS_HOLD, [IOS]), (PLATFORM_HOLD, [IOS, WEB]), (Hold("x", frozenset()), [])],
)
def test_hold_without_platforms_holds_everybody_else_those_of_its_platforms(hold: Hold, platforms: list[Platform | None]) -> None:
    rows = [a_recipient(platform=platform) for platform in (ANDROID, IOS, WEB, None)]
    assert [row.platform for row in rows if hold.holds(row)] == platforms


# The chunk after a pass


def plan(results: dict[str, Result], *platforms: Platform, hold: Hold | None = None, **fields: Any) -> ChunkPlan:
    rows = rows_of(*platforms or [Platform.ANDROID] * 3)
    return plan_chunk(a_notification(**fields), CLAIMED, rows, results, NOW, hold)


@pytest.mark.parametrize("hold", [None, Hold("quarantined"), PLATFORM_HOLD])
def test_chunk_whose_recipients_are_all_decided_is_done_whatever_holds_the_tenant(hold: Hold | None) -> None:
    results = {"device-1": sent(), "device-2": failed("UNREGISTERED"), "device-3": failed("UNAVAILABLE", dead_letter=True)}
    planned = plan(results, hold=hold, status_reason="breaker_open:X", next_check_at=NOW)
    assert planned.due_at is None
    assert (planned.chunk.state, planned.chunk.next_check_at, planned.chunk.completed_at) == (ChunkState.DONE, None, NOW)
    assert (planned.chunk.results, planned.chunk.counts) == (results, Counts(3, sent=1, failed=2))
    done = planned.notification
    assert (done.status, done.status_reason, done.completed_at, done.next_check_at) == (NotificationStatus.COMPLETED, None, NOW, None)
    assert (done.counts, done.errors) == (Counts(3, sent=1, failed=2), {"UNREGISTERED": 1, "UNAVAILABLE": 1})
    assert done.started_at == CLAIMED.started_at


@pytest.mark.parametrize("results", [{}, {"device-1": sent()}, {"device-1": retrying(30)}, {"device-1": retrying(-30)}])
def test_held_tenant_parks_its_chunk_until_its_messages_expire(results: dict[str, Result]) -> None:
    planned = plan(results, hold=Hold("breaker_open:PERMISSION_DENIED"), ttl_seconds=300)
    assert planned.due_at is None
    assert (planned.chunk.state, planned.chunk.reason) == (ChunkState.PARKED, "breaker_open:PERMISSION_DENIED")
    assert planned.chunk.next_check_at == NOW + seconds(300) + seconds(60)
    held = planned.notification
    assert (held.status, held.status_reason, held.completed_at) == (NotificationStatus.SENDING, "breaker_open:PERMISSION_DENIED", None)
    assert held.counts.unsent + held.counts.retrying + held.counts.sent == held.counts.targeted == 3


@pytest.mark.parametrize(
    ("platforms", "results", "hold", "due"),
    [
        # Nobody was held, somebody is left.
        ([ANDROID, ANDROID], {"device-1": retrying(12), "device-2": sent()}, None, 12),
        ([ANDROID, ANDROID], {"device-1": retrying(12)}, None, 12),
        ([ANDROID, ANDROID], {"device-1": retrying(200)}, None, 200),
        ([ANDROID, ANDROID], {"device-1": sent()}, None, 30),
        ([ANDROID, ANDROID], {}, None, 30),
        # Whoever was due and not reached is neither forgotten nor tried in a circle.
        ([ANDROID], {"device-1": retrying(-5)}, None, 30),
        ([ANDROID], {"device-1": retrying(0)}, None, 30),
        ([ANDROID, ANDROID], {"device-1": retrying(-5), "device-2": retrying(12)}, None, 12),
        ([ANDROID, ANDROID], {"device-1": retrying(-5), "device-2": retrying(600)}, None, 60),
        # Those who are due closely together go together, never one of them too early.
        ([ANDROID] * 3, {"device-1": retrying(10), "device-2": retrying(11.5), "device-3": retrying(15)}, None, 15),
        ([ANDROID] * 3, {"device-1": retrying(10), "device-2": retrying(15.1), "device-3": retrying(70)}, None, 10),
        # One platform is held.
        ([IOS], {}, PLATFORM_HOLD, None),
        ([IOS, WEB, ANDROID], {"device-3": sent()}, PLATFORM_HOLD, None),
        ([IOS, ANDROID], {"device-1": retrying(-5), "device-2": failed()}, PLATFORM_HOLD, None),
        ([IOS, ANDROID], {"device-2": retrying(40)}, PLATFORM_HOLD, 40),
        ([IOS, ANDROID], {"device-1": retrying(-5), "device-2": retrying(400)}, PLATFORM_HOLD, 400),
        ([IOS, ANDROID], {"device-1": retrying(40), "device-2": sent()}, PLATFORM_HOLD, 40),
        ([IOS, ANDROID], {"device-1": retrying(-5)}, PLATFORM_HOLD, 30),
        ([IOS, ANDROID, ANDROID], {"device-2": retrying(-5), "device-3": retrying(400)}, PLATFORM_HOLD, 60),
        # Another one is not.
        ([IOS, WEB], {"device-2": sent()}, IOS_HOLD, None),
        ([IOS, WEB], {}, IOS_HOLD, 30),
        ([IOS, WEB], {"device-2": retrying(-5)}, IOS_HOLD, 30),
    ],
)
def test_chunk_goes_on_when_the_first_of_those_left_can(
    platforms: list[Platform], results: dict[str, Result], hold: Hold | None, due: float | None
) -> None:
    planned = plan(results, *platforms, hold=hold)
    if due is None:
        assert (planned.chunk.state, planned.chunk.reason, planned.due_at) == (ChunkState.PARKED, "platform_breaker_open", None)
        return
    assert planned.due_at == planned.chunk.due_at == NOW + seconds(due)
    assert planned.chunk.state is ChunkState.RETRYING
    assert planned.chunk.next_check_at == NOW + seconds(due) + seconds(60), "the sweep takes the place of a lost task"
    assert (planned.notification.status, planned.notification.status_reason) == (NotificationStatus.SENDING, None)


def test_first_ten_failures_stand_in_the_chunk_in_clear_and_all_are_counted() -> None:
    results = {f"device-{number}": failed("INTERNAL" if number % 2 else "UNREGISTERED") for number in range(1, 16)} | {"device-16": sent()}
    planned = plan(results, *[Platform.ANDROID] * 16)
    assert len(planned.chunk.errors) == CLEAR_ERRORS
    assert planned.chunk.errors[:2] == ({"device_id": "device-1", "code": "INTERNAL"}, {"device_id": "device-2", "code": "UNREGISTERED"})
    assert planned.notification.errors == {"INTERNAL": 8, "UNREGISTERED": 7}


def test_only_failures_are_errors() -> None:
    assert count_errors({"a": sent(), "b": retrying(5), "c": failed("X"), "d": failed("X")}) == {"X": 2}


# Retirement


def retired(device: Device, **fields: Any) -> Device | None:
    usual = {"sent_to": ROW, "kind": Kind.UNREGISTERED, "code": "UNREGISTERED", "notification_id": "notification-1", "now": NOW}
    return decide_retirement(device, **usual | fields)


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        (Kind.UNREGISTERED, "UNREGISTERED", InactiveReason.UNREGISTERED),
        (Kind.SENDER_ID_MISMATCH, "SENDER_ID_MISMATCH", InactiveReason.SENDER_ID_MISMATCH),
        (Kind.BAD_TARGET, "INVALID_ARGUMENT", InactiveReason.INVALID_TARGET),
    ],
)
def test_dead_target_is_retired_with_the_evidence_and_kept(kind: Kind, code: str, reason: InactiveReason) -> None:
    device = a_device(tags=("vip",))
    evidence = Retirement(code, NOW, "notification-1")
    assert retired(device, kind=kind, code=code) == replace(device, active=False, inactive_reason=reason, inactive_since=NOW, retirement=evidence)


@pytest.mark.parametrize(
    "device",
    [
        a_device(target=a_token("newer")),
        a_device(target=a_token("device-1", kind=TargetKind.FID)),
        a_device(active=False, inactive_reason=InactiveReason.DELETED),
    ],
    ids=["has another target", "has another kind of target", "is inactive"],
)
def test_device_that_is_not_what_was_sent_to_stays_as_it_is(device: Device) -> None:
    assert retired(device) is None


# Whole lives of a chunk, whatever FCM answers

_verdicts = st.sampled_from([Verdict(kind, kind.name, 500, asked) for kind in Kind for asked in (0, 5, 45, 900, 3_600, 90_000)])
_holds = st.sampled_from([None, None, None, None, Hold("quarantined"), PLATFORM_HOLD, IOS_HOLD])
_passes = st.tuples(st.lists(_verdicts, max_size=4), _holds, st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([0, 0, 0.4, 12, 700]))


def checked(planned: ChunkPlan, before: dict[str, Result], now: datetime, *, targeted: int) -> ChunkPlan:
    """Hold a plan against what must be true after every pass."""
    counts, results = planned.chunk.counts, planned.chunk.results
    by = Counter(result.outcome for result in results.values())
    assert counts.sent + counts.failed + counts.retrying + counts.unsent == counts.targeted == targeted
    assert (counts.sent, counts.failed, counts.retrying) == (by[Outcome.SENT], by[Outcome.FAILED], by[Outcome.RETRYING])
    assert planned.notification.counts == counts
    assert sum(planned.notification.errors.values()) == counts.failed
    decided = {device_id: result for device_id, result in before.items() if result.outcome in {Outcome.SENT, Outcome.FAILED}}
    assert decided.items() <= dict(results).items(), "what was decided stays as it was"
    assert (planned.chunk.state is ChunkState.DONE) == (counts.sent + counts.failed == targeted)
    assert (planned.chunk.next_check_at is None) == (planned.chunk.state is ChunkState.DONE), "whatever is unfinished is swept"
    assert planned.due_at is None or planned.due_at > now, "nothing goes on at once, or it would go in a circle"
    assert (planned.due_at is not None) == (planned.chunk.state is ChunkState.RETRYING)
    return planned


@settings(max_examples=60, deadline=None, database=None)
@given(
    st.lists(st.sampled_from(Platform), min_size=1, max_size=4), st.lists(_passes, min_size=1, max_size=10), st.sampled_from([0, 100, 3_000, 9_000])
)
def test_chunk_ends_with_everybody_decided_once_whatever_fcm_answers(platforms: list[Platform], passes: list[Any], ttl_seconds: int) -> None:
    rows, notification = rows_of(*platforms), a_notification(ttl_seconds=ttl_seconds)
    chunk, now, earliest = CLAIMED, NOW, dict[str, datetime]()
    for verdicts, hold, jitter, late in passes:
        results = dict(chunk.results)
        moment = Moment(now, retry_until(notification, chunk), jitter)
        for row, verdict in zip(pending(rows, results, now), verdicts, strict=False):  # Whoever has no verdict is not reached.
            assert now >= earliest.get(row.device_id, now), "nobody is tried before its time"
            before = results.get(row.device_id)
            result = record(row, verdict, before, moment)
            assert result is None or result.due_at is None or result.due_at <= moment.retry_until, "nobody is tried after the message's life"
            if result is not None and result is not before:
                results[row.device_id] = result
                earliest[row.device_id] = now + seconds(max(verdict.retry_after_seconds, 10))
        chunk = checked(plan_chunk(notification, chunk, rows, results, now, hold), dict(chunk.results), now, targeted=len(rows)).chunk
        if chunk.state is ChunkState.DONE:
            return
        now = (chunk.due_at or now) + seconds(late)
        chunk = claimed(chunk, now)
    ended = expired(chunk, rows, notification.ttl_seconds)
    assert ended.state is ChunkState.DONE


def claimed(chunk: Chunk, now: datetime) -> Chunk:
    decision = decide_claim(chunk, "next", now)
    assert isinstance(decision, Claimed)
    return decision.chunk


def expired(chunk: Chunk, rows: list[Any], ttl_seconds: int) -> Chunk:
    """The chunk after a pass that comes when its messages are worth nothing any more."""
    notification = a_notification(ttl_seconds=ttl_seconds)
    now = expires_at(notification, chunk) + seconds(0.001)
    late = pending(rows, chunk.results, now)
    undecided = [row for row in rows if row.device_id not in chunk.results or chunk.results[row.device_id].outcome is Outcome.RETRYING]
    assert late == undecided, "no try was planned for later than the message's end"
    results = {**chunk.results, **expire(late, chunk.results)}
    return checked(plan_chunk(notification, chunk, rows, results, now, None), dict(chunk.results), now, targeted=len(rows)).chunk
