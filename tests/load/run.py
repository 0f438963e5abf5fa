"""What a run knows of itself while locust drives it, and what it leaves behind for whoever judges it."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass
class Run:
    """One run. The targets of the crowd begin with `prefix`, and no others do; `bulk` are the notifications that were accepted through bulk."""

    prefix: str = field(default_factory=lambda: f"load-{uuid.uuid4().hex[:12]}-")
    crowd: list[str] = field(default_factory=list)
    crowd_seconds: float = 0.0
    bulk: list[str] = field(default_factory=list)
    began_at: float = 0.0
    quiet_from: float = float("inf")
    senders: int = 0
    next_device: int = 0

    def begin(self, run_seconds: float | None, quiet_seconds: float) -> None:
        """Begin to measure; without an end there is no time before it in which nothing is sent through bulk."""
        self.began_at = time.time()
        if run_seconds:
            self.quiet_from = time.monotonic() + run_seconds - quiet_seconds

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing more is to be sent through bulk."""
        return time.monotonic() >= self.quiet_from

    def next_devices(self, size: int) -> list[str]:
        """The next `size` devices of the crowd, round and round; at most all of them, each once."""
        start, count = self.next_device, len(self.crowd)
        self.next_device = (start + size) % count
        return [self.crowd[number % count] for number in range(start, start + min(size, count))]

    def write(self, file: Path, environment: Any) -> None:
        """Write what was done, with locust's statistics of it."""
        failures = [_failure(f"{each.method} {each.name}", str(each.error), each.occurrences) for each in environment.stats.errors.values()]
        raised = [_failure("a user", each["msg"], each["count"]) for each in environment.runner.exceptions.values()]
        record = {
            "prefix": self.prefix,
            "crowd": len(self.crowd),
            "crowd_seconds": self.crowd_seconds,
            "began_at": self.began_at,
            "bulk": self.bulk,
            "kinds": [_kind(entry) for _, entry in sorted(environment.stats.entries.items())],
            "errors": [*failures, *raised],
        }
        file.write_text(json.dumps(record), encoding="utf-8")


def _kind(entry: Any) -> dict[str, Any]:
    percentiles = {name: entry.get_response_time_percentile(share) for name, share in _PERCENTILES.items()}
    return {"request": f"{entry.method} {entry.name}", "requests": entry.num_requests, "errors": entry.num_failures, **percentiles}


def _failure(request: str, says: str, times: int) -> dict[str, Any]:
    return {"request": request, "says": says, "times": times}
