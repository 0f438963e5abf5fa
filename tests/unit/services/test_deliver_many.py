"""Chunks of many: what each is sent to, what it costs to send to nobody, how it is counted and how the last one ends the notification."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.breaker import ALL, Breaker
from fanfare.domain.chunk import Busy, ChunkState, ChunkTask, Finished
from fanfare.domain.chunk_rows import LEFT_AUDIENCE
from fanfare.domain.notification import Counts, NotificationStatus, StatusReason
from fanfare.domain.outcome import Outcome
from fanfare.domain.registration import RegistrationPlan
from fanfare.services.deliver_chunk import deliver_chunk, deliver_task
from fanfare.services.device_states import deactivate_device
from tests.factories import TENANT_ID, a_call, a_device, a_token, an_owner
from tests.unit.services.broadcasting import (
    GENERATION,
    ID,
    a_broadcast,
    a_bulk,
    check_sums,
    fanouts,
    key,
    members,
    pack,
    progress,
    send,
    send_all,
    stored_chunks,
)
from tests.unit.services.delivering import ANDROID, BAD_PAYLOAD, BUSY, GONE, IOS, MINUTE, RATE, SECOND, WEB, a_world


def test_chunks_of_a_bulk_notification_reach_everybody_and_the_last_one_completes_it() -> None:
    world = a_bulk([1, 2], [3], [4, 5])
    send(world, 0)
    send(world, 2)
    assert (world.notification().status, progress(world).total.done) == (NotificationStatus.SENDING, 2)
    send(world, 1)
    done = world.notification()
    assert (done.status, done.counts, done.completed_at) == (NotificationStatus.COMPLETED, Counts(5, sent=5), world.clock.now())
    assert (sorted(world.sent_to()), done.next_check_at) == ([1, 2, 3, 4, 5], None)
    check_sums(world)


def test_each_device_of_a_broadcast_is_reached_once() -> None:
    world = a_broadcast(devices=60, shards=4)
    send_all(world)
    assert sorted(world.sent_to()) == list(range(1, 61))
    assert (world.notification().status, world.notification().counts) == (NotificationStatus.COMPLETED, Counts(60, sent=60))
    check_sums(world)


def test_audience_is_unpinned_at_the_end() -> None:
    world = a_broadcast()
    header = world.deps.audience.get(TENANT_ID)
    assert header is not None
    assert header.pins == {ID: GENERATION}
    send_all(world)
    header = world.deps.audience.get(TENANT_ID)
    assert header is not None
    assert header.pins == {}


def test_chunk_is_sent_once_although_its_task_comes_twice() -> None:
    world = a_broadcast()
    send_all(world)
    sent = world.sent_to()
    send_all(world)
    assert (len(sent), world.sent_to()) == (20, [])
    check_sums(world)


def test_segment_narrows_each_shard_and_a_chunk_that_nobody_matches_is_created_done() -> None:
    world = a_broadcast(world=a_world(IOS, *[ANDROID] * 19), request={"to": {"segment": {"platform": ["ios"]}}, "title": "Hello"})
    empty = next(number for number in range(4) if 1 not in members(world, number))
    send(world, empty)
    chunk = world.chunk(key(empty))
    assert (chunk.state, chunk.counts, chunk.attempt, chunk.completed_at) == (ChunkState.DONE, Counts(), 1, world.clock.now())
    send_all(world)
    assert world.sent_to() == [1]
    assert (world.notification().status, world.notification().counts) == (NotificationStatus.COMPLETED, Counts(1, sent=1))


def test_broadcast_that_nobody_matches_completes_and_says_why() -> None:
    world = a_broadcast(request={"to": {"segment": {"platform": ["web"]}}, "title": "Hello"})
    send_all(world)
    ended = world.notification()
    assert (ended.status, ended.status_reason, ended.counts) == (NotificationStatus.COMPLETED, StatusReason.NO_RECIPIENTS, Counts())


def test_segment_is_judged_as_of_the_broadcast_and_not_of_the_chunk() -> None:
    world = a_broadcast(request={"to": {"segment": {"seen_within_days": 1}}, "title": "Hello"}, ttl_seconds=7 * 86_400)
    world.clock.advance(timedelta(days=3))
    send_all(world)
    assert len(world.sent_to()) == 20, "they had been seen within a day when it was sent"


def test_late_slot_does_not_cost_a_message_its_life() -> None:
    world = a_broadcast(ttl_seconds=60)
    slot = world.clock.now() + timedelta(hours=2)
    world.clock.advance(timedelta(hours=2))
    send(world, 0, slot=slot)
    assert world.chunk(key(0)).planned_at == slot
    assert sorted(world.sent_to()) == members(world, 0)


def test_chunk_without_a_slot_begins_its_life_when_it_is_claimed() -> None:
    world = a_broadcast(ttl_seconds=60)
    world.clock.advance(timedelta(hours=2))
    assert deliver_chunk(world.deps, key(1), "sweep") == Finished()
    assert (world.chunk(key(1)).planned_at, sorted(world.sent_to())) == (world.clock.now(), members(world, 1))


def test_chunk_that_comes_too_late_is_given_another_slot_and_not_claimed() -> None:
    world = a_broadcast()
    world.clock.advance(MINUTE)
    assert send(world, 0, slot=world.clock.now() - MINUTE) == Finished()
    assert (stored_chunks(world), world.sent_to(), [task.moves for task in world.tasks.chunks]) == ([], [], [1])


def test_retry_of_a_chunk_goes_behind_what_is_direct_and_keeps_its_generation() -> None:
    world = a_broadcast()
    first = members(world, 0)[0]
    world.answer({first: BUSY})
    send(world, 0)
    [task] = world.tasks.chunks
    assert (task.key, task.generation, world.tasks.sends) == (key(0), GENERATION, [])
    assert world.chunk(key(0)).due_at == task.slot
    assert progress(world).total.counts == Counts(len(members(world, 0)), sent=len(members(world, 0)) - 1, retrying=1)
    world.sent_to()
    world.answer({})
    world.clock.at = task.slot
    assert deliver_task(world.deps, task, "request-1") == Finished()
    assert world.sent_to() == [first]
    assert progress(world).total.counts == Counts(len(members(world, 0)), sent=len(members(world, 0)))
    check_sums(world)


def test_device_that_left_the_audience_before_its_retry_has_failed_and_says_so() -> None:
    world = a_broadcast()
    gone, stays = members(world, 0)[:2]
    world.answer({gone: BUSY, stays: BUSY})
    send(world, 0)
    deactivate_device(world.deps, a_call(), f"device-{gone}")
    pack(world)
    world.sent_to()
    world.answer({})
    world.clock.advance(MINUTE)
    send(world, 0)
    assert world.sent_to() == [stays]
    result = world.chunk(key(0)).results[f"device-{gone}"]
    assert (result.outcome, result.detail, result.attempts, result.dead_letter) == (Outcome.FAILED, LEFT_AUDIENCE, 1, False)
    assert progress(world).total.errors == {LEFT_AUDIENCE: 1}
    check_sums(world)


def test_device_that_joined_after_the_first_results_is_not_sent_to() -> None:
    world = a_broadcast(devices=20)
    first = members(world, 0)[0]
    world.answer({first: BUSY})
    send(world, 0)
    before = set(members(world, 0))
    late = [a_device(id=f"device-{number}", owners=(an_owner(f"profile-{number}"),)) for number in range(21, 41)]
    assert world.deps.devices.save(TENANT_ID, [RegistrationPlan(device) for device in late])
    pack(world)
    assert set(members(world, 0)) > before
    world.sent_to()
    world.answer({})
    world.clock.advance(MINUTE)
    send(world, 0)
    assert world.sent_to() == [first]
    assert world.chunk(key(0)).counts == Counts(len(before), sent=len(before))


def test_device_that_changed_its_target_is_sent_to_the_new_one() -> None:
    world = a_broadcast()
    first = members(world, 0)[0]
    world.answer({first: BUSY})
    send(world, 0)
    renewed = a_token("renewed")
    world.deps.devices.update_many(TENANT_ID, [f"device-{first}"], lambda device: replace(device, target=renewed))
    pack(world)
    world.sender.sent.clear()
    world.clock.advance(MINUTE)
    send(world, 0)
    assert [body["message"]["token"] for _, body in world.sender.sent] == [renewed.value]


def test_recipients_who_were_not_reached_are_fixed_too() -> None:
    """A tenant that is held sends nothing; who the recipients are is known all the same, and later ones are not added."""
    world = a_broadcast()
    world.tenants.update(
        TENANT_ID, lambda tenant: replace(tenant, breakers={ALL: Breaker("UNAUTHENTICATED", world.clock.now(), world.clock.now() + MINUTE)})
    )
    send(world, 0)
    chunk = world.chunk(key(0))
    assert chunk.state is ChunkState.PARKED
    assert {result.outcome for result in chunk.results.values()} == {Outcome.UNSENT}
    assert sorted(world.outcomes(key(0))) == members(world, 0)
    assert progress(world).total.counts == Counts(len(members(world, 0)), unsent=len(members(world, 0)))


def test_audience_that_has_doubled_since_is_read_in_its_current_generation() -> None:
    world = a_broadcast(devices=40, shards=2)
    everybody = members(world, 1)
    world.answer(dict.fromkeys(everybody, BUSY))
    send(world, 1)
    pack(world, 8, generation=3)
    world.sent_to()
    world.answer({})
    world.clock.advance(MINUTE)
    send(world, 1)
    assert sorted(world.sent_to()) == everybody
    check_sums(world)


def test_form_that_fcm_refuses_is_refused_once_and_not_by_every_chunk() -> None:
    world = a_bulk([1, 2], [3, 4], [5, 6], world=a_world(*[ANDROID, WEB] * 3))
    world.answer({1: BAD_PAYLOAD, 3: BAD_PAYLOAD, 5: BAD_PAYLOAD})
    send_all(world)
    assert sorted(world.sent_to()) == [1, 2, 4, 6], "the first one asked FCM, and the web's form is another one"
    assert world.notification().refused == {"android/token/": "INVALID_ARGUMENT"}
    assert world.notification().counts == Counts(6, sent=3, failed=3)
    assert world.notification().errors == {"INVALID_ARGUMENT": 3}


def test_rate_that_is_exceeded_lowers_the_pace_of_broadcasts() -> None:
    world = a_bulk([1], [2])
    world.answer({1: RATE})
    send(world, 0)
    assert [record.event for record in world.log.records if record.event == "pace_lowered"] == ["pace_lowered"]


def test_dead_devices_of_a_shard_are_retired() -> None:
    world = a_broadcast(devices=40)
    dead = members(world, 2)[0]
    world.answer({dead: GONE})
    send(world, 2)
    assert world.retired() == [dead]
    assert progress(world).total.platforms == {"android": {"sent": len(members(world, 2)) - 1, "failed": 1}}


def test_stage_that_ends_lets_fanout_judge_and_the_last_one_completes() -> None:
    world = a_bulk([1], [2], [3], [4], stages=(2, 4))
    send(world, 0)
    assert fanouts(world) == 0
    send(world, 1)
    assert (fanouts(world), world.notification().status) == (1, NotificationStatus.SENDING)
    assert [stage.done for stage in progress(world).stages] == [2, 0]
    send(world, 2)
    send(world, 3)
    assert (fanouts(world), world.notification().status, world.notification().counts) == (0, NotificationStatus.COMPLETED, Counts(4, sent=4))


def test_chunks_beyond_sixteen_share_their_parts() -> None:
    world = a_bulk(*[[number] for number in range(1, 41)])
    send_all(world)
    assert (world.notification().status, world.notification().counts) == (NotificationStatus.COMPLETED, Counts(40, sent=40))
    assert len(world.deps.progress.sums) == 16
    check_sums(world)


def test_chunk_that_another_call_holds_is_told_to_wait() -> None:
    world = a_broadcast()
    world.deps.chunks.claim(key(0), "somebody", world.clock.now())
    assert isinstance(send(world, 0), Busy)
    world.clock.advance(MINUTE)
    assert send(world, 0, slot=world.clock.now()) == Finished()
    assert sorted(world.sent_to()) == members(world, 0)
    check_sums(world)


@pytest.mark.parametrize("number", [4, 99])
def test_chunk_that_the_notification_does_not_have_is_refused(number: int) -> None:
    world = a_broadcast()
    assert deliver_task(world.deps, ChunkTask(key(number), world.clock.now(), GENERATION), "request-1") == Finished()
    assert (world.sent_to(), progress(world).total.done) == ([], 0)


def test_shutdown_gives_the_chunk_back_with_everybody_in_it() -> None:
    world = a_broadcast(world=a_world(*[ANDROID] * 40, batch_size=1), devices=40, shards=2)
    world.sender.on_batch = lambda: setattr(world.lifecycle, "stopping", True)
    assert isinstance(send(world, 0), Busy)
    world.sender.on_batch = lambda: None
    assert sorted(world.outcomes(key(0))) == members(world, 0)
    world.lifecycle.stopping = False
    world.clock.advance(6 * SECOND)
    send(world, 0)
    assert sorted(world.sent_to()) == members(world, 0), "each once"
    check_sums(world)
