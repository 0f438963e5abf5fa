"""Recomputing a day: every notification of it is tallied anew from its chunks, and then the rows are made what the notifications say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from fanfare.domain.audit import AuditEntry
from fanfare.domain.broadcast_progress import Sums, sums_of
from fanfare.domain.broadcast_steering import is_laid_out
from fanfare.domain.call import Call
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import InvalidRequest, Unavailable
from fanfare.domain.filters import NotificationFilter
from fanfare.domain.notification import FINAL_STATUSES, Notification
from fanfare.domain.recomputing import correct, first_kept_day
from fanfare.domain.tallying import ByPlatform, contributions_of, decide_tally
from fanfare.ports import Deps
from fanfare.services.tally_notifications import WORKING_TIME, store_tallies

PAGE = 20
"""So many notifications are recomputed together: each one's chunk may hold the results of 500 recipients."""
_TRIES = 5


def request_recomputation(deps: Deps, call: Call, day: date) -> None:
    """Ask for a day's recomputation. InvalidRequest for a day to come, or one of which not everything is kept any more."""
    tenant = deps.tenants.get(call.tenant)
    today = deps.clock.now().astimezone(UTC).date()
    if tenant is None or not first_kept_day(today, tenant.settings.retention_days) <= day <= today:
        raise InvalidRequest.at("day", "must be a day of which all notifications and chunks are kept still: not to come, and within their retention")
    deps.audit.record(call.tenant, AuditEntry("analytics.recomputed", call.actor, deps.clock.now(), (day.isoformat(),)))
    if not deps.tasks.enqueue_recomputation(call.tenant, day, call.request_id):
        raise Unavailable("The recomputation could not be asked for.")


def recompute_day(deps: Deps, tenant: str, day: date, request_id: str, after: str | None = None) -> bool:
    """Recompute a day; repeated, it changes nothing more. False: it goes on in another task."""
    started_at, since = deps.clock.now(), datetime.combine(day, time(), UTC)
    filters = NotificationFilter(created_after=since, created_before=since + timedelta(days=1, microseconds=-1))
    while True:
        page = deps.notifications.list(tenant, filters, PAGE, after)
        _tally_anew(deps, tenant, [notification.id for notification in page.items])
        after = page.next_after
        if after is None:
            break
        if deps.clock.now() - started_at >= WORKING_TIME:
            deps.tasks.enqueue_recomputation(tenant, day, request_id, after)
            return False
    _correct(deps, tenant, day)
    return True


def _tally_anew(deps: Deps, tenant: str, notification_ids: Sequence[str]) -> None:
    """Tally notifications by their chunks; one that has changed meanwhile is marked, and tallied by the next tick."""
    found = deps.analytics.read_tallied(tenant, notification_ids)
    pairs = [(one, present) for one in found if (present := _from_chunks(deps, one.notification)) is not None]
    store_tallies(deps, [tally for one, present in pairs if (tally := decide_tally(one, present)).rows])


def _from_chunks(deps: Deps, notification: Notification) -> ByPlatform | None:
    """What a notification's chunks say that it has come to; None if they are not all kept any more.

    The chunk of a pass that is under way may be ahead of its notification, which gets the same, or more, with the pass's end.
    """
    sums = _many(deps, notification) if is_laid_out(notification) else _one(deps, notification)
    return contributions_of(notification, sums.counts, sums.platforms) if sums is not None else None


def _many(deps: Deps, notification: Notification) -> Sums | None:
    sums = deps.analytics.count_chunks(notification)
    return None if notification.status in FINAL_STATUSES and sums.done < notification.chunk_count else sums


def _one(deps: Deps, notification: Notification) -> Sums | None:
    [chunk] = deps.chunks.get_many([ChunkKey(notification.tenant, notification.id, 0)])
    if chunk is not None:
        return sums_of(chunk.results.values(), chunk.counts, is_final=False)
    return None if notification.counts.sent + notification.counts.failed else Sums()


def _correct(deps: Deps, tenant: str, day: date) -> None:
    for _ in range(_TRIES):
        compared = deps.analytics.compare(tenant, day)
        correction = correct(compared)
        if not correction or deps.analytics.correct(tenant, day, correction, compared.revision):
            deps.log.info("day_recomputed", tenant=tenant, day=day.isoformat(), rows=len(correction.rows))
            return
    raise Unavailable("Others recompute this day at once.", retry_after_seconds=10)
