"""What is seen where, and after how many seconds: said as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock

Say = Callable[[str], None]
COUNTS = ("targeted", "unsent", "retrying", "sent", "failed", "delivered", "read")


class Transcript:
    """Lines of (seconds, where, what), in the order in which they are noted; each outlet notes from a thread of its own."""

    def __init__(self, say: Say) -> None:
        self._say = say
        # Of the same clock as what the simulator says; the machine is one.
        self._began = time.time()
        self._lock = Lock()

    def note(self, where: str, what: str, *, at: float | None = None) -> float:
        """Say what is seen now, or what was `at` these seconds since the epoch; returns the seconds since the beginning."""
        with self._lock:
            seconds = (time.time() if at is None else at) - self._began
            self._say(f"{seconds:6.2f} s  {where:<8}  {what}")
            return seconds


def counts_in_words(counts: Mapping[str, int]) -> str:
    """What was counted at all."""
    return ", ".join(f"{name} {counts[name]}" for name in COUNTS if counts.get(name))


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Lay rows out in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
