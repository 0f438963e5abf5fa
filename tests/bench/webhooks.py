"""`make bench-webhooks`: how fast one process delivers events, beside bare `requests`, and what an endpoint that hangs does to the others.

Each way posts an event from sixteen threads to the same nginx, in turns. The service delivers as `webhook` does: claim, sign, post, store. Its stores
are in memory, so that the process alone is measured, and once more the real ones on the Firestore emulator.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from local.errors import StackError
from local.service_account import make_service_account
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.bench import report
from tests.bench.rates import Rate

sys.path.append(str(ROOT / "functions"))

from fanfare.config import Settings
from fanfare.domain.event import Event, EventKind, encode_event
from fanfare.domain.webhook import format_secret
from fanfare.domain.webhook_signature import sign
from fanfare.ports import Deps
from fanfare.services.provision import create_tenant
from fanfare.wiring import build_deps
from tests.bench.webhook_endpoint import silent_endpoint, taking_endpoint
from tests.bench.webhook_neighbour import Neighbour, measure_neighbour
from tests.bench.webhook_world import DATA, THREADS, Webhooks, memory_deps, with_memory_tenant

MARKER = "bench-webhooks"
PARTS = frozenset({"firestore", "cloud", "fcm"})
SECONDS = 10.0
_COLUMNS = ("", "posts/s", "÷ bare `requests`", "CPU µs a post")
_NEIGHBOUR_COLUMNS = ("the other endpoints' events", "ms, median", "ms, 95 %", "delivered")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: rounds, posts of each thread in a round, and with the emulator, and events of the hanging endpoint's neighbours."""

    rounds: int
    posts: int
    stored: int
    neighbours: int


FULL = Plan(rounds=7, posts=250, stored=20, neighbours=600)
QUICK = Plan(rounds=3, posts=60, stored=5, neighbours=200)


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.webhooks", description=__doc__)
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
    with ExitStack() as stack:
        (folder / "nginx").mkdir()
        url = stack.enter_context(taking_endpoint(folder / "nginx"))
        running = stack.enter_context(Stack(StackSettings(), folder=folder / "stack", parts=PARTS))
        deps = _real_deps(running)
        # Before anything else: it wants the machine quiet.
        silent = stack.enter_context(silent_endpoint())
        neighbours = measure_neighbour(url, silent, plan.neighbours, plan.rounds)
        rates = _measure(plan, url, _real_webhooks(running, deps, url))
    return _text(plan, rates, neighbours)


def _real_deps(stack: Stack) -> Deps:
    # The Firestore client finds the emulator by the environment alone.
    os.environ.update(stack.environment)
    return build_deps(Settings.from_env(stack.environment))


def _real_webhooks(stack: Stack, deps: Deps, url: str) -> Webhooks:
    tenant = create_tenant(deps, "Bench", make_service_account("fanfare-bench-webhooks", stack.environment["OAUTH_TOKEN_URI"])).id
    return Webhooks.create(deps, tenant, [url] * THREADS)


def _measure(plan: Plan, url: str, real: Webhooks) -> list[Rate]:
    memory = Webhooks.create(with_memory_tenant(memory_deps(), "bench"), "bench", [url] * THREADS)
    rates = [
        Rate("bare `requests`, a session for each thread"),
        Rate("the service, stores in memory"),
        Rate("the service, stores on the Firestore emulator"),
    ]
    # Round 0 warms up: imports, connections and caches are no post's cost.
    for number in range(plan.rounds + 1):
        seen = rates if number else [replace(rate, units=[], seconds=[], cpu=[]) for rate in rates]
        seen[0].measure(partial(_post_bare, url, plan.posts), [os.getpid()])
        for rate, webhooks, posts in ((seen[1], memory, plan.posts), (seen[2], real, plan.stored)):
            keys = webhooks.tell(posts)
            rate.measure(partial(webhooks.deliver, keys), [os.getpid()])
            webhooks.check(keys)
    return rates


def _post_bare(url: str, posts: int) -> int:
    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(lambda number: _post_session(url, posts, number), range(THREADS)))


def _post_session(url: str, posts: int, number: int) -> int:
    event = Event(f"event-{number}", "bench", EventKind.NOTIFICATION_COMPLETED, datetime.now(UTC), DATA)
    body = encode_event(event)
    headers = {**sign([format_secret(bytes(32))], event.id, event.at, body), "content-type": "application/json", "user-agent": "bench"}
    with requests.Session() as session:
        for _ in range(posts):
            session.post(url, data=body, headers=headers, timeout=SECONDS).raise_for_status()
    return posts


def _text(plan: Plan, rates: Sequence[Rate], neighbours: Sequence[Neighbour]) -> str:
    bare = rates[0]
    rows: Callable[[Rate], list[str]] = lambda rate: [  # noqa: E731 - one row
        rate.title,
        f"**{rate.per_second:,.0f}**",
        f"{rate.per_second / bare.per_second:.2f}",
        f"{rate.cpu_micros:,.0f}",
    ]
    alone, beside = neighbours
    change = (beside.median_ms / alone.median_ms - 1) * 100
    return "\n".join(
        [
            f"`make bench-webhooks` made this section. {report.machine()}",
            f"{THREADS} threads of one process post to one nginx on the same two cores; {plan.posts} posts a thread and round",
            f"({plan.stored} with the emulator), the median of {plan.rounds} rounds in turns. CPU is that of the process that posts.",
            "",
            report.table(_COLUMNS, [rows(rate) for rate in rates]),
            "",
            f"An endpoint that hangs, a quarter of all events being for it: what it does to the {plan.neighbours} events a round for the others,",
            "from their task to their end.",
            "",
            report.table(_NEIGHBOUR_COLUMNS, [found.row() for found in neighbours]),
            "",
            f"The others' median changes by {change:+.1f} %.",
        ],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
