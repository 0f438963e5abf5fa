"""Notifications of many chunks, and those of schedules, are told of when they end or pause, in the commit in which they do."""

from __future__ import annotations

from datetime import timedelta

from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.event import EventKind
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.send_request import Addressees
from fanfare.services.accept_bulk import accept_bulk
from fanfare.services.accept_notification import accept_notification
from fanfare.services.steer_notification import cancel_notification, pause_notification, resume_notification
from fanfare.services.sweep import sweep
from tests.factories import TENANT_ID, a_call
from tests.fakes import MemoryNotificationStore
from tests.unit.services import fanning
from tests.unit.services.broadcasting import ID, a_broadcast, a_bulk, send, send_all
from tests.unit.services.bulk import one_message, to_users
from tests.unit.services.delivering import GONE, World
from tests.unit.services.listeners import CANCELLED, COMPLETED, FAILED, PAUSED, SENT, WEBHOOK, announced, kinds_told, listen, told
from tests.unit.services.scheduling import DUE, MINUTE, a_scheduling_world
from tests.unit.services.seeding import a_request, username

STATUSES = (COMPLETED, PAUSED, CANCELLED)


def _heard(**fields: object) -> World:
    world = a_bulk([1, 2], [3, 4], [5], **fields)  # type: ignore[arg-type]
    listen(world.deps)
    return world


def test_many_chunks_tell_their_recipients_each_and_their_end_once() -> None:
    world = _heard()
    world.answer({3: GONE})
    send_all(world)
    send_all(world)
    assert announced(world.deps) == {
        (SENT, 0, "device-1"): 1,
        (SENT, 0, "device-2"): 1,
        (FAILED, 1, "device-3"): 1,
        (SENT, 1, "device-4"): 1,
        (SENT, 2, "device-5"): 1,
    }
    [completed] = told(world.deps, COMPLETED)
    assert completed.data["counts"] == {"targeted": 5, "sent": 4, "failed": 1, "retrying": 0, "unsent": 0}
    assert {task.key.event_id for task in world.tasks.webhooks} == {event.id for event in told(world.deps)}
    assert {task.key.webhook_id for task in world.tasks.webhooks} == {WEBHOOK}


def test_pause_of_many_is_told_with_what_was_sent_by_then_and_its_cancellation_at_the_end() -> None:
    world = _heard()
    send(world, 0)
    pause_notification(world.deps, a_call(), ID)
    pause_notification(world.deps, a_call(), ID)
    [paused] = told(world.deps, *STATUSES)
    assert (paused.kind, paused.data["status_reason"]) == (PAUSED, "by_caller")
    assert paused.data["counts"] == {"targeted": 5, "sent": 2, "failed": 0, "retrying": 0, "unsent": 3}
    cancel_notification(world.deps, a_call(), ID)
    assert len(told(world.deps, *STATUSES)) == 1, "it is not cancelled before its chunks are"
    send_all(world)
    assert [event.kind for event in told(world.deps, *STATUSES)] == [PAUSED, CANCELLED]
    assert told(world.deps, CANCELLED)[0].data["counts"]["unsent"] == 3


def test_broadcast_that_is_not_laid_out_is_told_as_cancelled_at_once() -> None:
    world = a_broadcast(4, 2, layout=Layout(Source.AUDIENCE), chunk_count=0, status=NotificationStatus.QUEUED)
    listen(world.deps)
    cancel_notification(world.deps, a_call(), ID)
    assert kinds_told(world.deps) == [CANCELLED]
    assert [task.key.event_id for task in world.tasks.webhooks] == [told(world.deps)[0].id]


def test_pause_of_many_by_hand_is_told_once() -> None:
    world = _heard()
    store = world.deps.notifications
    assert isinstance(store, MemoryNotificationStore)
    store.edit_paused(TENANT_ID, ID, paused=True)
    sweep(world.deps, "tick")
    sweep(world.deps, "tick")
    assert [(event.kind, event.data["status_reason"]) for event in told(world.deps)] == [(PAUSED, "by_hand")]


