"""Tallying: what notifications have come to is added to the rows of their days, once, page after page.

A page is one commit. Where another writer has been faster with one of its notifications, it is stored in halves, down to one; what still can't be
stored then is found by the next tick, as is everything that a tally which was broken off has left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.broadcast_steering import is_laid_out
from fanfare.domain.fleet_counters import counters_of, sums_of_one
from fanfare.domain.notification import Notification
from fanfare.domain.tallying import Tally, Untallied, contributions_of, decide_tally
from fanfare.ports import Deps

PAGE = 100
"""So many notifications are stored by one commit: what they share of the rows is written once."""
WORKING_TIME = timedelta(seconds=200)
"""A task that has worked so long asks for another one: its call is given up after 300 seconds."""
MOST_TENANTS = 1_000
PAGES_OF_TENANTS = 10


@dataclass(frozen=True, slots=True)
class Tallied:
    """How many notifications were stored, and whether those that are left were put off to another task."""

    notifications: int = 0
    is_put_off: bool = False


def nudge_tallies(deps: Deps, request_id: str) -> int:
    """Ask for the tally of every tenant who has notifications to tally; returns how many it were."""
    nudged, after = 0, None
    for _ in range(PAGES_OF_TENANTS):
        page = deps.analytics.find_tenants(MOST_TENANTS, after)
        nudged += sum(deps.tasks.enqueue_tally(tenant, request_id) for tenant in page)
        if len(page) < MOST_TENANTS:
            break
        after = page[-1]
    return nudged


def tally_notifications(deps: Deps, tenant: str, request_id: str, after: str | None = None) -> Tallied:
    """Tally a tenant's notifications, those after an id; another call that does the same meanwhile is harmless."""
    started_at, stored = deps.clock.now(), 0
    while page := deps.analytics.find_untallied(tenant, PAGE, after):
        stored += store_tallies(deps, [tally for tally in (_tally(deps, found) for found in page) if _is_news(tally)])
        after = page[-1].notification.id
        if len(page) < PAGE:
            break
        if deps.clock.now() - started_at >= WORKING_TIME:
            deps.tasks.enqueue_tally(tenant, request_id, after)
            return _report(deps, tenant, Tallied(stored, is_put_off=True))
    return _report(deps, tenant, Tallied(stored))


def store_tallies(deps: Deps, tallies: Sequence[Tally]) -> int:
    """Store tallies of one tenant together, or in halves where one of them has changed; returns how many were stored."""
    if not tallies:
        return 0
    if deps.analytics.tally(tallies):
        return len(tallies)
    if len(tallies) == 1:
        return 0
    half = len(tallies) // 2
    return store_tallies(deps, tallies[:half]) + store_tallies(deps, tallies[half:])


def _tally(deps: Deps, found: Untallied) -> Tally:
    notification, sums = found.notification, _sums(deps, found.notification)
    return decide_tally(found, contributions_of(notification, sums.counts, sums.platforms), counters_of(notification, sums))


def _sums(deps: Deps, notification: Notification) -> Sums:
    """What a notification has come to; of many chunks their sums say it, read after the notification that guards them."""
    return deps.progress.read_progress(notification).total if is_laid_out(notification) else sums_of_one(notification)


def _is_news(tally: Tally) -> bool:
    """Tell whether storing it changes anything: a broadcast that is under way, and stands still, is looked at again at no cost."""
    return bool(tally.rows) or bool(tally.counted) or tally.is_over


def _report(deps: Deps, tenant: str, tallied: Tallied) -> Tallied:
    deps.log.info("tallied", tenant=tenant, notifications=tallied.notifications)
    return tallied
