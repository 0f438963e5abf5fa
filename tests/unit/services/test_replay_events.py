"""Replays: which events go to a webhook once more, by their ids and by time, and that a task which comes twice does no harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.errors import InvalidRequest, NotFound, Unavailable, WebhookInactive
from fanfare.domain.event import Event, EventKind, StoredEvent
from fanfare.domain.event_cursor import EventPlace, before
from fanfare.domain.filters import AuditFilter
from fanfare.domain.webhook import Webhook
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState, WebhookDelivery
from fanfare.domain.webhook_replay import Replay
from fanfare.ports import Deps
from fanfare.ports.webhooks import ClaimedDelivery
from fanfare.services.replay_events import PAGE, WORKING_TIME, go_on_replaying, replay_by_ids, replay_by_time
from tests.factories import NOW, TENANT_ID, a_call, a_tenant, a_webhook
from tests.fakes import FixedClock, RecordingTaskQueue, fake_deps
from tests.fakes.events import MemoryEventStore

MINUTE = timedelta(minutes=1)
CHANGED = trail("webhook.changed", a_call().actor, NOW)
WANTED, OTHER = EventKind.NOTIFICATION_FAILED, EventKind.DEVICE_REVIVED


class SlowEventStore(MemoryEventStore):
    """Each page that is read takes as long as a task may work."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__()
        self._clock = clock

    def read_after(self, tenant: str, after: EventPlace, until: datetime, limit: int, *, notification_id: str | None = None) -> Sequence[StoredEvent]:
        self._clock.advance(WORKING_TIME)
        return super().read_after(tenant, after, until, limit, notification_id=notification_id)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def tasks() -> RecordingTaskQueue:
    return RecordingTaskQueue()


@pytest.fixture
def deps(clock: FixedClock, tasks: RecordingTaskQueue) -> Deps:
    return _ready(fake_deps(clock=clock, tasks=tasks))


def _ready(deps: Deps) -> Deps:
    deps.tenants.create(a_tenant())
    _keep(deps, a_webhook())
    return deps


def _keep(deps: Deps, webhook: Webhook) -> None:
    deps.webhooks.create(webhook, CHANGED)


def _happened(deps: Deps, number: int, kind: EventKind = WANTED, *, at: datetime | None = None) -> str:
    """An event that was stored before the webhook listened; its id follows from its number."""
    name = f"event-{number:04}"
    deps.events.record((Event(name, TENANT_ID, kind, at or NOW - timedelta(hours=1) + number * MINUTE, {}),))
    return name


def _key(event_id: str, webhook_id: str = "webhook-1") -> DeliveryKey:
    return DeliveryKey(TENANT_ID, webhook_id, event_id)


def _due(deps: Deps, clock: FixedClock) -> list[str]:
    """The events that are due to be posted to the webhook."""
    found = deps.deliveries.list(TENANT_ID, "webhook-1", 1_000, None, state=DeliveryState.PENDING).items
    return sorted(row.key.event_id for row in found if row.next_attempt_at is not None and row.next_attempt_at <= clock.now())


def _deliver(deps: Deps, event_id: str, now: datetime) -> WebhookDelivery:
    claimed = deps.deliveries.claim(_key(event_id), "owner", now)
    assert isinstance(claimed, ClaimedDelivery)
    ended = replace(claimed.delivery, state=DeliveryState.DELIVERED, completed_at=now, next_check_at=None, lease_until=None)
    assert deps.deliveries.conclude(ended)
    return ended


def _refused(deps: Deps, event_ids: list[str]) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        replay_by_ids(deps, a_call(), "webhook-1", event_ids)
    return [error.field for error in refused.value.errors]


def _actions(deps: Deps) -> list[str]:
    return [row.entry.action for row in deps.audit.list(TENANT_ID, AuditFilter(), 100, None).items]


# By ids


