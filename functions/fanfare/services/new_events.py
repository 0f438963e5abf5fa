"""Making events, if somebody wants them, and nudging their deliveries once they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fanfare.domain.event import Event, EventKind
from fanfare.domain.listening import NOBODY, Listening, is_wanted, webhooks_for
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.ports import Deps


def listening_to(deps: Deps, tenant: str) -> Listening:
    """Who listens to a tenant's events, as this instance knows it."""
    known = deps.tenants.get(tenant)
    return known.listening if known is not None else NOBODY


def make_events(
    deps: Deps, tenant: str, kind: EventKind, data: Mapping[str, Any], *, notification_ids: Sequence[str] = (), request_id: str = ""
) -> tuple[Event, ...]:
    """Make an event of this kind; none if nobody listens. What is expensive to put together is put together after asking `listening_to`."""
    listening, now = listening_to(deps, tenant), deps.clock.now()
    if not is_wanted(listening, kind, now):
        return ()
    event_id = deps.identifiers.new_id()
    return (Event(event_id, tenant, kind, now, data, tuple(notification_ids), webhooks_for(listening, kind), request_id),)


def nudge_deliveries(deps: Deps, events: Iterable[Event]) -> None:
    """Ask for the delivery of events that are stored. A nudge that is lost is harmless: the sweep finds their deliveries."""
    for event in events:
        for webhook_id in event.webhooks:
            deps.tasks.enqueue_webhook(DeliveryKey(event.tenant, webhook_id, event.id), event.request_id)
