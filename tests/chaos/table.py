"""The figures of a run, as they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from statistics import median

from tests.chaos.evidence import cases
from tests.chaos.faults import REPEATING
from tests.chaos.judge import Promise
from tests.chaos.run import Report

FIRST_OFFENDERS = 10


def figures(report: Report) -> list[tuple[str, str]]:
    """What happened."""
    everybody = list(cases(report.evidence))
    dead = sum(case.person.dead for case in everybody)
    accepted = [case.accepted for case in everybody]
    repeats = sum(number - 1 for number in accepted if number)
    by_faults = sum(report.fault_hits.get(name, 0) for name in REPEATING)
    kills = len(report.kills)
    back = median(kill.back_seconds for kill in report.kills) if kills else 0
    by_kills = (repeats - by_faults) / max(1, kills)
    tasks = ", ".join(f"{report.tasks[name]:,} {name}" for name in ("created", "dispatched", "duplicated", "retried", "exhausted"))
    return [
        ("recipients", f"{len(everybody):,} ({len(everybody) - dead:,} live, {dead:,} dead) in {len(report.evidence.accounts)} notifications"),
        ("`send` killed", f"{kills} times, back after {back:.1f} s; {report.open_after_kills} notifications were open after the last"),
        ("passes cut off", f"{report.passes_cut_off:,}: claims that stood while no process of `send` lived"),
        ("Firestore stopped", f"{report.plan.firestore_stop_seconds:.0f} s"),
        ("posts repeated by the client", f"{report.posted_again}"),
        ("tasks", tasks),
        ("claims of chunks", f"{sum(chunk.claims for chunk in report.evidence.chunks):,} of {len(report.evidence.chunks)} chunks"),
        ("FCM accepted", f"{report.fcm['accepted']:,}, and gave no answer to {report.fcm['dropped']:,}"),
        ("FCM refused", ", ".join(f"{number:,} {code}" for code, number in sorted(report.refused.items()))),
        ("faults", ", ".join(f"{number:,} {name}" for name, number in report.fault_hits.items())),
        ("accepted more than once", f"{sum(number > 1 for number in accepted):,} recipients, at most {max(accepted, default=0)} times"),
        ("repeats", f"{repeats:,}, of which FCM's faults alone explain {by_faults:,}; {by_kills:.1f} a kill beside them"),
        ("seconds", f"{report.seconds:.0f}, of which {report.delivered_seconds:.0f} until everything was delivered"),
    ]


def render(report: Report) -> str:
    """The tables as Markdown, the first offenders below."""
    what = [("what happened", ""), ("---", "---"), *figures(report)]
    return "\n\n".join([_table(what), *render_promises(report.promises)])


def render_promises(promises: Sequence[Promise]) -> list[str]:
    """The table of the promises, and the first offenders of those that were broken."""
    how = [("promise", "tried on", "broken by"), ("---", "--:", "--:"), *(_row(promise) for promise in promises)]
    return [_table(how), *_offenders(promises)]


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(promise: Promise) -> tuple[str, str, str]:
    return promise.title, f"{promise.tried:,}", f"**{len(promise.offenders):,}**" if promise.offenders else "0"


def _offenders(promises: Sequence[Promise]) -> Iterator[str]:
    for promise in (promise for promise in promises if not promise.kept):
        lines = list(islice(promise.offenders, FIRST_OFFENDERS)) or ["it was tried on nobody"]
        yield "\n".join([f"BROKEN: {promise.title}", *(f"  {line}" for line in lines)])
