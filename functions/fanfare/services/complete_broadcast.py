"""The end of a stage and of a notification of many chunks: found by its last chunk, and by the sweep where that could not say so."""

from __future__ import annotations

from functools import partial

from fanfare.domain.broadcast_progress import Part, parts_of, size_of
from fanfare.domain.broadcast_steering import complete_broadcast
from fanfare.domain.chunk_rows import is_of_audience
from fanfare.domain.notification import FINAL_STATUSES, Notification, is_cancelling
from fanfare.ports import Deps
from fanfare.services.announce_status import status_telling


def end_part(deps: Deps, notification: Notification, part: Part, done: int, request_id: str) -> None:
    """Go on after a chunk's end, with which `done` chunks of its part are final: a stage's last lets `fanout` judge, the last of all completes."""
    layout = notification.layout
    if layout is None or done < size_of(layout, part):
        return
    if deps.progress.note_ended(notification.tenant, notification.id, part.stage) < len(parts_of(layout, part.stage)):
        return
    if part.stage < len(layout.stages) - 1 and not is_cancelling(notification):
        deps.tasks.enqueue_fanout(notification.tenant, notification.id, request_id)
    else:
        complete_if_done(deps, notification.tenant, notification.id)


def complete_if_done(deps: Deps, tenant: str, notification_id: str) -> bool:
    """End a notification whose chunks are all final, and let go of its audience; True if it has ended, now or before."""
    telling = status_telling(deps)
    settled = deps.progress.settle(tenant, notification_id, partial(complete_broadcast, now=deps.clock.now()), announce=telling.announce)
    if settled is None or settled.status not in FINAL_STATUSES:
        return False
    telling.nudge()
    release_audience(deps, settled)
    deps.log.info("notification_ended", notification=notification_id, status=settled.status.value, sent=settled.counts.sent)
    return True


def release_audience(deps: Deps, notification: Notification) -> None:
    """Unpin the generation that a broadcast has read."""
    if is_of_audience(notification):
        deps.audience.unpin(notification.tenant, notification.id)
