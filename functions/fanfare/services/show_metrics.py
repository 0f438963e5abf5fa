"""Reading the fleet's numbers for a scrape, at most once a minute and instance."""

from __future__ import annotations

from fanfare.domain.breaker import LONGEST_PROBE_WAIT
from fanfare.domain.broadcast_steering import is_laid_out
from fanfare.domain.notification import Counts
from fanfare.domain.progress import with_sums
from fanfare.domain.reading import Reading, held_of, progress_of
from fanfare.ports import Deps
from fanfare.services.hold_tenant import MOST_HELD

MOST_UNDER_WAY = 50
"""Of a broadcast under way the sums of each of its stages are read: sixteen documents."""


def show_metrics(deps: Deps) -> Reading:
    """Read the numbers as the last rollup left them, and what is so now; both may be a minute old."""
    now = deps.clock.now()
    reading = deps.readings.recent(now)
    if reading is None:
        under_way = _under_way(deps)
        held = held_of(deps.tenants.find_needing_attention(now + LONGEST_PROBE_WAIT, MOST_HELD))
        reading = Reading(now, deps.metrics.read_counters(), held, len(under_way), progress_of(under_way))
        deps.readings.keep(reading)
    return reading


def _under_way(deps: Deps) -> list[Counts]:
    """What the notifications that are being sent have come to, whether that is tallied or not."""
    found = deps.metrics.find_under_way(MOST_UNDER_WAY)
    many = [notification for notification in found if is_laid_out(notification)]
    progress = deps.progress.recent_progress(many)
    counts = [with_sums(notification, one.total).counts for notification, one in zip(many, progress, strict=True)]
    return [*counts, *(notification.counts for notification in found if not is_laid_out(notification))]
