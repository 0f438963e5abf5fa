"""What is promised of a run, and whether it was kept."""

from __future__ import annotations

from dataclasses import dataclass

from tests.load.arrivals import Arrivals
from tests.load.plan import Plan
from tests.load.record import Record


@dataclass(frozen=True, slots=True)
class Promise:
    """What was promised, what came out, and whether that is enough."""

    text: str
    found: str
    is_kept: bool


def judge(plan: Plan, record: Record, arrived: Arrivals) -> list[Promise]:
    """Judge a run by what had arrived at its end; rates are over the whole run, to the moment at which that was asked."""
    seconds = arrived.at - record.began_at
    requests = sum(kind.requests for kind in record.kinds)
    errors = max(sum(kind.errors for kind in record.kinds), sum(error.times for error in record.errors))
    accepted, delivered = arrived.accepted / seconds, arrived.delivered / seconds
    return [
        Promise("no request fails", f"{errors:,} of {requests:,} failed", requests > 0 and errors == 0),
        Promise(f"{plan.least:,} notifications a second are accepted through bulk", f"{accepted:,.0f} a second", accepted >= plan.least),
        Promise(f"{plan.least:,} of them a second are delivered within the run", f"{delivered:,.0f} a second", delivered >= plan.least),
        Promise(
            "all that was accepted through bulk is delivered within the run",
            f"{arrived.delivered:,} of {arrived.accepted:,}",
            arrived.delivered == arrived.accepted > 0,
        ),
    ]
