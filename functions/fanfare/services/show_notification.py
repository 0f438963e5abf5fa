"""What became of a notification."""

from __future__ import annotations

from collections.abc import Sequence

from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.errors import NotFound
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Result
from fanfare.domain.progress import DeviceTrace, deliveries_of, trace_of, with_progress
from fanfare.ports import Deps


def get_notification(deps: Deps, tenant: str, notification_id: str) -> Notification:
    """Find a notification with its present state; NotFound if the tenant has none of this id."""
    return with_progress(*_find(deps, tenant, notification_id))


def get_notifications(deps: Deps, tenant: str, notification_ids: Sequence[str]) -> Sequence[Notification | None]:
    """Find notifications with their present states, in the order asked for; None for an id that the tenant has no notification of."""
    found = deps.notifications.get_many(tenant, list(dict.fromkeys(notification_ids)))
    return [with_progress(*found[name]) if name in found else None for name in notification_ids]


def trace_device(deps: Deps, tenant: str, notification_id: str, device_id: str) -> DeviceTrace:
    """Everything that is known of one recipient; NotFound if there is no such notification, or if it was not addressed to this device."""
    notification, chunk = _find(deps, tenant, notification_id)
    recipients = deps.notifications.read_recipients(ChunkKey(tenant, notification_id, 0))
    devices = deps.devices.get(tenant, [device_id])
    trace = trace_of(notification, chunk, recipients, device_id, devices[0] if devices else None)
    if trace is None:
        raise NotFound("This notification was not addressed to this device.")
    return trace


def list_deliveries(deps: Deps, tenant: str, notification_id: str) -> Sequence[tuple[str, Result]]:
    """Every recipient's device id and outcome, in the order in which they were resolved; NotFound as above."""
    notification, chunk = _find(deps, tenant, notification_id)
    recipients = deps.notifications.read_recipients(ChunkKey(tenant, notification.id, 0))
    return deliveries_of(recipients, chunk.results if chunk else {})


def _find(deps: Deps, tenant: str, notification_id: str) -> tuple[Notification, Chunk | None]:
    found = deps.notifications.get_with_chunk(ChunkKey(tenant, notification_id, 0))
    if found is None:
        raise NotFound.of("notification")
    return found
