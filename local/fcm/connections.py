"""The open connections: their totals for the statistics, and how they are all brought to an end."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Protocol


class Connection(Protocol):
    """One open connection of either protocol."""

    version: str

    def leave(self) -> None:
        """Finish what is in flight, take nothing new, then close."""

    def abort(self) -> None:
        """Close at once, whatever is in flight."""


class Connections:
    """Every open connection and what was seen of them."""

    def __init__(self) -> None:
        self._open: set[Connection] = set()
        self._total: Counter[str] = Counter()
        self._all_closed = asyncio.Event()
        self.most_streams = 0

    def opened(self, connection: Connection) -> None:
        """Count a connection in."""
        self._open.add(connection)
        self._all_closed.clear()
        self._total[connection.version] += 1

    def closed(self, connection: Connection) -> None:
        """Count a connection out; repeating it changes nothing."""
        self._open.discard(connection)
        if not self._open:
            self._all_closed.set()

    def saw_streams(self, number: int) -> None:
        """Remember the most requests that one HTTP/2 connection had in flight."""
        self.most_streams = max(self.most_streams, number)

    async def end_all(self, within_seconds: float) -> None:
        """Let every connection finish what is in flight for so long, then close what is left."""
        for connection in list(self._open):
            connection.leave()
        if self._open:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_closed.wait(), within_seconds)
        for connection in list(self._open):
            connection.abort()

    def document(self) -> dict[str, object]:
        """Return open and total connections by HTTP version."""
        opened = Counter(connection.version for connection in self._open)
        return {version: {"open": opened[version], "total": self._total[version]} for version in ("h2", "h1")}
