"""What the webhook benchmark delivers: a tenant's webhooks, each at an endpoint, and events on their way to them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from fanfare.adapters.system import SystemClock, SystemIdentifiers
from fanfare.adapters.webhook_poster import HardenedWebhookPoster
from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.event import Event, EventKind
from fanfare.domain.webhook import Webhook, format_secret
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.ports import Deps
from fanfare.services.deliver_event import deliver_event
from tests.factories import a_tenant
from tests.fakes import fake_deps

THREADS = 16
"""Those of one instance of `webhook`."""
PER_COMMIT = 50
_numbers = itertools.count(1)
DATA = {
    "notification_id": "AAAAAAAAAAAAAAAAAAAAAQ",
    "status": "completed",
    "status_reason": None,
    "counts": {"targeted": 500, "sent": 497, "failed": 3},
}


def memory_deps(*, timeout_seconds: float = 15.0) -> Deps:
    """The delivering service's surroundings: stores in memory, and the real poster."""
    poster = HardenedWebhookPoster(SystemClock(), local=True, timeout_seconds=timeout_seconds)
    return fake_deps(clock=SystemClock(), identifiers=SystemIdentifiers(), poster=poster)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Webhooks of one tenant, one for each URL, on any stores."""

    deps: Deps
    webhooks: Sequence[Webhook]

    @classmethod
    def create(cls, deps: Deps, tenant: str, urls: Sequence[str]) -> Webhooks:
        now, kinds = deps.clock.now(), frozenset({EventKind.NOTIFICATION_COMPLETED})
        webhooks = [
            Webhook(deps.identifiers.new_id(), tenant, url, kinds, format_secret(bytes([number]) * 32), now, now) for number, url in enumerate(urls)
        ]
        for webhook in webhooks:
            deps.webhooks.create(webhook, trail("webhook.created", Actor(ActorKind.FUNCTION, "bench"), now))
        return cls(deps, webhooks)

    def tell(self, number: int) -> list[DeliveryKey]:
        """Store so many events for each webhook; their deliveries, webhook after webhook."""
        keys: list[DeliveryKey] = []
        for webhook in self.webhooks:
            names = [f"event-{next(_numbers)}" for _ in range(number)]
            now = self.deps.clock.now()
            told = [Event(name, webhook.tenant, EventKind.NOTIFICATION_COMPLETED, now, DATA, (), (webhook.id,), "bench") for name in names]
            for first in range(0, number, PER_COMMIT):
                self.deps.events.record(told[first : first + PER_COMMIT])
            keys += [DeliveryKey(webhook.tenant, webhook.id, name) for name in names]
        return keys

    def deliver(self, keys: Sequence[DeliveryKey]) -> int:
        """Deliver, each webhook's in a thread of its own; how many were taken."""
        shares = [[key for key in keys if key.webhook_id == webhook.id] for webhook in self.webhooks]
        with ThreadPoolExecutor(len(shares)) as pool:
            list(pool.map(self._deliver_all, shares))
        return len(keys)

    def check(self, keys: Sequence[DeliveryKey]) -> None:
        """RuntimeError if any of them was not delivered at the first attempt."""
        for first in range(0, len(keys), 300):
            found = self.deps.deliveries.get_many(keys[first : first + 300])
            if any(row is None or (row.state.value, row.attempts) != ("delivered", 1) for row in found):
                raise RuntimeError("Not every event was delivered at its first attempt.")

    def _deliver_all(self, keys: Sequence[DeliveryKey]) -> None:
        for key in keys:
            deliver_event(self.deps, key, "bench")


def with_memory_tenant(deps: Deps, name: str) -> Deps:
    """A tenant in memory."""
    deps.tenants.create(replace(a_tenant(), id=name))
    return deps
