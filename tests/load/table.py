"""The report, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.report import table
from tests.load.arrivals import Arrivals
from tests.load.record import Record
from tests.load.verdict import Promise

_COLUMNS = ("request", "requests", "a second", "errors", "p50 ms", "p95 ms", "p99 ms")


def render(record: Record, at_end: Arrivals, later: Arrivals, promises: Sequence[Promise]) -> str:
    """The requests, what went wrong, where the notifications are, and what was promised."""
    parts = [_crowd(record), _requests(record, at_end.at - record.began_at), *_errors(record), _arrivals(record, at_end, later), _promises(promises)]
    return "\n\n".join(parts)


def _crowd(record: Record) -> str:
    return f"{record.crowd:,} devices were registered through `POST /devices/bulk` before, in {record.crowd_seconds:.0f} s."


def _requests(record: Record, seconds: float) -> str:
    rows = [
        [
            f"`{kind.request}`",
            f"{kind.requests:,}",
            f"{kind.requests / seconds:.1f}",
            f"{kind.errors:,}",
            *("" if value is None else f"{value:,.0f}" for value in (kind.p50, kind.p95, kind.p99)),
        ]
        for kind in record.kinds
    ]
    return table(_COLUMNS, rows)


def _errors(record: Record) -> list[str]:
    rows = [[error.request, error.says.replace("|", "/").replace("\n", " "), f"{error.times:,}"] for error in record.errors]
    return [table(("what failed", "says", "times"), rows)] if rows else []


def _arrivals(record: Record, at_end: Arrivals, later: Arrivals) -> str:
    seconds = at_end.at - record.began_at
    told = (
        f"In {seconds:.0f} s {at_end.accepted:,} notifications were accepted in {len(record.bulk):,} requests through bulk and "
        f"{at_end.delivered:,} were delivered, {at_end.repeats:,} of them again."
    )
    missing = at_end.accepted - at_end.delivered
    return f"{told} {later.delivered - at_end.delivered:,} more came in the {later.at - at_end.at:.0f} s after it." if missing else told


def _promises(promises: Sequence[Promise]) -> str:
    return table(("promise", "found", ""), [[each.text, each.found, "kept" if each.is_kept else "**broken**"] for each in promises])
