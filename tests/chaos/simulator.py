"""The FCM simulator's own routes: faults to put in force, and what it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import requests

_TIMEOUT_SECONDS = 60.0


class Simulator:
    """The simulator of one stack."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_sim"

    def put_in_force(self, rules: Iterable[dict[str, Any]]) -> None:
        """Add fault rules, in their order."""
        for rule in rules:
            requests.post(f"{self._url}/faults", json=rule, timeout=_TIMEOUT_SECONDS).raise_for_status()

    def hits(self) -> dict[str, int]:
        """How often each fault was applied."""
        return {fault["id"]: fault["hits"] for fault in self._get("/faults")["faults"]}

    def stats(self) -> dict[str, Any]:
        """The totals."""
        return self._get("/stats")

    def records(self, prefix: str) -> Iterator[dict[str, Any]]:
        """What every target that begins with the prefix was sent and answered."""
        after: int | None = 0
        while after is not None:
            page = self._get(f"/targets?prefix={prefix}&after={after}")
            yield from page["targets"]
            after = page["next"]

    def _get(self, path: str) -> dict[str, Any]:
        response = requests.get(f"{self._url}{path}", timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        content: dict[str, Any] = response.json()
        return content