def test_named_events_are_due_at_once_each_once(deps: Deps, clock: FixedClock, tasks: RecordingTaskQueue) -> None:
    names = [_happened(deps, number) for number in range(3)]
    assert replay_by_ids(deps, a_call(), "webhook-1", [names[2], names[0], names[2]]) == 2
    assert _due(deps, clock) == [names[0], names[2]]
    assert {task.key for task in tasks.webhooks} == {_key(names[0]), _key(names[2])}
    assert {task.request_id for task in tasks.webhooks} == {"request-1"}
    assert _actions(deps)[0] == "webhook.replayed"


def test_delivered_event_is_delivered_once_more(deps: Deps, clock: FixedClock) -> None:
    name = _happened(deps, 1)
    replay_by_ids(deps, a_call(), "webhook-1", [name])
    _deliver(deps, name, clock.now())
    assert _due(deps, clock) == []
    assert replay_by_ids(deps, a_call(), "webhook-1", [name]) == 1
    assert _due(deps, clock) == [name]


def test_event_that_is_being_posted_is_left_and_not_counted(deps: Deps, clock: FixedClock, tasks: RecordingTaskQueue) -> None:
    name = _happened(deps, 1)
    replay_by_ids(deps, a_call(), "webhook-1", [name])
    assert isinstance(deps.deliveries.claim(_key(name), "owner", clock.now()), ClaimedDelivery)
    assert replay_by_ids(deps, a_call(), "webhook-1", [name]) == 0
    assert len(tasks.webhooks) == 1


def test_event_that_there_is_none_of_or_that_is_not_wanted_is_named_and_nothing_is_replayed(deps: Deps, clock: FixedClock) -> None:
    good, other = _happened(deps, 1), _happened(deps, 2, OTHER)
    deps.events.record((Event("theirs", "globex", WANTED, NOW, {}),))
    assert _refused(deps, [good, "none", good, other, "theirs"]) == ["event_ids.1", "event_ids.3", "event_ids.4"]
    assert (_due(deps, clock), "webhook.replayed" in _actions(deps)) == ([], False)


@pytest.mark.parametrize("webhook_id", ["none", "off"])
def test_webhook_that_is_off_or_unknown_gets_no_replay(deps: Deps, tasks: RecordingTaskQueue, webhook_id: str) -> None:
    _keep(deps, a_webhook(id="off", active=False))
    name, expected = _happened(deps, 1), NotFound if webhook_id == "none" else WebhookInactive
    with pytest.raises(expected):
        replay_by_ids(deps, a_call(), webhook_id, [name])
    with pytest.raises(expected):
        replay_by_time(deps, a_call(), webhook_id, NOW - MINUTE, None)
    assert (tasks.replays, tasks.webhooks) == ([], [])


# By time


def test_span_is_asked_for_and_said_in_the_audit_log(deps: Deps, tasks: RecordingTaskQueue) -> None:
    replay_by_time(deps, a_call(), "webhook-1", NOW - 2 * MINUTE, NOW - MINUTE)
    replay_by_time(deps, a_call(), "webhook-1", NOW - MINUTE, None)
    replay_by_time(deps, a_call(), "webhook-1", NOW - MINUTE, NOW + MINUTE)
    assert [(replay.place, replay.until, replay.asked_at) for replay in tasks.replays] == [
        (before(NOW - 2 * MINUTE), NOW - MINUTE, NOW),
        *[(before(NOW - MINUTE), NOW, NOW)] * 2,
    ]
    assert _actions(deps)[:3] == ["webhook.replayed"] * 3


