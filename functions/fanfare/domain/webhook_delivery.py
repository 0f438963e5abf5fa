"""One event on its way to one webhook.

| state | a call of `webhook` | what brings it on |
|---|---|---|
| pending, before next_attempt_at | has nothing to do, or waits the few seconds by which clocks differ | the due task, or the sweep |
| pending, due | claims it and posts | |
| sending, lease running | is told to wait | |
| sending, lease over | takes it over: the attempt before was lost with its instance, and counts | the queue's retry, or the sweep |
| delivered, failed, dropped | has nothing to do | a replay makes it pending again |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from fanfare.domain.event import Event, EventKind

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 10 * 3_600))
"""How long after the attempt before each attempt is made, the first at once: eight over some 28 hours."""
TIMEOUT = timedelta(seconds=15)
"""So long may an endpoint take to answer."""
LEASE = timedelta(seconds=45)
NUDGE_GRACE = timedelta(seconds=60)
"""The sweep gives a task this long before it takes its place."""


class DeliveryState(StrEnum):
    """Where a delivery stands; the last three are final."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"
    """The webhook is gone or inactive."""


FINAL_DELIVERY_STATES = frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.DROPPED})


@dataclass(frozen=True, slots=True)
class DeliveryKey:
    """Which delivery: what a task carries, and nothing more."""

    tenant: str
    webhook_id: str
    event_id: str


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """The stored state of a delivery. `last_status` is the endpoint's last answer, 0 where it gave none; `last_error` says in a word why it was none.

    `owner` names the claim of the attempt that is under way. `reason` is why it has ended as it has.
    """

    key: DeliveryKey
    kind: EventKind
    state: DeliveryState
    created_at: datetime
    next_attempt_at: datetime | None
    next_check_at: datetime | None
    attempts: int = 0
    owner: str = ""
    lease_until: datetime | None = None
    last_attempt_at: datetime | None = None
    last_status: int = 0
    last_error: str | None = None
    reason: str | None = None
    completed_at: datetime | None = None
    request_id: str = ""
    revision: object = field(default=None, compare=False, repr=False)


def new_delivery(event: Event, webhook_id: str) -> WebhookDelivery:
    """What is stored with an event for each webhook that wants it: due at once."""
    key = DeliveryKey(event.tenant, webhook_id, event.id)
    return WebhookDelivery(key, event.kind, DeliveryState.PENDING, event.at, event.at, event.at + NUDGE_GRACE, request_id=event.request_id)
