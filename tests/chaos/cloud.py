"""The stand-in for Cloud Tasks and Cloud Scheduler: faults, totals, and a tick of `schedule` ahead of time."""

from __future__ import annotations

from typing import Any

import requests

from local.environment import REGION
from local.firebase import PROJECT

_TIMEOUT_SECONDS = 10.0


class Cloud:
    """The stand-in of one stack."""

    def __init__(self, url: str) -> None:
        self._url = url

    def set_faults(self, faults: dict[str, Any]) -> None:
        """Set the named faults, keep the others."""
        requests.post(f"{self._url}/_local/faults", json=faults, timeout=_TIMEOUT_SECONDS).raise_for_status()

    def tick(self) -> None:
        """Run the job of every minute now; without effect while two of its runs are under way."""
        job = f"projects/{PROJECT}/locations/{REGION}/jobs/schedule"
        requests.post(f"{self._url}/v1/{job}:run", json={}, timeout=_TIMEOUT_SECONDS).raise_for_status()

    def send_queue(self) -> dict[str, Any]:
        """The counters of the queue `send`."""
        response = requests.get(f"{self._url}/_local/stats?queue=send", timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        (counters,) = response.json()["queues"].values()
        found: dict[str, Any] = counters
        return found
