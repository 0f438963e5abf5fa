"""The whole life of a chunk, from its first claim to its last stored state, whatever FCM answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import LEASE, Busy, ChunkKey, ChunkState, Finished
from fanfare.domain.classification import Answer
from fanfare.domain.errors import Unavailable
from fanfare.domain.message import TargetKind
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome
from fanfare.domain.recipient import fanned_out_recipient
from fanfare.domain.target import Target
from tests.factories import NOW, TENANT_ID
from tests.unit.services.delivering import (
    ANDROID,
    BUSY,
    GONE,
    IOS,
    KEY,
    MINUTE,
    RATE,
    SECOND,
    SILENCE,
    WEB,
    World,
    a_chunk_of,
    a_world,
    accepted,
)

SENT, FAILED, RETRYING = Outcome.SENT, Outcome.FAILED, Outcome.RETRYING


def states(world: World) -> tuple[ChunkState, NotificationStatus, str | None]:
    return world.chunk().state, world.notification().status, world.notification().status_reason


DONE = (ChunkState.DONE, NotificationStatus.COMPLETED, None)


def dead_letter(world: World) -> dict[str, int] | None:
    """The error codes of what is left to be replayed."""
    letter = world.deps.notifications.get_dead_letter(TENANT_ID, "notification-1-0")
    return dict(letter.codes) if letter else None


# The plain case


def test_accepted_chunk_is_done_with_the_message_ids_that_fcm_gave() -> None:
    world = a_chunk_of(ANDROID, IOS, WEB)
    assert world.deliver() == Finished()
    assert states(world) == DONE
    assert world.notification().counts == world.chunk().counts == Counts(3, sent=3)
    assert [result.detail for result in world.chunk().results.values()] == [f"projects/acme-app/messages/{number}" for number in (1, 2, 3)]
    assert (world.notification().started_at, world.notification().completed_at, world.notification().next_check_at) == (NOW, NOW, None)
    assert world.due() == [], "nothing is left to be nudged"
    assert world.sweep() == []


def test_repeated_task_of_a_finished_chunk_sends_nothing() -> None:
    world = a_chunk_of(ANDROID)
    world.deliver()
    world.sent_to()
    assert world.pass_later(timedelta(days=1)) == Finished()
    assert world.sent_to() == []


def test_second_task_of_a_chunk_under_way_is_told_to_wait_and_sends_nothing() -> None:
    world = a_chunk_of(ANDROID)
    told: list[Busy | Finished] = []
    world.sender.on_batch = lambda: told.append(world.deliver())
    world.deliver()
    assert told == [Busy(51)]
    assert world.sent_to() == [1]


# Dead targets


def test_dead_target_is_retired_with_the_evidence_and_not_retried() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    world.answer({2: GONE})
    world.deliver()
    assert world.outcomes() == {1: SENT, 2: FAILED}
    device = world.device(2)
    assert (device.active, device.target.value) == (False, "APA91b:token-device-2"), "a retired target is kept"
    evidence = device.retirement
    assert evidence is not None
    assert (evidence.code, evidence.at, evidence.notification_id) == ("UNREGISTERED", NOW, "notification-1")
    assert states(world) == DONE
    assert world.notification().errors == {"UNREGISTERED": 1}
    assert (world.due(), dead_letter(world)) == ([], None), "a replay would not mend it"


# What passes


def test_only_those_who_failed_for_now_are_sent_to_again_and_not_before_ten_seconds() -> None:
    world = a_chunk_of(ANDROID, IOS, WEB)
    world.answer({2: BUSY, 3: SILENCE})
    world.deliver()
    assert world.sent_to() == [1, 2, 3]
    assert world.outcomes() == {1: SENT, 2: RETRYING, 3: RETRYING}
    assert states(world) == (ChunkState.RETRYING, NotificationStatus.SENDING, None)
    assert world.due() == [NOW + 10 * SECOND]
    assert world.pass_later(4.9 * SECOND) == Finished()
    assert world.sent_to() == [], "a task that came too early does nothing"
    assert world.pass_later(5 * SECOND) == Busy(1), "one that came a moment early comes again"
    assert world.sent_to() == []
    world.answer({})
    world.pass_later(0.1 * SECOND)
    assert world.sent_to() == [2, 3]
    assert world.outcomes() == {1: SENT, 2: SENT, 3: SENT}
    assert world.chunk().results["device-2"].attempts == 2
    assert (states(world), world.due()) == (DONE, [])


def test_repeat_carries_the_tag_of_the_first_try_and_what_is_left_of_the_life() -> None:
    world = a_chunk_of(ANDROID, IOS, WEB, ttl_seconds=100)
    world.answer({1: BUSY, 2: BUSY, 3: BUSY})
    world.deliver()
    world.answer({})
    world.pass_later(10 * SECOND)
    bodies = [body["message"] for _, body in world.sender.sent]
    assert [body["android"]["notification"]["tag"] for body in (bodies[0], bodies[3])] == ["notification-1"] * 2
    assert [body["android"]["ttl"] for body in (bodies[0], bodies[3])] == ["100s", "90s"]
    headers = [body["apns"]["headers"] for body in (bodies[1], bodies[4])]
    assert [header["apns-collapse-id"] for header in headers] == ["notification-1"] * 2
    assert [header["apns-expiration"] for header in headers] == [str(int(NOW.timestamp()) + 100)] * 2
    assert [body["webpush"]["notification"]["tag"] for body in (bodies[2], bodies[5])] == ["notification-1"] * 2
    assert bodies[0]["data"] == bodies[3]["data"], "the app tells a repeat by its id"


def test_wait_that_fcm_asks_for_is_kept() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: BUSY._replace(retry_after_seconds=300)})
    world.deliver()
    assert world.due() == [NOW + 300 * SECOND]


def test_rate_without_a_wait_waits_for_a_minute() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: RATE})
    world.deliver()
    assert world.due() == [NOW + MINUTE]


def follow(world: World) -> timedelta:
    """Deliver whenever a task is due, until none is; how long that took."""
    began = world.clock.now()
    world.deliver()
    while due := world.due():
        assert due[0] is not None
        world.clock.at = due[0]
        world.deliver()
    return world.clock.now() - began


@pytest.mark.parametrize(("ttl_seconds", "shortest"), [(86_400, 3_000), (1_800, 1_200)])
def test_trying_ends_after_an_hour_or_with_the_life_as_a_dead_letter(ttl_seconds: int, shortest: int) -> None:
    world = a_chunk_of(ANDROID, IOS, ttl_seconds=ttl_seconds)
    world.answer({2: BUSY})
    took = follow(world)
    assert shortest * SECOND < took <= min(3_600, ttl_seconds) * SECOND
    assert world.outcomes() == {1: SENT, 2: FAILED}
    assert states(world) == DONE
    assert dead_letter(world) == {"UNAVAILABLE": 1}


def test_now_or_never_is_sent_once_and_not_again() -> None:
    world = a_chunk_of(ANDROID, ttl_seconds=0)
    world.answer({1: SILENCE})
    world.deliver()
    assert (world.outcomes(), states(world), world.due()) == ({1: FAILED}, DONE, [])
    assert dead_letter(world) == {"NO_ANSWER": 1}
    told = [record.fields for record in world.log.records if (record.level, record.event) == ("warning", "dead_lettered")]
    assert told == [{"tenant": TENANT_ID, "notification": "notification-1", "chunk": 0, "reason": "NO_ANSWER"}]


@pytest.mark.parametrize(("ttl_seconds", "late"), [(0, 60.001), (59, 60.001), (61, 61.001), (3_600, 3_600.001)])
def test_message_that_outlived_its_worth_is_not_sent_but_kept_as_a_dead_letter(ttl_seconds: int, late: float) -> None:
    world = a_chunk_of(ANDROID, IOS, ttl_seconds=ttl_seconds)
    world.pass_later(late * SECOND)
    assert world.sent_to() == []
    assert (world.outcomes(), states(world)) == ({1: FAILED, 2: FAILED}, DONE)
    assert dead_letter(world) == {"EXPIRED": 2}


def test_message_is_sent_until_the_end_of_its_life() -> None:
    world = a_chunk_of(ANDROID, ttl_seconds=3_600)
    world.pass_later(3_600 * SECOND)
    assert world.outcomes() == {1: SENT}


# No token to be had


def test_chunk_waits_without_failing_anybody_while_no_access_token_can_be_had() -> None:
    world = a_chunk_of(ANDROID, IOS)
    world.sender.failure = Unavailable("The token endpoint does not answer.")
    world.deliver()
    assert world.notification().counts == Counts(2, unsent=2)
    assert states(world) == (ChunkState.RETRYING, NotificationStatus.SENDING, None)
    assert world.due() == [NOW + 30 * SECOND]
    assert world.tenant().breakers == {}, "an outage of Google's is not the tenant's fault"
    world.sender.failure = None
    world.pass_later(30 * SECOND)
    assert (world.outcomes(), states(world)) == ({1: SENT, 2: SENT}, DONE)


# The task queue refuses


def test_retry_whose_task_was_refused_is_found_by_the_sweep() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: BUSY})
    world.tasks.refusing = True
    world.deliver()
    world.tasks.refusing = False
    world.answer({})
    world.clock.advance(69 * SECOND)
    assert world.sweep() == [], "a due task has a minute before the sweep takes its place"
    world.clock.advance(SECOND)
    assert world.sweep() == [KEY]
    world.deliver()
    assert states(world) == DONE


# What is no chunk


@pytest.mark.parametrize(
    "key",
    [ChunkKey(TENANT_ID, "nobody-knows", 0), ChunkKey(TENANT_ID, "notification-1", 7), ChunkKey("another-tenant", "notification-1", 0)],
    ids=["unknown notification", "unknown number", "another tenant's"],
)
def test_task_of_no_chunk_is_ended_with_a_stored_reason_and_not_repeated(key: ChunkKey) -> None:
    world = a_chunk_of(ANDROID)
    assert world.deliver(key) == Finished()
    assert world.sent_to() == []
    stored = world.deps.chunks.claim(key, "owner", world.clock.now() + timedelta(days=1))
    assert stored == Finished(), "whoever brings it again has nothing to do"
    world.clock.advance(timedelta(seconds=59))
    assert world.sweep() == []
    assert world.notification().counts == Counts(1, unsent=1), "the notification that the task did not name is as it was"


def test_reason_of_a_cancelled_chunk_is_stored() -> None:
    world = a_chunk_of(ANDROID)
    missing = ChunkKey(TENANT_ID, "notification-1", 7)
    world.deliver(missing)
    assert (world.chunk(missing).state, world.chunk(missing).reason) == (ChunkState.CANCELLED, "unknown_notification")


# Topics and conditions


@pytest.mark.parametrize(
    "target", [Target(TargetKind.TOPIC, "news"), Target(TargetKind.CONDITION, "'a' in topics && 'b' in topics")], ids=lambda target: target.kind
)
def test_topic_is_one_message_whose_receipt_names_the_message_alone(target: Target) -> None:
    world = accepted(a_world(), rows=[fanned_out_recipient(target)])
    world.deliver()
    [(_, body)] = world.sender.sent
    assert body["message"][target.kind.value] == target.value
    assert body["message"]["data"]["fanfare_receipt"].count(".") == 1
    assert (world.chunk().results[""].outcome, states(world)) == (SENT, DONE)


def test_message_that_wants_no_receipts_carries_none() -> None:
    world = accepted(a_world(ANDROID), request={"body": "B", "data": {"k": "v"}, "receipts": False})
    world.deliver()
    [(_, body)] = world.sender.sent
    assert body["message"]["data"] == {"k": "v", "fanfare_id": "notification-1"}


def test_topic_that_fails_for_now_is_tried_again_and_retires_nobody() -> None:
    world = accepted(a_world(ANDROID), rows=[fanned_out_recipient(Target(TargetKind.TOPIC, "news"))])
    world.sender.answers = {"news": BUSY}
    world.deliver()
    assert world.due() == [NOW + 10 * SECOND]
    world.sender.answers = {"news": GONE}
    world.pass_later(10 * SECOND)
    assert (world.chunk().results[""].detail, states(world), world.retired()) == ("UNREGISTERED", DONE, [])


def test_checked_message_is_not_delivered() -> None:
    world = a_chunk_of(ANDROID, validate_only=True)
    world.deliver()
    [(_, body)] = world.sender.sent
    assert body["validate_only"] is True
    assert states(world) == DONE


# The instance ends, or the claim does


def stop_after(world: World, batches: int) -> None:
    """The instance is asked to end while FCM answers the first batches."""
    left = [batches]

    def on_batch() -> None:
        left[0] -= 1
        world.lifecycle.stopping = left[0] <= 0

    world.sender.on_batch = on_batch


def test_ending_instance_gives_the_chunk_back_and_another_one_goes_on_at_once() -> None:
    world = a_chunk_of(*[ANDROID] * 5, batch_size=2)
    stop_after(world, 1)
    assert world.deliver() == Busy(1)
    assert world.sent_to() == [1, 2]
    assert world.outcomes() == {1: SENT, 2: SENT}
    assert world.chunk().counts == Counts(5, sent=2, unsent=3), "the console shows what was sent"
    assert world.sweep() == [KEY], "whether or not the queue repeats its task"
    world.lifecycle.stopping, world.sender.on_batch = False, lambda: None
    world.deliver()
    assert world.sent_to() == [3, 4, 5]
    assert states(world) == DONE


def test_ending_instance_that_reached_everybody_finishes_the_chunk() -> None:
    world = a_chunk_of(*[ANDROID] * 2, batch_size=2)
    world.answer({2: BUSY})
    stop_after(world, 1)
    assert world.deliver() == Finished()
    assert (world.outcomes(), world.due()) == ({1: SENT, 2: RETRYING}, [NOW + 10 * SECOND])


def test_dead_targets_are_retired_before_the_chunk_is_given_back() -> None:
    world = a_chunk_of(*[ANDROID] * 4, batch_size=2)
    world.answer({1: GONE})
    stop_after(world, 1)
    world.deliver()
    assert world.retired() == [1]


def test_call_that_lost_its_claim_before_its_end_stores_nothing() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    world.answer({2: BUSY})

    def take_over() -> None:
        world.sender.on_batch = lambda: None
        world.deps.chunks.claim(KEY, "another", world.clock.now() + LEASE * 2)

    world.sender.on_batch = take_over
    assert world.deliver() == Finished()
    chunk = world.chunk()
    assert (chunk.state, chunk.owner, chunk.results) == (ChunkState.CLAIMED, "another", {})
    assert world.notification().counts == Counts(2, unsent=2)
    assert world.due() == [], "the other call's retries are its own business"


def test_crashed_call_leaves_a_chunk_that_the_sweep_brings_to_another_one() -> None:
    world = a_chunk_of(ANDROID)
    world.deps.chunks.claim(KEY, "crashed", world.clock.now())
    assert world.pass_later(49 * SECOND) == Busy(2)
    assert world.sweep() == []
    world.clock.advance(SECOND)
    assert world.sweep() == [KEY]
    world.deliver()
    assert (world.outcomes(), states(world), world.chunk().attempt) == ({1: SENT}, DONE, 2)


def test_log_tells_what_became_of_the_chunk_and_never_a_target() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    world.answer({2: Answer(418)})
    world.deliver()
    alert, letter, record = world.log.records
    assert (letter.event, letter.fields["reason"]) == ("dead_lettered", "HTTP_418")
    assert (alert.event, alert.fields["code"]) == ("fcm_alert", "HTTP_418")
    told = {name: record.fields[name] for name in ("state", "sent", "failed", "attempt", "notification")}
    assert (record.event, told) == ("chunk_delivered", {"state": "done", "sent": 1, "failed": 1, "attempt": 1, "notification": "notification-1"})
    assert "APA91b" not in str(world.log.records)


def test_pass_is_recorded_with_whom_it_went_to_and_no_target() -> None:
    world = a_chunk_of(ANDROID, ANDROID, ANDROID)
    world.answer({2: GONE})
    world.deliver()
    telemetry: Any = world.deps.telemetry
    (span,) = [span for span in telemetry.spans if span.name == "chunk pass"]
    assert span.attributes == {
        "tenant": TENANT_ID,
        "notification": "notification-1",
        "chunk": 0,
        "recipients": 3,
        "sent": 2,
        "failed": 1,
        "retrying": 0,
    }
    assert span.is_over
