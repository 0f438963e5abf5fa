"""A replay of a span of events to one webhook: what its tasks carry from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fanfare.domain.event_cursor import EventPlace
from fanfare.domain.webhook_delivery import DeliveryState, WebhookDelivery


@dataclass(frozen=True, slots=True)
class Replay:
    """Events after `place`, of a server's time of `until` or earlier. `asked_at` is when it was asked for: a task that comes twice knows by it."""

    tenant: str
    webhook_id: str
    place: EventPlace
    until: datetime
    asked_at: datetime


def is_replayed(delivery: WebhookDelivery | None, asked_at: datetime) -> bool:
    """Tell whether a delivery has come to what a replay was asked for already: it was taken since then, and need not be posted once more."""
    if delivery is None or delivery.state is not DeliveryState.DELIVERED or delivery.completed_at is None:
        return False
    return delivery.completed_at >= asked_at
