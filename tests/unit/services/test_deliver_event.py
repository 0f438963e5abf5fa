"""Delivering one event to one endpoint: what is posted, what is stored of it, and what becomes of an endpoint that takes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import Busy, Finished
from fanfare.domain.dead_letter import DeadLetterKind, WebhookLetter
from fanfare.domain.endpoint_answer import NotPosted, Posted
from fanfare.domain.endpoint_health import MOST_IN_FLIGHT
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.event import Event, EventKind
from fanfare.domain.filters import AuditFilter, DeadLetterFilter
from fanfare.domain.listening import with_readers
from fanfare.domain.trace_context import TraceContext
from fanfare.domain.webhook import FAILING_FOR, Webhook, WebhookReason
from fanfare.domain.webhook_delivery import DELAYS, LEASE, NUDGE_GRACE, SWEPT_AGAIN, DeliveryKey, DeliveryState, WebhookDelivery
from fanfare.domain.webhook_signature import sign
from fanfare.ports import Deps
from fanfare.services.dead_letters import get_dead_letter, replay_dead_letter
from fanfare.services.deliver_event import BUSY_SECONDS, deliver_event
from fanfare.services.sweep import sweep
from tests.factories import NOW, TENANT_ID, a_call, a_tenant, a_webhook
from tests.fakes import FixedClock, RecordingTaskQueue, ScriptedWebhookPoster, fake_deps
from tests.unit.services.test_crashes import Crash, Fault, Fragile, live_through_everything

SECOND, ACTOR = timedelta(seconds=1), Actor(ActorKind.CLIENT, "client-1")
KEY = DeliveryKey(TENANT_ID, "webhook-1", "event-1")


@dataclass
class World:
    """A tenant with webhooks, and an event that they want."""

    clock: FixedClock = field(default_factory=FixedClock)
    poster: ScriptedWebhookPoster = field(default_factory=ScriptedWebhookPoster)
    tasks: RecordingTaskQueue = field(default_factory=RecordingTaskQueue)
    deps: Deps = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.deps = fake_deps(clock=self.clock, poster=self.poster, tasks=self.tasks)
        self.deps.tenants.create(a_tenant())

    def webhook(self, **fields: Any) -> Webhook:
        webhook = a_webhook(**fields)
        self.deps.webhooks.create(webhook, trail("webhook.created", ACTOR, NOW))
        return webhook

    def event(self, name: str = "event-1", webhooks: Sequence[str] = ("webhook-1",)) -> None:
        told = {"notification_id": "n-1", "status": "completed"}
        event = Event(name, TENANT_ID, EventKind.NOTIFICATION_COMPLETED, self.clock.now(), told, ("n-1",), tuple(webhooks), "request-1")
        self.deps.events.record([event])

    def deliver(self, key: DeliveryKey = KEY) -> Busy | Finished:
        return deliver_event(self.deps, key, "task-request")

    def delivery(self, key: DeliveryKey = KEY) -> WebhookDelivery:
        found = self.deps.deliveries.get_many([key])[0]
        assert found is not None
        return found

    def endpoint(self, webhook_id: str = "webhook-1") -> Webhook:
        found = self.deps.webhooks.get(TENANT_ID, webhook_id)
        assert found is not None
        return found

    def actions(self) -> list[str]:
        return [row.entry.action for row in self.deps.audit.list(TENANT_ID, AuditFilter(), 100, None).items]

    def letters(self) -> list[WebhookLetter]:
        page = self.deps.notifications.list_dead_letters(TENANT_ID, DeadLetterFilter(DeadLetterKind.WEBHOOK), 10, None)
        return [letter for letter in page.items if isinstance(letter, WebhookLetter)]

    def deliver_until_it_ends(self, most: int = 20) -> None:
        for _ in range(most):
            due = self.delivery().next_attempt_at
            if due is None:
                return
            self.clock.at = max(self.clock.at, due)
            self.deliver()
        raise AssertionError("It did not end.")


@pytest.fixture
def world() -> World:
    world = World()
    world.webhook()
    world.event()
    return world


def test_event_is_posted_as_it_is_stored_signed_and_named(world: World) -> None:
    assert world.deliver() == Finished()
    stored = world.deps.events.get(TENANT_ID, "event-1")
    assert stored is not None
    assert [(post.url, post.body) for post in world.poster.posts] == [("https://hooks.example.com/fanfare", stored.body)]
    assert world.poster.posts[0].headers == {
        **sign([a_webhook().secret], "event-1", NOW, stored.body),
        "content-type": "application/json",
        "user-agent": "Fanfare/1.0.0",
        "x-request-id": "request-1",
    }
    delivered = world.delivery()
    assert (delivered.state, delivered.attempts, delivered.last_status, delivered.completed_at) == (DeliveryState.DELIVERED, 1, 200, NOW)


def test_endpoint_is_told_the_trace_of_the_attempt(world: World) -> None:
    world.deps.telemetry.begin("webhook", "POST /", TraceContext("a" * 32, "b" * 16, is_sampled=True))
    world.deliver()
    assert world.poster.posts[0].headers["traceparent"] == f"00-{'a' * 32}-{'b' * 16}-01"


def test_every_attempt_has_the_same_id_and_bytes_and_its_own_time(world: World) -> None:
    world.poster.script = [Posted(500)]
    world.deliver_until_it_ends()
    first, second = world.poster.posts
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 5


def test_both_secrets_sign_while_one_is_replaced() -> None:
    world = World()
    world.webhook(previous_secret=a_webhook(id="old").secret, previous_valid_until=NOW + SECOND)
    world.event()
    world.deliver()
    assert world.poster.posts[0].headers["webhook-signature"].count("v1,") == 2


def test_task_that_comes_twice_or_early_or_for_nothing_does_no_harm(world: World) -> None:
    world.poster.script = [Posted(500)]
    world.deliver()
    assert world.deliver() == Busy(5)
    world.clock.advance(5 * SECOND)
    assert [world.deliver(), world.deliver(), world.deliver(replace(KEY, event_id="unknown"))] == [Finished()] * 3
    assert len(world.poster.posts) == 2


def test_failed_attempt_is_followed_by_a_task_at_its_time(world: World) -> None:
    world.poster.script = [NotPosted("connection"), Posted(429, 600.0)]
    world.deliver()
    assert [(task.key, task.due_at, task.request_id) for task in world.tasks.webhooks] == [(KEY, NOW + DELAYS[1], "request-1")]
    world.clock.advance(5 * SECOND)
    world.deliver()
    assert world.tasks.webhooks[-1].due_at == NOW + 605 * SECOND


def test_delivery_whose_task_was_lost_is_found_by_the_sweep(world: World) -> None:
    world.tasks.refusing, world.poster.script = True, [Posted(500)]
    world.deliver()
    world.tasks.refusing = False
    world.clock.advance(DELAYS[1] + NUDGE_GRACE - SECOND)
    assert sweep(world.deps, "tick").deliveries == 0
    world.clock.advance(SECOND)
    assert sweep(world.deps, "tick").deliveries == 1
    assert [task.key for task in world.tasks.webhooks] == [KEY]
    world.clock.advance(SWEPT_AGAIN - SECOND)
    assert sweep(world.deps, "tick").deliveries == 0
    world.clock.advance(SECOND)
    world.tasks.refusing = True
    assert [sweep(world.deps, "tick").deliveries for _ in range(2)] == [1, 1], "one whose nudge was refused is found again"
    world.deliver()
    assert world.delivery().state is DeliveryState.DELIVERED


def test_eight_failures_end_in_a_dead_letter_which_is_replayed_with_all_attempts_ahead(world: World) -> None:
    world.poster.script = [Posted(503)] * 8
    world.deliver_until_it_ends()
    failed = world.delivery()
    assert (failed.state, failed.reason, failed.attempts, len(world.poster.posts)) == (DeliveryState.FAILED, "http_503", 8, 8)
    assert [(letter.id, letter.reason, letter.replayed_at) for letter in world.letters()] == [("webhook-1-event-1", "http_503", None)]
    assert _dead_letters_told(world) == [{"tenant": TENANT_ID, "webhook": "webhook-1", "event_id": "event-1", "reason": "http_503"}]
    replayed = replay_dead_letter(world.deps, a_call(), "webhook-1-event-1")
    assert replayed.replayed_at == world.clock.now()
    assert world.letters() == [replayed] == [get_dead_letter(world.deps, TENANT_ID, "webhook-1-event-1")]
    assert (world.delivery().state, world.delivery().attempts) == (DeliveryState.PENDING, 0)
    assert (world.tasks.webhooks[-1].key, world.actions()[0]) == (KEY, "dead_letter.replayed")
    world.deliver()
    assert world.delivery().state is DeliveryState.DELIVERED
    with pytest.raises(Conflict, match="already"):
        replay_dead_letter(world.deps, a_call(), "webhook-1-event-1")


def _dead_letters_told(world: World) -> list[Any]:
    log: Any = world.deps.log
    return [record.fields for record in log.records if record.event == "dead_lettered"]


def _failed_for_good(world: World) -> None:
    world.poster.script = [Posted(503)] * 8
    world.deliver_until_it_ends()


def test_dead_letter_of_a_webhook_that_is_off_or_gone_or_of_an_event_that_is_removed_is_not_replayed(world: World) -> None:
    _failed_for_good(world)
    events: Any = world.deps.events
    stored = events._stored.pop((TENANT_ID, "event-1"))
    with pytest.raises(Conflict, match="no longer kept"):
        replay_dead_letter(world.deps, a_call(), "webhook-1-event-1")
    events._stored[TENANT_ID, "event-1"] = stored
    world.deps.webhooks.update(TENANT_ID, "webhook-1", lambda webhook: replace(webhook, active=False))
    with pytest.raises(Conflict, match="gone or inactive"):
        replay_dead_letter(world.deps, a_call(), "webhook-1-event-1")
    world.deps.webhooks.delete(TENANT_ID, "webhook-1", trail("webhook.deleted", ACTOR, NOW))
    with pytest.raises(Conflict, match="gone or inactive"):
        replay_dead_letter(world.deps, a_call(), "webhook-1-event-1")
    assert world.letters()[0].replayed_at is None


def test_dead_letter_whose_delivery_is_under_way_again_is_not_replayed(world: World) -> None:
    _failed_for_good(world)
    event = world.deps.events.get(TENANT_ID, "event-1")
    assert event is not None
    letter = world.letters()[0]
    world.deps.deliveries.replay(world.endpoint(), [event], world.clock.now(), "request-2")
    world.deps.deliveries.claim(KEY, "another call", world.clock.now())
    notifications: Any = world.deps.notifications
    notifications.put_dead_letter(letter)
    with pytest.raises(Conflict, match="being replayed"):
        replay_dead_letter(world.deps, a_call(), letter.id)


def test_endpoint_that_is_gone_is_disabled_with_an_entry_and_an_event_for_the_others() -> None:
    world = World()
    world.webhook(events=frozenset({EventKind.NOTIFICATION_COMPLETED, EventKind.WEBHOOK_DISABLED}))
    world.webhook(id="webhook-2", events=frozenset({EventKind.WEBHOOK_DISABLED}))
    world.event()
    world.event("event-2")
    world.poster.script = [Posted(410)]
    world.deliver()
    assert (world.delivery().state, world.delivery().reason, world.letters()) == (DeliveryState.FAILED, "gone", [])
    assert (world.endpoint().active, world.endpoint().inactive_reason) == (False, WebhookReason.GONE)
    assert world.actions().count("webhook.disabled") == 1
    events: Any = world.deps.events
    told = events.told[-1]
    assert (told.kind, told.webhooks, told.data) == (EventKind.WEBHOOK_DISABLED, ("webhook-2",), {"webhook_id": "webhook-1", "reason": "gone"})
    assert world.tasks.webhooks[-1].key == DeliveryKey(TENANT_ID, "webhook-2", told.id)
    world.deliver(replace(KEY, event_id="event-2"))
    assert world.delivery(replace(KEY, event_id="event-2")).reason == "webhook_inactive"
    world.deliver(world.tasks.webhooks[-1].key)
    assert len(world.poster.posts) == 2


@pytest.mark.parametrize("is_polled", [True, False])
def test_disabling_is_told_to_a_poll_and_to_nobody_if_nobody_listens(is_polled: bool) -> None:  # noqa: FBT001 - a row of the table
    world = World()
    world.webhook(events=frozenset({EventKind.NOTIFICATION_COMPLETED, EventKind.WEBHOOK_DISABLED}))
    readers = [EventKind.WEBHOOK_DISABLED] if is_polled else []
    world.deps.tenants.update(TENANT_ID, lambda tenant: replace(tenant, listening=with_readers(tenant.listening, readers, NOW) or tenant.listening))
    world.event()
    world.poster.script = [Posted(410)]
    world.deliver()
    events: Any = world.deps.events
    assert [(event.kind, event.webhooks) for event in events.told[1:]] == [(kind, ()) for kind in readers]


def test_endpoint_that_has_failed_for_five_days_is_disabled() -> None:
    world = World()
    world.webhook(failing_since=NOW - FAILING_FOR, failure_count=40)
    world.event()
    world.poster.script = [NotPosted("timeout")]
    world.deliver()
    assert (world.endpoint().active, world.endpoint().inactive_reason, world.endpoint().failure_count) == (False, WebhookReason.FAILING, 41)
    assert "webhook.disabled" in world.actions()
    world.clock.advance(5 * SECOND)
    world.deliver()
    assert (world.delivery().state, world.delivery().reason) == (DeliveryState.DROPPED, "webhook_inactive")


def test_success_clears_what_was_noted_of_failures(world: World) -> None:
    world.poster.script = [Posted(500)]
    world.deliver()
    assert (world.endpoint().failure_count, world.endpoint().failing_since) == (1, NOW)
    world.clock.advance(5 * SECOND)
    world.deliver()
    after = world.endpoint()
    assert (after.failure_count, after.failing_since, after.last_triggered_at) == (0, None, NOW)


def test_webhook_that_was_disabled_meanwhile_is_not_disabled_a_second_time(world: World) -> None:
    def disable() -> None:
        world.deps.webhooks.update(
            TENANT_ID, "webhook-1", lambda webhook: replace(webhook, active=False, inactive_reason=WebhookReason.BY_CALLER), trail("x.y", ACTOR, NOW)
        )

    world.poster.script, world.poster.meanwhile = [Posted(410)], disable
    world.deliver()
    assert world.endpoint().inactive_reason is WebhookReason.BY_CALLER
    assert "webhook.disabled" not in world.actions()


def test_webhook_that_is_removed_while_it_is_posted_to_is_no_trouble(world: World) -> None:
    for answer in (Posted(410), Posted(500), Posted(200)):
        world.event(f"event-{answer.status}")
        world.poster.script = [answer]
        world.poster.meanwhile = lambda: world.deps.webhooks.delete(TENANT_ID, "webhook-1", trail("webhook.deleted", ACTOR, NOW))
        assert world.deliver(replace(KEY, event_id=f"event-{answer.status}")) == Finished()
        world.webhook()


def test_failure_that_would_disable_by_what_is_stored_now_is_left_to_the_next_attempt(world: World) -> None:
    def age() -> None:
        world.deps.webhooks.update(TENANT_ID, "webhook-1", lambda webhook: replace(webhook, failing_since=NOW - FAILING_FOR))

    world.poster.script, world.poster.meanwhile = [Posted(500)], age
    world.deliver()
    assert world.endpoint().active
    world.poster.script, world.poster.meanwhile = [Posted(500)], None
    world.clock.advance(10 * SECOND)
    world.deliver()
    assert (world.endpoint().active, world.actions()[0]) == (False, "webhook.disabled")


def test_endpoint_with_too_many_attempts_under_way_is_waited_for_and_no_other_is() -> None:
    world, answers = World(), []
    world.webhook()
    world.webhook(id="webhook-2")
    names = [f"event-{number}" for number in range(MOST_IN_FLIGHT + 1)]
    for endpoint in ("webhook-1", "webhook-2"):
        world.deps.slots.enter(f"{TENANT_ID}/{endpoint}")
        world.deps.slots.leave(f"{TENANT_ID}/{endpoint}", slow=False)
    for name in names:
        world.event(name, ("webhook-1", "webhook-2"))
    waiting = iter(names)

    def deliver_next() -> None:
        name = next(waiting, None)
        if name is not None:
            answers.append(world.deliver(replace(KEY, event_id=name)))
        if answers == [Busy(BUSY_SECONDS)]:
            world.poster.meanwhile = None
            answers.append(world.deliver(DeliveryKey(TENANT_ID, "webhook-2", names[0])))

    # While each of them is posted, the next one is asked for: the last one finds the endpoint's part of the threads taken.
    world.poster.meanwhile = deliver_next
    deliver_next()
    assert answers == [Busy(BUSY_SECONDS), *[Finished()] * (MOST_IN_FLIGHT + 1)]
    states = [world.delivery(replace(KEY, event_id=name)).state for name in names]
    assert states == [DeliveryState.DELIVERED] * MOST_IN_FLIGHT + [DeliveryState.PENDING]
    assert world.delivery(replace(KEY, event_id=names[-1])).attempts == 0
    assert world.delivery(DeliveryKey(TENANT_ID, "webhook-2", names[0])).state is DeliveryState.DELIVERED


def test_endpoint_that_takes_its_time_to_say_200_shares_its_threads_with_the_dead_ones(world: World) -> None:
    world.poster.meanwhile = lambda: world.clock.advance(13 * SECOND)
    assert world.deliver() == Finished()
    assert world.delivery().state is DeliveryState.DELIVERED
    dead, slow, other = f"{TENANT_ID}/dead", f"{TENANT_ID}/webhook-1", f"{TENANT_ID}/webhook-2"
    world.deps.slots.enter(dead)
    world.deps.slots.leave(dead, slow=True)
    world.deps.slots.enter(other)
    world.deps.slots.leave(other, slow=False)
    assert [world.deps.slots.enter(name) for name in [dead] * MOST_IN_FLIGHT + [slow, other]] == [*[True] * MOST_IN_FLIGHT, False, True]


def test_slot_is_given_back_whatever_happens(world: World) -> None:
    fault = Fault(1)
    broken = replace(world.deps, deliveries=Fragile(world.deps.deliveries, fault))
    for _ in range(3 * MOST_IN_FLIGHT):
        fault.steps = 0
        with pytest.raises(Crash):
            deliver_event(broken, KEY, "request")
    assert world.deliver() == Finished()


def _life(fault: Fault) -> None:
    world = World()
    world.webhook(events=frozenset({EventKind.NOTIFICATION_COMPLETED}))
    world.event()
    world.poster.script = [Posted(500), NotPosted("timeout")]
    names = ("deliveries", "webhooks", "tasks", "poster", "tenants")
    failing = replace(world.deps, **{name: Fragile(getattr(world.deps, name), fault) for name in names})
    attempts_seen = 0
    for _ in range(200):
        with suppress(Crash, Unavailable):
            deliver_event(failing, KEY, "request")
        stored = world.delivery()
        assert stored.attempts >= attempts_seen
        attempts_seen = stored.attempts
        if stored.state is DeliveryState.DELIVERED:
            break
        world.clock.advance(LEASE)
    assert world.delivery().state is DeliveryState.DELIVERED
    # An attempt that was lost with its call counts; nothing else adds one, and no attempt is made without counting.
    assert len(world.poster.posts) <= world.delivery().attempts <= 4
    world.event("event-2")
    deliver_event(world.deps, replace(KEY, event_id="event-2"), "request")
    assert world.endpoint().failing_since is None


def test_event_is_delivered_whichever_call_fails_and_every_attempt_is_counted() -> None:
    assert live_through_everything(_life) >= 40


@given(st.lists(st.sampled_from([Posted(200), Posted(410), Posted(500), Posted(302), NotPosted("timeout"), NotPosted("address")]), max_size=10))
def test_any_answers_end_in_a_state_with_a_reason_after_at_most_eight_posts(script: list[Posted | NotPosted]) -> None:
    world = World(poster=ScriptedWebhookPoster(script=list(script)))
    world.webhook()
    world.event()
    world.deliver_until_it_ends()
    ended = world.delivery()
    taken = next((number for number, answer in enumerate(script[:8], 1) if answer in (Posted(200), Posted(410))), len(script) + 1)
    assert len(world.poster.posts) == ended.attempts == min(taken, 8)
    assert (ended.state is DeliveryState.DELIVERED) == (ended.reason is None)
    assert len(world.letters()) == (ended.state is DeliveryState.FAILED and ended.reason != "gone")
