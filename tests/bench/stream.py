"""`make bench-stream`: what open streams cost the API's callers.

Rounds with fifty streams open and rounds without any take turns on one stack: `POST /api/v1/notify`, one at a time, while ten events a second are
stored, which every stream hears. The streams run in a function of their own, but here on the same cores.
"""

from __future__ import annotations

import argparse
import os
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event as Flag
from threading import Thread
from urllib.parse import urlsplit

import requests

from local.environment import REGION
from local.errors import StackError
from local.firebase import PROJECT
from local.readiness import wait_until
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.bench import report
from tests.bench.api_contestants import NotifyRoute

sys.path.append(str(ROOT / "functions"))

from fanfare.domain.event import Event, EventKind

PARTS = frozenset({"firestore", "fcm", "cloud", "api", "stream"})
MARKER = "bench-stream"
STREAMS = 50
EVENT_SECONDS = 0.1
HEARD_SECONDS = 15.0
_PIECE = 65_536
_COLUMNS = ("", "ms, median", "÷ without")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    requests: int


FULL = Plan(rounds=9, requests=300)
QUICK = Plan(rounds=3, requests=100)


@dataclass(slots=True)
class Medians:
    """The median latency of each round, in seconds: without streams and with them."""

    without: list[float] = field(default_factory=list)
    with_streams: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of the rounds' own ratios: what slows the machine down for a while slows both of a pair."""
        return median(loaded / bare for bare, loaded in zip(self.without, self.with_streams, strict=True))


class Streams:
    """Open connections to the stream function, which a thread reads as fast as they come; `heard` counts the events."""

    def __init__(self, url: str, headers: dict[str, str], count: int) -> None:
        self.heard = 0
        self._selector = selectors.DefaultSelector()
        self._closed = False
        parts = urlsplit(url)
        lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        for _ in range(count):
            connection = socket.create_connection((parts.hostname or "", parts.port or 80))
            connection.sendall("\r\n".join(lines).encode())
            if b" 200 " not in connection.recv(_PIECE).partition(b"\r\n")[0]:
                raise RuntimeError("A stream was refused.")
            self._selector.register(connection, selectors.EVENT_READ)
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select(timeout=0.2):
                # A frame may be cut between two pieces in the middle of this word: then one event of thousands is not counted.
                self.heard += key.fileobj.recv(_PIECE).count(b"\nevent: ")  # type: ignore[union-attr]

    def close(self) -> None:
        """Hang up."""
        self._closed = True
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stream", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds; printed only, docs/performance.md stays as it is")
    quick = parser.parse_args(arguments).quick
    try:
        with TemporaryDirectory(prefix="fanfare-bench-") as folder:
            text = _run(Path(folder), QUICK if quick else FULL)
    except (StackError, RuntimeError, OSError, requests.RequestException) as error:
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
        found, heard = Medians(), 0
        with _telling(route):
            # Imports, connections and caches are no request's cost.
            _median(route, plan)
            for number in range(plan.rounds):
                for is_loaded in (number % 2 == 0, number % 2 == 1):
                    if is_loaded:
                        heard += _turn(stack, route, plan, found)
                    else:
                        found.without.append(_median(route, plan))
    return _text(found, plan, heard)


def _turn(stack: Stack, route: NotifyRoute, plan: Plan, found: Medians) -> int:
    """Measure while every stream hears something; returns how much was heard meanwhile."""
    with _streams(stack, route) as streams:
        if not wait_until(lambda: streams.heard >= STREAMS, timeout_seconds=HEARD_SECONDS):
            raise RuntimeError("The streams hear nothing.")
        before = streams.heard
        found.with_streams.append(_median(route, plan))
        if streams.heard == before:
            raise RuntimeError("The streams have fallen silent.")
        return streams.heard - before


@contextmanager
def _telling(route: NotifyRoute) -> Iterator[None]:
    """Store an event ten times a second."""
    ended = Flag()

    def tell() -> None:
        while not ended.wait(EVENT_SECONDS):
            deps, data = route.deps, {"notification_id": "n-1", "status": "completed"}
            deps.events.record([Event(deps.identifiers.new_id(), route.tenant, EventKind.NOTIFICATION_COMPLETED, deps.clock.now(), data)])

    thread = Thread(target=tell, daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()


@contextmanager
def _streams(stack: Stack, route: NotifyRoute) -> Iterator[Streams]:
    streams = Streams(f"{stack.urls['stream']}/api/v1/events/stream", {"Client-ID": route.client.id, "Client-Token": route.token}, STREAMS)
    try:
        yield streams
    finally:
        streams.close()
        # The function learns that they have gone by the next thing that it says; the next round must not wait for that.
        stack.restart("stream")


def _median(route: NotifyRoute, plan: Plan) -> float:
    """The median latency of a round; in a thread of its own, and so over a connection of its own: gunicorn has closed what was idle."""
    with ThreadPoolExecutor(1) as pool:
        return median(pool.submit(_ask, route, plan.requests).result())


def _ask(route: NotifyRoute, count: int) -> list[float]:
    """Ask so often; returns the seconds that each answer took."""
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        route.perform()
        seconds.append(time.perf_counter() - began)
    return seconds


def _pause_queue(stack: Stack) -> None:
    url = f"{stack.cloud_url}/v2/projects/{PROJECT}/locations/{REGION}/queues/send:pause"
    requests.post(url, json={}, timeout=10).raise_for_status()


def _text(found: Medians, plan: Plan, heard: int) -> str:
    rows = [
        ["`POST /api/v1/notify/` without a stream", f"**{median(found.without) * 1e3:.1f}**", "1.00"],
        [f"the same with {STREAMS} streams open", f"**{median(found.with_streams) * 1e3:.1f}**", f"{found.ratio:.2f}"],
    ]
    return "\n".join(
        [
            f"`make bench-stream` made this section. {report.machine()}",
            f"One request at a time, {plan.rounds} rounds of {plan.requests} with and without streams in turns, ten events a second, of which the",
            f"streams heard {heard:,} meanwhile. `api`, `stream`, the emulators and the listeners share the two cores. The ratio is the median of",
            "the rounds' own ratios.",
            "",
            report.table(_COLUMNS, rows),
        ],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
