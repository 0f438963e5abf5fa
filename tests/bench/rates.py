"""How fast each of several ways to do one thing is, and what its processes' CPU comes to, when they take turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from tests.bench.process_clock import cpu_seconds


@dataclass(slots=True)
class Rate:
    """One way: how many units each of its rounds did, in how many seconds, and how much CPU its own processes took for it."""

    title: str
    units: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def measure(self, perform: Callable[[], int], pids: Iterable[int]) -> None:
        """Time one round; `perform` returns how many units it did."""
        own = list(pids)
        cpu, began = cpu_seconds(own), time.monotonic()
        done = perform()
        ended = time.monotonic()
        self.units.append(done)
        self.seconds.append(ended - began)
        self.cpu.append(cpu_seconds(own) - cpu)

    @property
    def per_second(self) -> float:
        """Median units a second."""
        return median(units / seconds for units, seconds in zip(self.units, self.seconds, strict=True))

    @property
    def cpu_micros(self) -> float:
        """Median microseconds of CPU for a unit."""
        return median(cpu / units * 1e6 for units, cpu in zip(self.units, self.cpu, strict=True))

    @property
    def middle_seconds(self) -> float:
        """Median seconds of a round."""
        return median(self.seconds)
