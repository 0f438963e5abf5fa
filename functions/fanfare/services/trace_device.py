"""Explaining one recipient: its row and result, its device, its receipt, and what webhooks were told of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from fanfare.domain.errors import NotFound
from fanfare.domain.event import StoredEvent
from fanfare.domain.event_cursor import before, place_of
from fanfare.domain.notification import Notification
from fanfare.domain.receipts import ReceiptKey
from fanfare.domain.trace import DeviceTrace, ToldWebhook, tells_of, trace_of
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.ports import Deps
from fanfare.services.find_delivery import find_delivery
from fanfare.services.new_events import listening_to
from fanfare.services.show_notification import find_notification

PAGE = 200
MOST_PAGES = 5
"""So many events of a notification are looked through: a broadcast has some for each of its chunks."""
_CLOCKS_DIFFER = timedelta(minutes=1)


def trace_device(deps: Deps, tenant: str, notification_id: str, device_id: str) -> DeviceTrace:
    """Everything that is known of one recipient; NotFound if there is no such notification, or if it was not addressed to this device."""
    notification, first = find_notification(deps, tenant, notification_id)
    recipients, chunk = find_delivery(deps, notification, first, device_id)
    devices = deps.devices.get(tenant, [device_id])
    trace = trace_of(notification, chunk, recipients, device_id, devices[0] if devices else None)
    if trace is None:
        raise NotFound("This notification was not addressed to this device.")
    key = ReceiptKey(notification_id, device_id)
    receipt = deps.receipts.get_many(tenant, [key]).get(key)
    return replace(trace, receipt=receipt, webhooks=tuple(_told(deps, notification, device_id)))


def _told(deps: Deps, notification: Notification, device_id: str) -> Iterator[ToldWebhook]:
    """The deliveries of events that name the recipient, to the webhooks that are active now."""
    webhooks = sorted(listening_to(deps, notification.tenant).webhooks)
    events = [event for event in _events(deps, notification) if tells_of(event, device_id)] if webhooks else []
    keys = [(event, DeliveryKey(notification.tenant, webhook, event.id)) for event in events for webhook in webhooks]
    for (event, _), delivery in zip(keys, deps.deliveries.get_many([key for _, key in keys]), strict=True):
        if delivery is not None:
            yield ToldWebhook(event.id, event.kind, event.created_at, delivery)


def _events(deps: Deps, notification: Notification) -> Iterator[StoredEvent]:
    place = before(notification.created_at - _CLOCKS_DIFFER)
    for _ in range(MOST_PAGES):
        page = deps.events.read_after(notification.tenant, place, deps.clock.now() + _CLOCKS_DIFFER, PAGE, notification_id=notification.id)
        yield from page
        if len(page) < PAGE:
            return
        place = place_of(page[-1])
