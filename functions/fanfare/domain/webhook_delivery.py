"""One event on its way to one webhook.

| state | a call of `webhook` | what brings it on |
|---|---|---|
| pending, before next_attempt_at | has nothing to do, or waits the few seconds by which clocks differ | the due task, or the sweep |
| pending, due | claims it and posts; drops it if its webhook or its event is not there any more | |
| sending, lease running | is told to wait | |
| sending, lease over | takes it over: the attempt before was lost with its instance, and counts | the queue's retry, or the sweep |
| sending, lease over, no attempt left | ends it as failed | |
| delivered, failed, dropped | has nothing to do | a replay makes it pending again |
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from fanfare.domain.chunk import CLOCK_SKEW, Busy, Finished
from fanfare.domain.endpoint_answer import NotPosted, Posted, error_of, is_gone, is_taken, wait_asked_for
from fanfare.domain.event import Event, EventKind, StoredEvent
from fanfare.domain.webhook import Webhook

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 10 * 3_600))
"""How long after the attempt before each attempt is made, the first at once: eight over some 28 hours."""
LEASE = timedelta(seconds=45)
NUDGE_GRACE = timedelta(seconds=60)
"""The sweep gives a task this long before it takes its place."""
SWEPT_AGAIN = timedelta(minutes=10)
"""What the sweep has nudged it leaves alone for so long: where an endpoint is slow, thousands may wait, and none of them is lost."""


class DeliveryState(StrEnum):
    """Where a delivery stands; the last three are final."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"
    """The webhook is gone or inactive, or the event is no longer kept."""


WEBHOOK_GONE = "webhook_removed"
WEBHOOK_INACTIVE = "webhook_inactive"
EVENT_GONE = "event_removed"
INTERRUPTED = "interrupted"
"""The last attempt was lost with its instance: whether it was taken is not known."""
ENDPOINT_GONE = "gone"
"""The endpoint answered 410: nothing will be taken there any more."""
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


def decide_delivery_claim(
    stored: WebhookDelivery, webhook: Webhook | None, event: StoredEvent | None, owner: str, now: datetime
) -> WebhookDelivery | Busy | Finished:
    """Decide what a call may do with a delivery: the state to store, which is `SENDING` where it is ours to attempt and final where it ends here."""
    waits = _waits(stored, now)
    if waits is not None:
        return waits
    if webhook is None or not webhook.active:
        return _ended(stored, DeliveryState.DROPPED, WEBHOOK_GONE if webhook is None else WEBHOOK_INACTIVE, now)
    if event is None:
        return _ended(stored, DeliveryState.DROPPED, EVENT_GONE, now)
    if stored.attempts >= len(DELAYS):
        return _ended(stored, DeliveryState.FAILED, INTERRUPTED, now)
    lease_until = now + LEASE
    claimed = replace(stored, state=DeliveryState.SENDING, owner=owner, lease_until=lease_until, attempts=stored.attempts + 1, last_attempt_at=now)
    return replace(claimed, next_attempt_at=None, next_check_at=lease_until)


def plan_after(claimed: WebhookDelivery, answer: Posted | NotPosted, now: datetime) -> WebhookDelivery:
    """What a delivery becomes by its attempt's answer: delivered, failed for good, or pending until its next attempt."""
    status = answer.status if isinstance(answer, Posted) else 0
    tried = replace(claimed, last_status=status, last_error=error_of(answer))
    if is_taken(answer):
        return _ended(tried, DeliveryState.DELIVERED, None, now)
    if is_gone(answer):
        return _ended(tried, DeliveryState.FAILED, ENDPOINT_GONE, now)
    if claimed.attempts >= len(DELAYS):
        return _ended(tried, DeliveryState.FAILED, tried.last_error or f"http_{status}", now)
    due = now + max(DELAYS[claimed.attempts], wait_asked_for(answer))
    return replace(tried, state=DeliveryState.PENDING, owner="", lease_until=None, next_attempt_at=due, next_check_at=due + NUDGE_GRACE)


def replayed_delivery(stored: WebhookDelivery | None, event: StoredEvent, webhook_id: str, now: datetime, request_id: str) -> WebhookDelivery | None:
    """Make a delivery due again with all its attempts ahead, or make one that never was; None while an attempt is under way."""
    if stored is not None and _is_under_way(stored, now):
        return None
    key = DeliveryKey(event.tenant, webhook_id, event.id)
    created_at = stored.created_at if stored is not None else now
    return WebhookDelivery(key, event.kind, DeliveryState.PENDING, created_at, now, now + NUDGE_GRACE, request_id=request_id)


def put_off_check(stored: WebhookDelivery, now: datetime) -> WebhookDelivery | None:
    """Note that a delivery was nudged by the sweep; None if it waits no longer. An attempt that was lost is left: touching it could undo its end."""
    if stored.state is not DeliveryState.PENDING or stored.next_check_at is None or stored.next_check_at > now:
        return None
    return replace(stored, next_check_at=now + SWEPT_AGAIN)


def is_exhausted(delivery: WebhookDelivery) -> bool:
    """Tell whether a delivery has failed although a replay may mend it; one whose endpoint is gone is not worth a dead letter."""
    return delivery.state is DeliveryState.FAILED and delivery.reason != ENDPOINT_GONE


def _waits(stored: WebhookDelivery, now: datetime) -> Busy | Finished | None:
    """What a call is told for which there is nothing to do, or not yet; None if there is."""
    if stored.state in FINAL_DELIVERY_STATES:
        return Finished()
    if _is_under_way(stored, now):
        return Busy(_seconds_until(stored.lease_until or now, now))
    due_at = stored.next_attempt_at
    if stored.state is not DeliveryState.PENDING or due_at is None or due_at <= now:
        return None
    return Busy(_seconds_until(due_at, now)) if due_at - now <= CLOCK_SKEW else Finished()


def _is_under_way(stored: WebhookDelivery, now: datetime) -> bool:
    return stored.state is DeliveryState.SENDING and stored.lease_until is not None and now < stored.lease_until


def _ended(delivery: WebhookDelivery, state: DeliveryState, reason: str | None, now: datetime) -> WebhookDelivery:
    ended = replace(delivery, state=state, reason=reason, completed_at=now, owner="", lease_until=None)
    return replace(ended, next_attempt_at=None, next_check_at=None)


def _seconds_until(at: datetime, now: datetime) -> int:
    return max(1, math.ceil((at - now).total_seconds()))