def test_resuming_tells_nothing() -> None:
    world = _heard()
    pause_notification(world.deps, a_call(), ID)
    resume_notification(world.deps, a_call(), ID)
    assert kinds_told(world.deps) == [PAUSED]


def test_broadcast_to_nobody_is_told_as_completed() -> None:
    world = fanning.a_broadcast(0)
    listen(world.deps)
    world.call()
    [event] = told(world.deps)
    assert (event.kind, event.data["status_reason"]) == (COMPLETED, "no_recipients")
    assert [task.key.event_id for task in world.tasks.webhooks] == [event.id]


def test_tripped_guard_is_told_as_a_pause_with_its_reason() -> None:
    world = fanning.a_broadcast(devices=40, shards=8, ramp=[25, 100], guard={"max_error_share": 0.05})
    listen(world.deps)
    world.call()
    world.progress.stages = [Sums(2, Counts(100, sent=50, failed=50), {"INTERNAL": 50})]
    world.call()
    [event] = told(world.deps)
    assert (event.kind, event.data["status_reason"], event.data["counts"]["failed"]) == (PAUSED, "guard_error_share", 50)


def test_notification_that_was_never_accepted_whole_is_told_as_cancelled() -> None:
    world = _heard(status=NotificationStatus.ACCEPTING)
    world.clock.advance(timedelta(minutes=11))
    sweep(world.deps, "tick")
    sweep(world.deps, "tick")
    assert [(event.kind, event.data["status_reason"]) for event in told(world.deps)] == [(CANCELLED, "not_accepted_in_time")]


def test_occurrence_of_a_schedule_is_told_once() -> None:
    world = a_scheduling_world()
    schedule = world.schedule()
    listen(world.deps)
    world.tick(DUE)
    world.tick(DUE + MINUTE)
    [event], [notification] = told(world.deps), world.made()
    assert (event.kind, event.notification_ids, event.request_id) == (EventKind.SCHEDULE_FIRED, (notification.id,), "tick")
    assert event.data == {"schedule_id": schedule.id, "notification_id": notification.id, "occurrence_at": "2026-11-25T08:00:00.000Z"}
    assert [task.key.event_id for task in world.tasks.webhooks] == [event.id]


def test_occurrence_that_reaches_nobody_is_told_with_its_end() -> None:
    world = a_scheduling_world()
    world.schedule({"to": {"usernames": ["nobody"]}, "title": "Good morning"})
    listen(world.deps)
    world.tick(DUE)
    assert kinds_told(world.deps) == [EventKind.SCHEDULE_FIRED, COMPLETED]


def test_schedule_that_a_hand_has_set_back_is_not_told_again() -> None:
    world = a_scheduling_world()
    schedule = world.schedule()
    listen(world.deps)
    world.tick(DUE)
    world.schedules.edit(TENANT_ID, schedule.id, next_run_at=schedule.next_run_at, next_local=schedule.next_local)
    world.tick(DUE + MINUTE)
    assert kinds_told(world.deps) == [EventKind.SCHEDULE_FIRED]
    assert len(world.made()) == 1


def test_notification_to_nobody_is_told_as_completed_when_it_is_accepted_and_a_repeat_is_not() -> None:
    world = _heard()
    to_nobody = a_request(Addressees(addresses=(username("nobody"),)))
    for _ in range(2):
        accept_notification(world.deps, a_call("key"), to_nobody)
    [event] = told(world.deps)
    assert (event.kind, event.data["status_reason"]) == (COMPLETED, "no_recipients")
    assert [task.key.event_id for task in world.tasks.webhooks] == [event.id]


def test_bulk_to_nobody_is_told_as_completed_when_it_is_accepted_and_a_repeat_is_not() -> None:
    world = _heard()
    for _ in range(2):
        accept_bulk(world.deps, a_call("key"), one_message(to_users("nobody")))
    assert kinds_told(world.deps) == [COMPLETED]
    assert len(world.tasks.webhooks) == 1
