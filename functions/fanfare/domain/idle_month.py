"""What a deployment costs in a month in which nobody uses it: the ticks of its jobs, and what is paid for being there.

A tick's queries that find nothing cost a read each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fanfare.domain.cost import ASSUMED, GIB, VCPUS, Assumptions, Line
from fanfare.domain.prices import (
    DAYS_A_MONTH,
    FIRESTORE,
    GIB_SECONDS,
    JOBS,
    LOG_BYTES,
    REQUESTS,
    SECRET_ACCESSES,
    SECRET_VERSIONS,
    VCPU_SECONDS,
    Edition,
)

MINUTES_A_MONTH = DAYS_A_MONTH * 24 * 60
SECRETS = 5
"""Four of the deployment's own and the credential of one tenant, a version each."""
STARTS_A_DAY = 40
"""How often an instance of any function is assumed to start; each reads every secret once."""
TICK_LOG_BYTES = 300


@dataclass(frozen=True, slots=True)
class Ticks:
    """A scheduler job: how often it runs in a month, the reads of a tick that finds nothing, and the seconds billed for it."""

    name: str
    count: int
    reads: int
    seconds: float


TICKS: Sequence[Ticks] = (
    Ticks("schedule", MINUTES_A_MONTH, 11, 0.3),
    Ticks("rollup", MINUTES_A_MONTH // 5, 30, 0.3),
    Ticks("keepalive", MINUTES_A_MONTH, 1, 0.1),
    Ticks("cleanup", DAYS_A_MONTH, 20, 1.0),
)
"""One tenant, who does not ping: `rollup` looks at 16 buckets, `cleanup` at each collection that has a retention."""


def idle_month(edition: Edition = Edition.STANDARD_MULTI_REGION, assumed: Assumptions = ASSUMED) -> tuple[Line, ...]:
    """The bill of an idle month. A read that finds nothing is one document's in Standard and one unit in Enterprise."""
    ticks = sum(job.count for job in TICKS)
    seconds = sum(job.count * job.seconds for job in TICKS)
    return (
        Line("reads", sum(job.count * job.reads for job in TICKS), FIRESTORE[edition].reads),
        Line("instance time", seconds * VCPUS, VCPU_SECONDS),
        Line("memory", seconds * GIB, GIB_SECONDS),
        Line("requests", ticks, REQUESTS),
        Line("logs", ticks * (assumed.request_log_bytes + TICK_LOG_BYTES), LOG_BYTES),
        Line("jobs", len(TICKS), JOBS),
        Line("secrets", SECRETS, SECRET_VERSIONS),
        Line("secret accesses", STARTS_A_DAY * DAYS_A_MONTH * SECRETS, SECRET_ACCESSES),
    )
