"""`make bench-api`: how long `POST /api/v1/notify/` takes beside what it can't do without.

The bare work is one Firestore commit of the very documents that the request stores, and the creation of its task, by the same client libraries and
nothing else. Both are asked by eight threads that wait for their answers; they take turns, round by round, so that a slower minute of the machine
hits both. The task queue is paused: nothing is delivered meanwhile.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import requests

from local.environment import REGION
from local.errors import StackError
from local.firebase import PROJECT
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.bench import report

sys.path.append(str(ROOT / "functions"))

from tests.bench.api_contestants import BareWork, NotifyRoute, authentication_micros

THREADS = 8
PARTS = frozenset({"firestore", "fcm", "cloud", "api"})
MARKER = "bench-api"
_COLUMNS = ("", "ms, median", "ms, 95 %", "÷ bare", "requests/s")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: rounds of each, and requests a thread and round."""

    rounds: int
    requests: int


FULL = Plan(rounds=9, requests=60)
QUICK = Plan(rounds=3, requests=20)


@dataclass(slots=True)
class Latencies:
    """All measured calls of one contestant, in seconds, and the time that its rounds took."""

    title: str
    threads: int
    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0

    @property
    def middle(self) -> float:
        """The median in milliseconds."""
        return median(self.seconds) * 1e3

    @property
    def high(self) -> float:
        """What 95 % stay below, in milliseconds."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.95)] * 1e3

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return len(self.seconds) / self.wall


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds; printed only, docs/performance.md stays as it is")
    quick = parser.parse_args(arguments).quick
    try:
        with TemporaryDirectory(prefix="fanfare-bench-") as folder:
            text = _run(Path(folder), QUICK if quick else FULL)
    except (StackError, RuntimeError, requests.RequestException) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    if not quick:
        report.write_between_markers(ROOT / "docs/performance.md", text, MARKER)
    return 0


def _run(folder: Path, plan: Plan) -> str:
    with Stack(StackSettings(), folder=folder / "stack", parts=PARTS) as stack:
        # The Firestore client finds the emulator by the environment alone.
        os.environ.update(stack.environment)
        _pause_queue(stack)
        route = NotifyRoute(stack)
        bare = BareWork(stack, route.documents())
        measured = [_take_turns(bare, route, plan, threads) for threads in (1, THREADS)]
        rows = [row for pair in measured for row in _rows(*pair)]
        return _text(rows, authentication_micros(route))


def _pause_queue(stack: Stack) -> None:
    url = f"{stack.cloud_url}/v2/projects/{PROJECT}/locations/{REGION}/queues/send:pause"
    requests.post(url, json={}, timeout=10).raise_for_status()


def _take_turns(bare: BareWork, route: NotifyRoute, plan: Plan, threads: int) -> tuple[Latencies, Latencies]:
    suffix = "one at a time" if threads == 1 else f"{threads} at once"
    both = (Latencies(f"the bare commit and task, {suffix}", threads), Latencies(f"`POST /api/v1/notify/`, {suffix}", threads))
    # Round 0 warms up: imports, connections and caches are no request's cost.
    for number in range(plan.rounds + 1):
        for contestant, latencies in zip((bare.perform, route.perform), both, strict=True):
            seconds, wall = _ask(contestant, plan.requests, threads)
            if number:
                latencies.seconds += seconds
                latencies.wall += wall
    return both


def _ask(perform: Callable[[], None], requests_each: int, threads: int) -> tuple[list[float], float]:
    def ask(_: int) -> list[float]:
        seconds = []
        for _ in range(requests_each):
            began = time.perf_counter()
            perform()
            seconds.append(time.perf_counter() - began)
        return seconds

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        found = [second for one in pool.map(ask, range(threads)) for second in one]
    return found, time.perf_counter() - began


def _rows(bare: Latencies, route: Latencies) -> list[list[str]]:
    return [
        [found.title, f"**{found.middle:.1f}**", f"{found.high:.1f}", f"{found.middle / bare.middle:.2f}", f"{found.per_second:.0f}"]
        for found in (bare, route)
    ]


def _text(rows: list[list[str]], micros: float) -> str:
    return "\n".join(
        [
            f"`make bench-api` made this section. {report.machine()}",
            "One process of `api`, the Firestore emulator and the Cloud Tasks stand-in on the same two cores; latencies of all rounds, in turns.",
            "",
            report.table(_COLUMNS, rows),
            "",
            f"Authenticating a client that the instance knows takes {micros:.1f} µs and no call.",
        ],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
