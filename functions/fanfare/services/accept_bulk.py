"""Accepting a request to send to many: check, resolve, create, store the rows chunk by chunk, let it be sent.

| stored under the request's key | a repeat |
|---|---|
| nothing | creates the notification, in state `accepting` |
| accepting, of another body | 409 |
| accepting, of this body: the first call died, or is still at it | goes on: adds those recipients who stand in no stored chunk yet |
| anything later | replays |

Nothing is sent before everything is stored, by one guarded write. What stands in a stored chunk is never packed again, whatever the repeat resolves:
every call adds after the chunks that it has read, and only where nobody else has added meanwhile. What the request says is stored anew with that last
write, as the call that made it has read it: its template may have changed since. Who never comes again is cancelled by the sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from fanfare.domain.bulk import BulkRequest, Refused, recall_refused
from fanfare.domain.call import Call
from fanfare.domain.chunk_limits import close_chunks
from fanfare.domain.errors import Unavailable
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.pace import pace_of, stages_of
from fanfare.domain.recipient import Recipient
from fanfare.ports import Deps
from fanfare.services.announce_status import status_events
from fanfare.services.new_events import nudge_deliveries
from fanfare.services.new_notification import earlier_of, replay_of
from fanfare.services.plan_bulk import BulkPlan, plan_bulk

ROUTE = "POST /api/v1/notify/bulk"
ACCEPTING_FOR = timedelta(minutes=10)
"""So long may the same request come again and go on; after that what it stored is cancelled."""
_TRIES = 8


@dataclass(frozen=True, slots=True)
class BulkAccepted:
    """The stored notification and what was wrong with the items that are not in it; `replayed` if an earlier request of the key had made it."""

    notification: Notification
    refused: Refused
    replayed: bool = False


def accept_bulk(deps: Deps, call: Call, request: BulkRequest) -> BulkAccepted:
    """Accept a request to send to many. InvalidRequest if nothing of it is sent; a repeat of the key goes on where an earlier call has died."""
    begun = earlier_of(deps, call, ROUTE)
    if begun is not None and _is_accepted(begun, request):
        return _replayed(begun, request)
    plan = plan_bulk(deps, call, request, ROUTE)
    if begun is None:
        accepting = _accepting(plan.notification)
        events = status_events(deps, None, accepting)
        begun = deps.notifications.accept(accepting, (), events=events)
        if begun is not None and _is_accepted(begun, request):
            return _replayed(begun, request)
        nudge_deliveries(deps, events if begun is None else ())
    if begun is None and not plan.rows:
        return BulkAccepted(plan.notification, plan.refused)
    return _store(deps, call, request, plan, begun)


def _is_accepted(begun: Notification, request: BulkRequest) -> bool:
    """Whether all of an earlier request is stored; IdempotencyMismatch if it was another one."""
    replay_of(begun, request.request_hash)
    return begun.status is not NotificationStatus.ACCEPTING


def _replayed(stored: Notification, request: BulkRequest) -> BulkAccepted:
    return BulkAccepted(stored, recall_refused(stored.request, request.refused), replayed=True)


def _accepting(notification: Notification) -> Notification:
    """The notification as it is while its rows are stored; one that reaches nobody has none and is complete at once."""
    if notification.status is NotificationStatus.COMPLETED:
        return notification
    until = notification.created_at + ACCEPTING_FOR
    return replace(notification, status=NotificationStatus.ACCEPTING, counts=Counts(), chunk_count=0, next_check_at=until)


def _store(deps: Deps, call: Call, request: BulkRequest, plan: BulkPlan, begun: Notification | None) -> BulkAccepted:
    chunks = _add_rows(deps, plan, resumed=begun is not None)
    answer = deps.recipients.queue(_queued(deps, plan.notification, chunks))
    if answer is None:
        raise Unavailable("The notification was removed while it was accepted.")
    stored, is_ours = answer
    if not is_ours:
        return _replayed(stored, request)
    if chunks:
        deps.tasks.enqueue_fanout(stored.tenant, stored.id, call.request_id)
    return BulkAccepted(stored, plan.refused)


def _add_rows(deps: Deps, plan: BulkPlan, *, resumed: bool) -> Sequence[Sequence[Recipient]]:
    """Store the rows of everybody who stands in no stored chunk; returns all chunks that are stored then."""
    tenant, notification_id = plan.notification.tenant, plan.notification.id
    stored = list(deps.recipients.read_all(tenant, notification_id)) if resumed else []
    for _ in range(_TRIES):
        chunks = list(close_chunks(_left(plan.rows, stored)))
        if deps.recipients.append(tenant, notification_id, len(stored), chunks) == len(chunks):
            return [*stored, *chunks]
        stored = list(deps.recipients.read_all(tenant, notification_id))
    raise Unavailable("Too many calls accept this request at once.", retry_after_seconds=1)


def _left(rows: Sequence[Recipient], stored: Sequence[Sequence[Recipient]]) -> Sequence[Recipient]:
    """A device may have another target by now, and a target another device: neither is reached twice."""
    devices = {row.device_id for chunk in stored for row in chunk}
    targets = {row.target for chunk in stored for row in chunk}
    return [row for row in rows if row.device_id not in devices and row.target not in targets]


def _queued(deps: Deps, notification: Notification, chunks: Sequence[Sequence[Recipient]]) -> Notification:
    """The notification as it is to be sent: its life begins now, however long its acceptance has taken."""
    now, targeted = deps.clock.now(), sum(map(len, chunks))
    if not targeted:
        nobody = replace(notification, status=NotificationStatus.COMPLETED, status_reason=StatusReason.NO_RECIPIENTS, completed_at=now)
        return replace(nobody, counts=Counts(), chunk_count=0, next_check_at=None)
    return replace(
        notification,
        status=NotificationStatus.QUEUED,
        status_reason=None,
        completed_at=None,
        counts=Counts(targeted=targeted, unsent=targeted),
        chunk_count=len(chunks),
        layout=Layout(Source.RECIPIENTS, stages=stages_of(len(chunks), pace_of(notification.request).ramp)),
        planned_at=now,
        next_check_at=now + FIRST_CHECK,
    )
