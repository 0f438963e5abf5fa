"""`make bench-broadcast N=100000`: what a broadcast costs a recipient, beside plain libcurl, Google's SDK, and the same broadcast done the usual way.

Each round is a `POST /api/v1/notify` to everyone until the notification is completed; the audience of 20,000 is of documents that `fanout` compacted.
One process of `fanout` and one of `send` do all of it. The contestants take turns, round by round, so that a slower minute of the machine hits all of
them. CPU is that of the client's processes (user and system), read from outside, without Firestore's and FCM's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from local.errors import StackError
from local.firebase import PROJECT as FIRESTORE_PROJECT
from local.service_account import make_service_account
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.bench import report
from tests.bench.broadcaster import Broadcaster, Compaction
from tests.bench.process_clock import peak_mib
from tests.bench.rounds import Result, measure
from tests.bench.server import Server, running_server
from tests.bench.workers import Worker
from tests.bench.workload import PROJECT

FLOOR, SDK, USUAL = "libcurl", "send_each", "usual_way"
TITLES = {
    FLOOR: "plain libcurl (the floor)",
    SDK: "`firebase_admin` `send_each` alone",
    USUAL: "the usual way: a read a device, `send_each`, a write a delivery",
}
PARTS = frozenset({"firestore", "cloud", "api", "send", "fanout"})
MARKER = "bench-broadcast"
SIZES = (20_000, 100_000, 200_000)
_COLUMNS = ("", "shards", "CPU µs a recipient", "of it `fanout`", "÷ floor", "messages/s", "÷ `send_each`'s", "peak MiB")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: a broadcast to each of these sizes a round, and messages of the others.

    In an audience of at most `registered` devices these have documents, which `fanout` compacts; those of a larger one are packed straight into it.
    """

    sizes: tuple[int, ...]
    rounds: int = 5
    floor_messages: int = 10_000
    sdk_messages: int = 1_000
    usual_messages: int = 2_000
    registered: int = 20_000