@pytest.mark.parametrize(("after", "until"), [(NOW, None), (NOW + MINUTE, None), (NOW - MINUTE, NOW - MINUTE), (NOW - MINUTE, NOW - 2 * MINUTE)])
def test_span_without_a_past_is_refused(deps: Deps, tasks: RecordingTaskQueue, after: datetime, until: datetime | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        replay_by_time(deps, a_call(), "webhook-1", after, until)
    assert ([error.field for error in refused.value.errors], tasks.replays) == (["after"], [])


def test_span_that_no_task_could_be_created_for_is_not_accepted(deps: Deps, tasks: RecordingTaskQueue) -> None:
    tasks.refusing = True
    with pytest.raises(Unavailable):
        replay_by_time(deps, a_call(), "webhook-1", NOW - MINUTE, None)


def _replay(after: datetime, until: datetime = NOW) -> Replay:
    return Replay(TENANT_ID, "webhook-1", before(after), until, NOW)


def test_all_events_of_the_span_and_of_its_kinds_are_due_and_no_others(deps: Deps, clock: FixedClock, tasks: RecordingTaskQueue) -> None:
    names = [_happened(deps, number, OTHER if number == 2 else WANTED) for number in range(5)]
    start = NOW - timedelta(hours=1)
    assert go_on_replaying(deps, _replay(start + MINUTE, start + 3 * MINUTE), "request-2")
    assert _due(deps, clock) == [names[1], names[3]]
    assert [task.key.event_id for task in tasks.webhooks] == [names[1], names[3]]


def test_more_than_a_page_is_replayed_page_after_page(deps: Deps, clock: FixedClock) -> None:
    same = NOW - timedelta(hours=1)
    names = [_happened(deps, number, at=same) for number in range(2 * PAGE + 1)]
    assert go_on_replaying(deps, _replay(same), "request-2")
    assert _due(deps, clock) == names


def test_long_replay_goes_on_in_another_task_where_this_one_stopped(clock: FixedClock, tasks: RecordingTaskQueue) -> None:
    deps = _ready(fake_deps(clock=clock, tasks=tasks, events=SlowEventStore(clock)))
    names = [_happened(deps, number) for number in range(PAGE + 2)]
    first = Replay(TENANT_ID, "webhook-1", before(NOW - timedelta(days=1)), NOW + timedelta(days=1), NOW)
    assert not go_on_replaying(deps, first, "request-2")
    assert _due(deps, clock) == names[:PAGE]
    (second,) = tasks.replays
    assert (second.until, second.asked_at) == (first.until, first.asked_at)
    assert go_on_replaying(deps, second, "request-2")
    assert (_due(deps, clock), len(tasks.replays)) == (names, 1)


def test_task_that_can_not_be_followed_by_another_is_repeated(clock: FixedClock, tasks: RecordingTaskQueue) -> None:
    deps = _ready(fake_deps(clock=clock, tasks=tasks, events=SlowEventStore(clock)))
    for number in range(PAGE):
        _happened(deps, number)
    tasks.refusing = True
    with pytest.raises(Unavailable):
        go_on_replaying(deps, _replay(NOW - timedelta(days=1), NOW + timedelta(days=1)), "request-2")


def test_task_that_comes_twice_posts_nothing_twice_that_was_taken_meanwhile(deps: Deps, clock: FixedClock) -> None:
    names = [_happened(deps, number) for number in range(3)]
    replay = _replay(NOW - timedelta(days=1))
    go_on_replaying(deps, replay, "request-2")
    clock.advance(MINUTE)
    _deliver(deps, names[1], clock.now())
    go_on_replaying(deps, replay, "request-2")
    assert _due(deps, clock) == [names[0], names[2]]


def test_event_that_was_taken_before_the_replay_was_asked_for_is_due_again(deps: Deps, clock: FixedClock) -> None:
    name = _happened(deps, 1)
    replay_by_ids(deps, a_call(), "webhook-1", [name])
    _deliver(deps, name, clock.now())
    clock.advance(MINUTE)
    go_on_replaying(deps, replace(_replay(NOW - timedelta(days=1)), asked_at=clock.now()), "request-2")
    assert _due(deps, clock) == [name]


@pytest.mark.parametrize("is_deleted", [False, True])
def test_webhook_that_was_switched_off_or_deleted_ends_the_replay(deps: Deps, clock: FixedClock, *, is_deleted: bool) -> None:
    _happened(deps, 1)
    if is_deleted:
        deps.webhooks.delete(TENANT_ID, "webhook-1", CHANGED)
    else:
        deps.webhooks.update(TENANT_ID, "webhook-1", lambda stored: replace(stored, active=False))
    assert go_on_replaying(deps, _replay(NOW - timedelta(days=1)), "request-2")
    assert _due(deps, clock) == []
