"""CPU time and memory of other processes, read from outside: the measured program carries no instrument."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

_SCHEDULED_CPU = 2


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of all threads of these processes, to the nanosecond (clock_getcpuclockid(3) on Linux)."""
    return sum(time.clock_gettime((~pid << 3) | _SCHEDULED_CPU) for pid in pids)


def peak_mib(pid: int) -> float:
    """The largest resident size that the process has had, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1_024
    raise ValueError(f"/proc/{pid}/status has no VmHWM")