@dataclass(slots=True)
class Size:
    """What broadcasts to one audience came to: the rounds, `fanout`'s CPU µs a recipient in each, and the audience's first compaction.

    `chunks` and `sent` are what the notifications say, that of the round that warms up included.
    """

    devices: int
    shards: int
    compaction: Compaction | None
    result: Result
    chunks: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    fanout_micros: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that the report says."""

    sizes: list[Size]
    others: dict[str, Result]
    server: str


def plan_for(devices: int) -> Plan:
    """The sizes of the table up to so many devices, and that one itself."""
    return Plan((*(size for size in SIZES if size < devices), devices))


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.broadcast", description=__doc__)
    parser.add_argument("devices", type=int, nargs="?", default=100_000, help="the largest audience")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    given = parser.parse_args(arguments)
    try:
        with TemporaryDirectory(prefix="fanfare-bench-") as folder:
            outcome = run(Path(folder), plan_for(given.devices))
    except (StackError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    text = render(outcome)
    sys.stdout.write(f"{text}\n")
    if given.write:
        report.write_between_markers(ROOT / "docs/performance.md", text, MARKER)
    return 0


def run(folder: Path, plan: Plan) -> Outcome:
    """Start a stack and let the contestants take turns. RuntimeError unless every message of every round was accepted."""
    # Coverage's instruments would be measured too.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    with running_server(folder / "server") as server, ExitStack() as contestants:
        settings = StackSettings(fcm_endpoint=server.url, fcm_ca_bundle=str(server.ca))
        stack = contestants.enter_context(Stack(settings, folder=folder / "stack", parts=PARTS, environment=environment))
        workers = {name: contestants.enter_context(worker) for name, worker in _workers(folder, server, stack, plan).items()}
        others = {name: Result(title) for name, title in TITLES.items()}
        sizes = [_measure(stack, server, workers, others, plan, devices) for devices in plan.sizes]
        for name, worker in workers.items():
            others[name].peak_mib = max(peak_mib(pid) for pid in worker.pids)
        return Outcome(sizes, others, server.description)


def _workers(folder: Path, server: Server, stack: Stack, plan: Plan) -> dict[str, Worker]:
    token_uri = stack.environment["OAUTH_TOKEN_URI"]
    settings = folder / "contestants.json"
    said = {
        "url": server.url,
        "ca": str(server.ca),
        "token_uri": token_uri,
        "account": make_service_account(PROJECT, token_uri),
        "firestore_host": stack.firestore_host,
        "firestore_project": FIRESTORE_PROJECT,
        "devices": plan.usual_messages,
    }
    settings.write_text(json.dumps(said), encoding="utf-8")
    return {name: Worker(name, settings, ca=server.ca) for name in TITLES}


def _measure(stack: Stack, server: Server, workers: dict[str, Worker], others: dict[str, Result], plan: Plan, devices: int) -> Size:
    """Broadcast to an audience of one size, in turns with the others."""
    broadcaster = Broadcaster(stack, devices)
    compaction = broadcaster.register_devices() if devices <= plan.registered else broadcaster.pack_devices()
    size = Size(devices, broadcaster.audience().shards, compaction, Result(f"a broadcast to {devices:,}"))
    messages = {FLOOR: plan.floor_messages, SDK: plan.sdk_messages, USUAL: plan.usual_messages}
    # Round 0 warms up: imports, connections, tokens and caches are no message's cost.
    for number in range(plan.rounds + 1):
        for name, worker in workers.items():
            cost = measure(name, worker.send, messages[name], pids=worker.pids, server_pid=server.pid)
            if number:
                others[name].rounds.append(cost)
        cost = measure(size.result.title, broadcaster.send, devices, pids=broadcaster.pids, server_pid=server.pid)
        size.chunks.append(broadcaster.chunks)
        size.sent.append(broadcaster.sent)
        if number:
            size.result.rounds.append(cost)
            size.fanout_micros.append(broadcaster.cpu["fanout"] / devices * 1e6)
    size.result.peak_mib = broadcaster.peak_mib
    return size


def render(outcome: Outcome) -> str:
    """The tables, as Markdown."""
    floor, sdk, usual = (outcome.others[name] for name in (FLOOR, SDK, USUAL))
    rows = [_row(size.result, floor, sdk, f"{size.shards}", f"{median(size.fanout_micros):.1f}") for size in outcome.sizes]
    rows += [_row(result, floor, sdk, "", "") for result in (floor, sdk, usual)]
    first, last = outcome.sizes[0], outcome.sizes[-1]
    return "\n".join(
        [
            f"`make bench-broadcast N={last.devices}` made this section. {report.machine()}",
            f"Server: {outcome.server}.",
            f"The median of {len(first.result.rounds)} rounds in turns, best and worst in parentheses. The tenant's quota is the highest, its lane",
            "is hot: pacing is not what is measured. Messages/s: from the request until the notification is completed.",
            "",
            report.table(_COLUMNS, rows),
            "",
            _comparison(first, last, usual),
            *(_compaction(size.devices, size.compaction) for size in outcome.sizes if size.compaction),
        ],
    )


def _comparison(first: Size, last: Size, usual: Result) -> str:
    change = last.result.cpu_micros / first.result.cpu_micros - 1
    than = f"; that is {abs(change):.0%} {'more' if change > 0 else 'less'} than one of {first.devices:,}" if first is not last else ""
    times = usual.cpu_micros / last.result.cpu_micros
    return f"The usual way costs {times:.0f} times what a recipient of {last.devices:,} costs{than}."


def _row(result: Result, floor: Result, sdk: Result, shards: str, fanout: str) -> list[str]:
    low, high = result.cpu_range
    return [
        result.title,
        shards,
        f"**{result.cpu_micros:,.1f}** ({low:,.1f} to {high:,.1f})",
        fanout,
        f"{result.cpu_micros / floor.cpu_micros:.2f}",
        f"{result.messages_per_second:,.0f}",
        f"{result.messages_per_second / sdk.messages_per_second:.1f}",
        f"{result.peak_mib:.0f}",
    ]


def _compaction(devices: int, first: Compaction) -> str:
    return (
        f"The first compaction of {devices:,} device documents took {first.seconds:.0f} s, and {first.cpu_micros:.0f} µs of CPU of `fanout` a device."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
