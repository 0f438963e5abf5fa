"""How long a stream of events lives, how often it says that it does, and how many of them an instance carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

THREADS_KEPT_FREE = 8
"""A stream keeps a thread of its instance as long as it lives: refusals and whatever else comes need some too."""


@dataclass(frozen=True, slots=True)
class StreamPace:
    """How a stream lives.

    After `lifetime` it ends by itself, well before the platform would cut it. It is never silent for longer than `heartbeat`, or something on the
    way would take the connection for dead. Every `recheck` it is looked whether the client may still read, every `look_seconds` whether the instance
    is to end.
    """

    lifetime: timedelta = timedelta(minutes=10)
    heartbeat: timedelta = timedelta(seconds=15)
    recheck: timedelta = timedelta(seconds=5)
    look_seconds: float = 1.0


def most_streams(threads: int) -> int:
    """How many streams an instance of so many threads carries at a time."""
    return max(1, threads - THREADS_KEPT_FREE)
