"""What a chunk's recipients and its notification are told of: each final outcome once, in the commit that concludes its pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfare.domain.chunk import ChunkState
from fanfare.domain.event import EventKind
from fanfare.domain.message import TargetKind
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.recipient import fanned_out_recipient
from fanfare.domain.target import Target
from fanfare.services.steer_notification import (
    cancel_notification,
    pause_notification,
    resume_notification,
    retry_notification,
    settle_edited_pauses,
)
from tests.factories import TENANT_ID, a_call
from tests.fakes import MemoryNotificationStore
from tests.unit.services.delivering import ANDROID, BAD_KEY, BUSY, GONE, IOS, KEY, MINUTE, SECOND, World, a_chunk_of, a_world, accepted
from tests.unit.services.listeners import CANCELLED, COMPLETED, FAILED, PAUSED, SENT, WEBHOOK, announced, kinds_told, listen, told
from tests.unit.services.test_crashes import Crash, Fault, fragile

ID = KEY.notification_id


def _heard(*platforms: object, batch_size: int = 100, **fields: object) -> World:
    world = a_chunk_of(*platforms, batch_size=batch_size, ttl_seconds=86_400, **fields)  # type: ignore[arg-type]
    listen(world.deps)
    return world


def _devices(world: World, kind: EventKind) -> list[list[str]]:
    """Whom each event of a kind is about."""
    return [[row["device_id"] for row in event.data["recipients"]] for event in told(world.deps, kind)]


def test_pass_is_told_by_one_event_a_kind_and_its_end_by_another() -> None:
    world = _heard(ANDROID, ANDROID, IOS)
    world.answer({2: GONE})
    world.deliver()
    assert sorted(kinds_told(world.deps)) == sorted([SENT, FAILED, COMPLETED, EventKind.DEVICE_DEACTIVATED])
    assert (_devices(world, SENT), _devices(world, FAILED)) == ([["device-1", "device-3"]], [["device-2"]])
    [completed] = told(world.deps, COMPLETED)
    assert completed.data == {
        "notification_id": ID,
        "status": "completed",
        "status_reason": None,
        "counts": {"targeted": 3, "sent": 2, "failed": 1, "retrying": 0, "unsent": 0},
    }
    assert {(event.notification_ids, event.request_id) for event in told(world.deps, SENT, FAILED, COMPLETED)} == {
        ((ID,), world.notification().request_id)
    }


def test_each_delivery_of_an_event_is_nudged_once_it_is_stored() -> None:
    world = _heard(ANDROID)
    world.deliver()
    assert [(task.key.webhook_id, task.key.event_id) for task in world.tasks.webhooks] == [(WEBHOOK, event.id) for event in told(world.deps)]


def test_nobody_who_listens_costs_nothing() -> None:
    world = a_chunk_of(ANDROID, ANDROID, batch_size=1)
    world.sender.on_batch = lambda: world.clock.advance(1.1 * SECOND)
    saved = []
    store = world.deps.notifications
    assert isinstance(store, MemoryNotificationStore)
    before = store.save_chunk
    store.save_chunk = lambda chunk: (saved.append(chunk), before(chunk))[1]  # type: ignore[method-assign]
    world.deliver()
    assert told(world.deps) == []
    assert saved
    assert {chunk.unannounced for chunk in saved} == {()}


def test_only_the_kinds_that_somebody_wants_are_told() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    listen(world.deps, FAILED)
    world.answer({2: GONE})
    world.deliver()
    assert kinds_told(world.deps) == [FAILED]


def test_dry_run_reaches_nobody_and_tells_nothing() -> None:
    world = _heard(ANDROID, validate_only=True)
    world.deliver()
    assert world.notification().status is NotificationStatus.COMPLETED
    assert told(world.deps) == []


def test_retry_tells_only_what_it_ended() -> None:
    world = _heard(ANDROID, ANDROID, ANDROID)
    world.answer({2: BUSY, 3: BUSY})
    world.deliver()
    assert (_devices(world, SENT), told(world.deps, COMPLETED)) == ([["device-1"]], [])
    world.answer({3: BUSY})
    world.pass_later(2 * MINUTE)
    world.answer({})
    world.pass_later(5 * MINUTE)
    assert _devices(world, SENT) == [["device-1"], ["device-2"], ["device-3"]]
    assert len(told(world.deps, COMPLETED)) == 1


def test_replay_tells_again_what_it_ends() -> None:
    world = _heard(ANDROID, IOS)
    world.answer({2: BAD_KEY})
    world.deliver()
    assert _devices(world, FAILED) == [["device-2"]]
    world.answer({})
    retry_notification(world.deps, a_call(), ID)
    world.tenants.update(TENANT_ID, lambda stored: replace(stored, breakers={}))
    world.pass_later(SECOND)
    assert (_devices(world, SENT), _devices(world, FAILED)) == ([["device-1"], ["device-2"]], [["device-2"]])
    assert len(told(world.deps, COMPLETED)) == 2


def _died_after_its_checkpoints() -> World:
    """A call that stored its checkpoints and is gone."""
    world = _heard(*[ANDROID] * 4, batch_size=1)
    batches: list[int] = []

    def on_batch() -> None:
        world.clock.advance(1.1 * SECOND)
        batches.append(1)
        if len(batches) == 3:
            raise Crash

    world.sender.on_batch = on_batch
    with pytest.raises(Crash):
        world.deliver()
    world.sender.on_batch = lambda: None
    assert len(world.chunk().unannounced) == 2
    assert told(world.deps, SENT) == []
    return world


def test_what_a_dead_call_stored_is_told_by_the_next() -> None:
    world = _died_after_its_checkpoints()
    world.pass_later(MINUTE)
    assert set(announced(world.deps).values()) == {1}
    assert sorted(*_devices(world, SENT)) == ["device-1", "device-2", "device-3", "device-4"]
    assert world.chunk().unannounced == ()


def test_what_a_dead_call_stored_is_told_by_its_cancellation() -> None:
    world = _died_after_its_checkpoints()
    world.clock.advance(MINUTE)
    cancel_notification(world.deps, a_call(), ID)
    assert (world.chunk().state, world.chunk().unannounced) == (ChunkState.CANCELLED, ())
    assert _devices(world, SENT) == [["device-1", "device-2"]]
    [cancelled] = told(world.deps, CANCELLED)
    assert (cancelled.data["counts"]["sent"], cancelled.data["counts"]["unsent"]) == (2, 2)
    assert {task.key.event_id for task in world.tasks.webhooks} == {event.id for event in told(world.deps)}


def test_instance_that_is_asked_to_end_leaves_the_telling_to_the_next() -> None:
    world = _heard(ANDROID, ANDROID, batch_size=1)

    def on_batch() -> None:
        world.lifecycle.stopping = True

    world.sender.on_batch = on_batch
    world.deliver()
    assert (told(world.deps), world.chunk().unannounced) == ([], ("device-1",))
    world.lifecycle.stopping = False
    world.deliver()
    assert _devices(world, SENT) == [["device-1", "device-2"]]


def test_end_whose_answer_is_lost_is_told_once() -> None:
    world = _heard(ANDROID)
    steps = Fault()
    fragile(_heard(ANDROID), steps).deliver()
    for at in range(1, steps.steps + 1):
        world = _heard(ANDROID)
        with pytest.raises(Crash):
            fragile(world, Fault(at, late=True)).deliver()
        for _ in range(3):
            world.tick()
        assert announced(world.deps) == {(SENT, 0, "device-1"): 1}
        assert len(told(world.deps, COMPLETED)) == 1


def test_pause_is_told_when_it_is_so_and_resuming_is_not() -> None:
    world = _heard(ANDROID)
    pause_notification(world.deps, a_call(), ID)
    pause_notification(world.deps, a_call(), ID)
    resume_notification(world.deps, a_call(), ID)
    world.deliver()
    assert kinds_told(world.deps) == [PAUSED, SENT, COMPLETED]
    assert told(world.deps, PAUSED)[0].data["status_reason"] == "by_caller"


def test_pause_of_a_pass_under_way_is_told_with_its_end() -> None:
    world = _heard(ANDROID, ANDROID, batch_size=1)
    asked: list[int] = []

    def on_batch() -> None:
        world.clock.advance(1.1 * SECOND)
        if not asked:
            asked.append(1)
            pause_notification(world.deps, a_call(), ID)
            assert told(world.deps) == []

    world.sender.on_batch = on_batch
    world.deliver()
    assert sorted(kinds_told(world.deps)) == sorted([SENT, PAUSED])
    assert world.chunk().state is ChunkState.HELD


def test_pause_by_hand_is_told_once() -> None:
    world = _heard(ANDROID)
    store = world.deps.notifications
    assert isinstance(store, MemoryNotificationStore)
    store.edit_paused(TENANT_ID, ID, paused=True)
    for _ in range(2):
        settle_edited_pauses(world.deps, "tick")
    assert [event.data["status_reason"] for event in told(world.deps)] == ["by_hand"]
    assert [task.key.event_id for task in world.tasks.webhooks] == [event.id for event in told(world.deps)]


def test_message_to_a_topic_is_told_with_its_topic() -> None:
    row = fanned_out_recipient(Target(TargetKind.TOPIC, "news"))
    world = accepted(a_world(), topic="news", schedule_id="schedule-1", rows=[row])
    listen(world.deps)
    world.deliver()
    [sent] = told(world.deps, SENT)
    assert (sent.data["topic"], sent.data["schedule_id"], sent.data["recipients"][0]["device_id"]) == ("news", "schedule-1", None)
