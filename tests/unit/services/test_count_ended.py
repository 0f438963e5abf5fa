"""What has ended is counted once, some seconds after it happened, by whoever comes first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.device import InactiveReason
from fanfare.domain.event import Event, EventKind
from fanfare.domain.fleet_counters import ENDED_LAG
from fanfare.domain.registration import RegistrationPlan, deactivate
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.services.count_ended import count_ended
from fanfare.services.deliver_event import deliver_event
from fanfare.services.rollup import roll_up
from tests.factories import NOW, TENANT_ID, a_device, a_tenant, a_webhook
from tests.fakes import FixedClock, fake_deps
from tests.fakes.metrics import MemoryMetricsStore

SECOND = timedelta(seconds=1)


class _World:
    def __init__(self) -> None:
        self.clock = FixedClock()
        self.deps = fake_deps(clock=self.clock)
        self.deps.tenants.create(a_tenant())
        self.deps.webhooks.create(a_webhook(), trail("webhook.created", Actor(ActorKind.CLIENT, "client-1"), NOW))

    def retire(self, name: str) -> None:
        device = deactivate(a_device(id=name), InactiveReason.UNREGISTERED, self.clock.now())
        self.deps.devices.save(TENANT_ID, [RegistrationPlan(device)])

    def deliver(self, name: str) -> None:
        self.deps.events.record([Event(name, TENANT_ID, EventKind.NOTIFICATION_COMPLETED, self.clock.now(), {}, (), ("webhook-1",), "request-1")])
        deliver_event(self.deps, DeliveryKey(TENANT_ID, "webhook-1", name), "request-1")

    def count(self, after: timedelta = ENDED_LAG) -> Mapping[str, int]:
        self.clock.advance(after)
        count_ended(self.deps)
        return self.deps.metrics.read_counters()


def test_what_ended_is_counted_once() -> None:
    world = _World()
    world.retire("a")
    world.deliver("event-1")
    assert world.count() == {"retired.unregistered": 1, "webhooks.delivered": 1}
    assert world.count() == {"retired.unregistered": 1, "webhooks.delivered": 1}
    world.retire("b")
    assert world.count() == {"retired.unregistered": 2, "webhooks.delivered": 1}


def test_what_may_be_on_its_way_into_the_store_is_left_to_the_next_count() -> None:
    world = _World()
    world.retire("a")
    assert world.count(ENDED_LAG - SECOND) == {}
    assert world.count(SECOND) == {"retired.unregistered": 1}


def test_span_of_nothing_writes_nothing() -> None:
    world = _World()
    world.count()
    assert world.deps.metrics.get_counted() == (None, None)


def test_second_call_at_the_same_instant_adds_nothing() -> None:
    world = _World()
    world.retire("a")
    world.clock.advance(ENDED_LAG)
    assert [count_ended(world.deps) for _ in range(2)] == [1, 0]


def test_tick_that_another_one_has_overtaken_adds_nothing() -> None:
    world = _World()
    metrics = world.deps.metrics
    assert isinstance(metrics, MemoryMetricsStore)
    world.retire("a")
    world.clock.advance(ENDED_LAG)
    count = metrics.count_retired

    def overtaken(after: datetime | None, until: datetime) -> dict[str, int]:
        found = count(after, until)
        assert metrics.add_counted({"retired.unregistered": 1}, until, metrics.get_counted()[1])
        return found

    metrics.count_retired = overtaken  # type: ignore[method-assign]
    assert count_ended(world.deps) == 0
    assert metrics.read_counters() == {"retired.unregistered": 1}


def test_rollup_counts_what_has_ended() -> None:
    world = _World()
    world.deliver("event-1")
    world.clock.advance(ENDED_LAG)
    assert roll_up(world.deps, "request-1").ended == 1
