"""Counting what has ended since the last tick where nothing else sums it: deliveries to webhooks, and retired targets.

The database counts them by their indexes, so that neither costs a write when it happens. A span in which nothing ended is counted again with the next
one, and costs no write either.
"""

from __future__ import annotations

from collections.abc import Mapping

from fanfare.domain.fleet_counters import ENDED_LAG
from fanfare.domain.metrics import Counters, Family, add, named, present
from fanfare.ports import Deps


def count_ended(deps: Deps) -> int:
    """Add what has ended since the last count; returns how much this call has added: none where another one does the same."""
    after, revision = deps.metrics.get_counted()
    until = deps.clock.now() - ENDED_LAG
    if after is not None and until <= after:
        return 0
    webhooks = _named(Family.WEBHOOKS, deps.metrics.count_deliveries(after, until))
    retired = _named(Family.RETIRED, deps.metrics.count_retired(after, until))
    counted = add([webhooks, retired])
    return sum(counted.values()) if counted and deps.metrics.add_counted(counted, until, revision) else 0


def _named(family: Family, counted: Mapping[str, int]) -> Counters:
    return present({named(family, label): number for label, number in counted.items()})
