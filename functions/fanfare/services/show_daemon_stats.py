"""The numbers that the fcmpy daemon showed: what was sent, what failed, what was cleaned, by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from fanfare.domain.analytics import NOTHING, Row, RowKey
from fanfare.domain.errors import Unavailable
from fanfare.ports import Deps

DAYS = 30
"""So many days before today are shown."""


@dataclass(frozen=True, slots=True)
class DaemonStats:
    """`today` is at most five minutes old; `days` are those before on which anything was counted, the latest first.

    Both are nothing where the database does not answer.
    """

    today: Row
    days: Sequence[Row] = ()
    is_connected: bool = True


def show_daemon_stats(deps: Deps, tenant: str) -> DaemonStats:
    """The tenant's numbers. A database that does not answer is told of, and no error."""
    today = deps.clock.now().astimezone(UTC).date()
    nothing = Row(RowKey(today), NOTHING)
    try:
        rows = deps.analytics.totals(tenant, today - timedelta(days=DAYS), today)
    except Unavailable:
        return DaemonStats(nothing, is_connected=False)
    before = [row for row in rows if row.key.day < today]
    return DaemonStats(next((row for row in rows if row.key.day == today), nothing), before[::-1])
