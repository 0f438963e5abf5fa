"""`make bench-send`: what a push costs our sender, Google's SDK and others, side by side in one run.

Everybody sends the same message to the same server over TLS and HTTP/2 on the loopback address. The contestants take turns, round by round, so that
a slower minute of the machine hits all of them. CPU is that of the client's process (user and system), read from outside.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.errors import StackError
from local.service_account import make_service_account
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.bench import report
from tests.bench.cold_start import Start, measure_starts
from tests.bench.function import SendFunction
from tests.bench.process_clock import peak_mib
from tests.bench.rival_venv import rival_python
from tests.bench.rounds import Result, measure
from tests.bench.server import Server, running_server
from tests.bench.workers import Worker
from tests.bench.workload import CHUNK, PROJECT

FLOOR, SENDER, VARIABLES, FUNCTION = "libcurl", "sender", "variables", "function"
SDK, SDK_ASYNC, RIVAL = "send_each", "send_each_async", "async_firebase"
TITLES = {
    FLOOR: "plain libcurl (the floor)",
    SENDER: "our sender: encode, transport, classify",
    VARIABLES: "our sender, variables: each message rendered alone",
    FUNCTION: "the whole `send` function, Firestore included",
    SDK: "`firebase_admin` `send_each`",
    SDK_ASYNC: "`firebase_admin` `send_each_async`",
    RIVAL: "`async-firebase` over HTTP/2",
}
SLOW = frozenset({SDK, SDK_ASYNC, RIVAL})
CHUNKS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. Every count of messages is a multiple of a chunk."""

    rounds: int
    messages: int
    slow_messages: int
    function_chunks: int
    starts: int


FULL = Plan(rounds=7, messages=10_000, slow_messages=1_000, function_chunks=10, starts=11)
QUICK = Plan(rounds=3, messages=2_000, slow_messages=500, function_chunks=2, starts=3)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that the report says."""

    results: dict[str, Result]
    starts: list[Start]
    at_once_per_second: float
    server: str


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.send", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds; printed only, docs/performance.md stays as it is")
    quick = parser.parse_args(arguments).quick
    try:
        with TemporaryDirectory(prefix="fanfare-bench-") as folder, running_server(Path(folder, "server")) as server:
            outcome = _run(Path(folder), server, QUICK if quick else FULL)
    except (StackError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    text = _text(outcome)
    sys.stdout.write(f"{text}\n")
    if not quick:
        report.write_between_markers(ROOT / "docs/performance.md", text, "bench-send")
    return 0


def _run(folder: Path, server: Server, plan: Plan) -> Outcome:
    settings = StackSettings(fcm_endpoint=server.url, fcm_ca_bundle=str(server.ca))
    with Stack(settings, folder=folder / "stack", parts={"firestore", "cloud", "send"}) as stack, ExitStack() as contestants:
        function = SendFunction(stack)
        function.prepare(plan.function_chunks * (plan.rounds + 1) + CHUNKS_AT_ONCE)
        workers = {name: contestants.enter_context(worker) for name, worker in _workers(folder, server, stack).items()}
        results = _take_turns(workers, function, server, plan)
        at_once = function.send_at_once(CHUNKS_AT_ONCE)
        results[FUNCTION].peak_mib = function.peak_mib
        return Outcome(results, measure_starts(stack, function, plan.starts), at_once, server.description)


def _workers(folder: Path, server: Server, stack: Stack) -> dict[str, Worker]:
    token_uri = stack.environment["OAUTH_TOKEN_URI"]
    settings = folder / "contestants.json"
    said = {"url": server.url, "ca": str(server.ca), "token_uri": token_uri, "account": make_service_account(PROJECT, token_uri)}
    settings.write_text(json.dumps(said), encoding="utf-8")
    workers = {name: Worker(name, settings, ca=server.ca) for name in (FLOOR, SENDER, VARIABLES, SDK, SDK_ASYNC)}
    python = rival_python()
    return {**workers, RIVAL: Worker(RIVAL, settings, ca=server.ca, python=python)} if python else workers


def _take_turns(workers: dict[str, Worker], function: SendFunction, server: Server, plan: Plan) -> dict[str, Result]:
    everybody: dict[str, Worker | SendFunction] = {**workers, FUNCTION: function}
    results = {name: Result(title) for name, title in TITLES.items() if name in everybody}
    # Round 0 warms up: imports, connections, tokens and caches are no message's cost.
    for number in range(plan.rounds + 1):
        for name, result in results.items():
            contestant = everybody[name]
            cost = measure(name, contestant.send, _messages(name, plan), pids=contestant.pids, server_pid=server.pid)
            if number:
                result.rounds.append(cost)
    for name, worker in workers.items():
        results[name].peak_mib = max(peak_mib(pid) for pid in worker.pids)
    return results


def _messages(name: str, plan: Plan) -> int:
    if name == FUNCTION:
        return plan.function_chunks * CHUNK
    return plan.slow_messages if name in SLOW else plan.messages


def _text(outcome: Outcome) -> str:
    results = outcome.results
    function = results[FUNCTION]
    floor = results[FLOOR]
    busy = floor.server_micros * floor.messages_per_second / 1e6
    return f"""\
`make bench-send` made this section. {report.machine()}
Server: {outcome.server}, busy for {busy:.0%} of the floor's time. Chunks of 500;
the median of {len(floor.rounds)} rounds in turns, best and worst round in parentheses.

{report.send_table(list(results.values()), floor, results[SDK])}

`send` delivers its chunks one after the other here; {CHUNKS_AT_ONCE} at once make {outcome.at_once_per_second:,.0f} messages/s, and its peak memory
({function.peak_mib:.0f} MiB) is that of {CHUNKS_AT_ONCE} at once.

A cold start: fresh interpreters in turns, the median of {len(outcome.starts[0].cpu)}, CPU of the process and time until the answer.

{report.start_table(outcome.starts)}"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
