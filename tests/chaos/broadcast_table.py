"""The transcript and the verdict of a tormented broadcast, as they are printed."""

from __future__ import annotations

from tests.chaos.broadcast_judge import repeats
from tests.chaos.broadcast_run import BroadcastReport
from tests.chaos.table import render_promises


def render_broadcast(report: BroadcastReport) -> str:
    """The transcript, the figures, and the promises; the first offenders below."""
    evidence, again = report.evidence, repeats(report.evidence)
    most = max((len(case.names) for case in evidence.cases), default=0)
    kills = ", ".join(f"`{name}` {number} times" for name, number in report.kills.items())
    figures = (
        f"{len(evidence.cases):,} devices in {len(evidence.chunks)} chunks; killed: {kills}; {report.cut_off} passes cut off;",
        f"{again:,} messages accepted again, at most {most} of one device; {report.seconds:.0f} s.",
    )
    transcript = ["```", *(f"{at:7.1f} s  {text}" for at, text in report.transcript), "```"]
    return "\n\n".join(["\n".join(transcript), "\n".join(figures), *render_promises(report.promises)])
