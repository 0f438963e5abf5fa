"""What became of a notification."""

from __future__ import annotations

from collections.abc import Sequence

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import NotFound
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Result
from fanfare.domain.progress import deliveries_of, with_progress
from fanfare.ports import Deps


def get_notification(deps: Deps, tenant: str, notification_id: str) -> Notification:
    """Find a notification with its present state; NotFound if the tenant has none of this id."""
    found = deps.notifications.get_with_chunk(ChunkKey(tenant, notification_id, 0))
    if found is None:
        raise NotFound("There is no such notification.")
    return with_progress(*found)


def list_deliveries(deps: Deps, tenant: str, notification_id: str) -> Sequence[tuple[str, Result]]:
    """Every recipient's device id and outcome, in the order in which they were resolved; NotFound as above."""
    found = deps.notifications.get_with_chunk(ChunkKey(tenant, notification_id, 0))
    if found is None:
        raise NotFound("There is no such notification.")
    notification, chunk = found
    recipients = deps.notifications.read_recipients(ChunkKey(tenant, notification.id, 0))
    return deliveries_of(recipients, chunk.results if chunk else {})
