"""What became of a notification."""

from __future__ import annotations

from collections.abc import Sequence

from fanfare.domain.broadcast_steering import is_laid_out
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.errors import NotFound
from fanfare.domain.notification import FINAL_STATUSES, Notification
from fanfare.domain.progress import with_progress, with_sums
from fanfare.domain.receipts import is_counted_live, with_receipts
from fanfare.ports import Deps

AT_ONCE = 10
"""So many notifications of many chunks are summed by one call: sixteen documents for each of their stages."""


def get_notification(deps: Deps, tenant: str, notification_id: str) -> Notification:
    """Find a notification with its present state; NotFound if the tenant has none of this id. Receipts of few recipients are counted now."""
    [notification] = _present(deps, [find_notification(deps, tenant, notification_id)])
    return with_receipts(notification, deps.receipts.count(tenant, notification.id)) if is_counted_live(notification) else notification


def get_notifications(deps: Deps, tenant: str, notification_ids: Sequence[str]) -> Sequence[Notification | None]:
    """Find notifications with their present states, in the order asked for; None for an id that the tenant has no notification of.

    Costs a read for each, one more for each that is under way, and of many chunks sixteen for each stage, of what is not known from the last second.
    """
    found = deps.notifications.get_many(tenant, list(dict.fromkeys(notification_ids)))
    present = dict(zip(found, _present(deps, list(found.values())), strict=True))
    return [present.get(name) for name in notification_ids]


def find_notification(deps: Deps, tenant: str, notification_id: str) -> tuple[Notification, Chunk | None]:
    """Find a notification with its first chunk, if that has begun; NotFound as above."""
    found = deps.notifications.get_with_chunk(ChunkKey(tenant, notification_id, 0))
    if found is None:
        raise NotFound.of("notification")
    return found


def _present(deps: Deps, found: Sequence[tuple[Notification, Chunk | None]]) -> list[Notification]:
    summed = [row for row, _ in found if is_laid_out(row) and row.status not in FINAL_STATUSES]
    groups = [summed[start : start + AT_ONCE] for start in range(0, len(summed), AT_ONCE)]
    progress = [one for group in groups for one in deps.progress.recent_progress(group)]
    sums = {row.id: one.total for row, one in zip(summed, progress, strict=True)}
    return [with_sums(row, sums[row.id]) if row.id in sums else with_progress(row, chunk) for row, chunk in found]
