"""What a round of a contestant cost, and what is said of several of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.process_clock import cpu_seconds


@dataclass(frozen=True, slots=True)
class Round:
    """One round: so many messages, the CPU time of the contestant and of the server, the time that passed."""

    messages: int
    cpu_seconds: float
    server_cpu_seconds: float
    wall_seconds: float


def measure(name: str, send: Callable[[int], int], messages: int, *, pids: Sequence[int], server_pid: int) -> Round:
    """Let a contestant send; RuntimeError unless the server accepted every message."""
    cpu, server_cpu, began = cpu_seconds(pids), cpu_seconds([server_pid]), time.monotonic()
    accepted = send(messages)
    ended = time.monotonic()
    cost = Round(messages, cpu_seconds(pids) - cpu, cpu_seconds([server_pid]) - server_cpu, ended - began)
    if accepted != messages:
        raise RuntimeError(f"{name}: only {accepted} of {messages} messages were accepted.")
    return cost


@dataclass(slots=True)
class Result:
    """All rounds of one contestant."""

    title: str
    rounds: list[Round] = field(default_factory=list)
    peak_mib: float = 0.0

    @property
    def cpu_micros(self) -> float:
        """Median microseconds of CPU for a message."""
        return median(self._cpu_micros())

    @property
    def cpu_range(self) -> tuple[float, float]:
        """The best and the worst round's microseconds."""
        return min(self._cpu_micros()), max(self._cpu_micros())

    @property
    def server_micros(self) -> float:
        """Median microseconds of the server's CPU for a message."""
        return median(cost.server_cpu_seconds / cost.messages * 1e6 for cost in self.rounds)

    @property
    def messages_per_second(self) -> float:
        """Median throughput."""
        return median(cost.messages / cost.wall_seconds for cost in self.rounds)

    def _cpu_micros(self) -> list[float]:
        return [cost.cpu_seconds / cost.messages * 1e6 for cost in self.rounds]
