"""What an endpoint that hangs does to the others: tasks come to sixteen threads at a steady pace, as the queue hands them to an instance."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median, quantiles

from fanfare.domain.chunk import Busy
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.ports import Deps
from fanfare.services.deliver_event import deliver_event
from tests.bench.webhook_world import THREADS, Webhooks, memory_deps, with_memory_tenant

PACE_SECONDS = 0.005
"""Between two tasks: two hundred a second, far from what the threads can do."""
HANGS_SECONDS = 3.0
"""How long a post to the endpoint that hangs may take here, so that a round sees several of them end."""
OTHERS = 8


@dataclass(slots=True)
class Neighbour:
    """How long the other endpoints' events took, with or without one that hangs beside them."""

    title: str
    millis: list[float] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        """The middle one."""
        return median(self.millis)

    def row(self) -> list[str]:
        """As a row of a table."""
        return [self.title, f"**{self.median_ms:.2f}**", f"{quantiles(self.millis, n=20)[-1]:.2f}", f"{len(self.millis):,}"]


def measure_neighbour(taking: str, silent: str, events: int, rounds: int) -> Sequence[Neighbour]:
    """Measure so many events a round for endpoints that answer: alone, and beside a third as many for one that hangs, in turns."""
    alone, beside = Neighbour("alone"), Neighbour("beside an endpoint that hangs")
    for number in range(rounds + 1):
        for found, hanging in ((alone, ""), (beside, silent)):
            took = _round(taking, hanging, events)
            found.millis += took if number else []
    return alone, beside


def _round(taking: str, silent: str, events: int) -> list[float]:
    deps = with_memory_tenant(memory_deps(timeout_seconds=HANGS_SECONDS), "bench")
    told = Webhooks.create(deps, "bench", [taking] * OTHERS).tell(events // OTHERS)
    # In turns, as they come.
    others = [key for first in range(events // OTHERS) for key in told[first :: events // OTHERS]]
    stuck = Webhooks.create(deps, "bench", [silent]).tell(len(others) // 3) if silent else []
    return _Queue(deps).run(others, stuck)


class _Queue:
    """Hands tasks to the threads at their pace; one that is told to wait is not repeated: its round is too short for that."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._took: list[float] = []
        self._lock = threading.Lock()

    def run(self, others: Sequence[DeliveryKey], stuck: Sequence[DeliveryKey]) -> list[float]:
        every = len(others) // len(stuck) if stuck else 0
        slow = iter(stuck)
        with ThreadPoolExecutor(THREADS) as pool:
            for number, key in enumerate(others):
                if every and number % every == 0 and (hanging := next(slow, None)) is not None:
                    pool.submit(self._deliver, hanging, time.monotonic(), counted=False)
                pool.submit(self._deliver, key, time.monotonic(), counted=True)
                time.sleep(PACE_SECONDS)
        return self._took

    def _deliver(self, key: DeliveryKey, since: float, *, counted: bool) -> None:
        answer = deliver_event(self._deps, key, "bench")
        if counted and not isinstance(answer, Busy):
            with self._lock:
                self._took.append((time.monotonic() - since) * 1_000)
