"""Summing the receipts of all tenants, page after page, in the order in which the server noted them.

One commit adds a page and moves the place that was come to, so that a job which is broken off, or sent again, or which two instances do at once,
counts nothing twice: the slower one finds the place moved, and stops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.notification import Notification
from fanfare.domain.receipt_sums import NOTED_LAG, Noted, chunk_of, newly_seen, sum_receipts
from fanfare.domain.receipts import ReceiptEvent
from fanfare.ports import Deps

PAGE = 200
"""So many receipts are summed by one commit: at most as many notifications, and two rows for each."""
WORKING_TIME = timedelta(seconds=200)
"""A task that has worked so long asks for another one: its call is given up after 300 seconds."""
MOST_STARTS = 20_000
_TRIES = 3


def nudge_receipts(deps: Deps, request_id: str) -> bool:
    """Ask for the summing of receipts, if there are any to sum; returns whether it was asked for. A lost nudge is the next tick's."""
    places, _ = deps.receipt_sums.get_places()
    until = deps.clock.now() - NOTED_LAG
    if any(deps.receipt_sums.find_noted(event, until, 1, places.get(event)) for event in ReceiptEvent):
        return deps.tasks.enqueue_receipts(request_id)
    return False


@dataclass(slots=True)
class _Job:
    """One call's work: how many receipts it has summed, and when the chunks that it met were sent."""

    deps: Deps
    most_starts: int
    summed: int = 0
    started: dict[ChunkKey, datetime | None] = field(default_factory=dict)


def roll_up_receipts(deps: Deps, request_id: str, *, most_starts: int = MOST_STARTS) -> int:
    """Sum what was noted since the last time; returns how many receipts this call has summed. So many chunks' times it remembers meanwhile."""
    job, began = _Job(deps, most_starts), deps.clock.now()
    left = list(ReceiptEvent)
    # In turn: while more come than one call can sum, those that were read are not to wait for all that were delivered.
    while left:
        left = [event for event in left if _sum_page(job, event)]
        if left and deps.clock.now() - began >= WORKING_TIME:
            deps.tasks.enqueue_receipts(request_id)
            break
    deps.log.info("receipts_summed", receipts=job.summed)
    return job.summed


def _sum_page(job: _Job, event: ReceiptEvent) -> bool:
    """Sum a page of receipts; False: there are no more, or somebody else is at it."""
    deps = job.deps
    for _ in range(_TRIES):
        places, revision = deps.receipt_sums.get_places()
        page = deps.receipt_sums.find_noted(event, deps.clock.now() - NOTED_LAG, PAGE, places.get(event))
        if not page:
            return False
        notifications, platforms = _notifications(deps, page), _platforms(deps, page)
        started = _started(job, page, notifications) if event is ReceiptEvent.DELIVERED else {}
        sums = sum_receipts(event, page, notifications, platforms, started)
        if deps.receipt_sums.add(event, page[-1].place, revision, sums):
            job.summed += len(page)
            return len(page) == PAGE
        if deps.receipt_sums.get_places()[1] != revision:
            return False
        # A notification was removed since it was read: its receipts count nowhere any more.
    return False


def _notifications(deps: Deps, page: Sequence[Noted]) -> Mapping[tuple[str, str], Notification]:
    return {
        (tenant, found.notification.id): found.notification
        for tenant, own in _by_tenant(page).items()
        for found in deps.analytics.read_tallied(tenant, list(dict.fromkeys(each.receipt.key.notification_id for each in own)))
    }


def _platforms(deps: Deps, page: Sequence[Noted]) -> Mapping[tuple[str, str], str]:
    """The platforms of the devices; on the way it is noted that their apps were heard of, once a day."""
    platforms: dict[tuple[str, str], str] = {}
    for tenant, own in _by_tenant(page).items():
        device_ids = list(dict.fromkeys(each.receipt.key.device_id for each in own))
        for _ in range(_TRIES):
            seen = deps.receipt_sums.get_seen(tenant, device_ids)
            news = newly_seen(own, seen)
            if not news or deps.receipt_sums.note_seen(tenant, seen, news):
                break
        # A device that others change all the time was heard of by them; its next receipt says so again.
        platforms |= {(tenant, name): found.platform for name, found in seen.items()}
    return platforms


def _started(job: _Job, page: Sequence[Noted], notifications: Mapping[tuple[str, str], Notification]) -> Mapping[ChunkKey, datetime]:
    """When the messages of a page were sent; what a chunk says never changes, and is read once a job."""
    known = [(notifications.get((each.tenant, each.receipt.key.notification_id)), each.receipt.key.device_id) for each in page]
    keys = {key for notification, device_id in known if notification is not None and (key := chunk_of(notification, device_id)) is not None}
    missing = [key for key in keys if key not in job.started]
    if len(job.started) + len(missing) > job.most_starts:
        job.started, missing = {}, list(keys)
    found = job.deps.receipt_sums.started_at(missing)
    job.started.update((key, found.get(key)) for key in missing)
    return {key: at for key in keys if (at := job.started[key]) is not None}


def _by_tenant(page: Sequence[Noted]) -> Mapping[str, list[Noted]]:
    parts: dict[str, list[Noted]] = {}
    for each in page:
        parts.setdefault(each.tenant, []).append(each)
    return parts
