"""Lets a request wait until something has become true, without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Activity:
    """``changed`` wakes whoever waits; the waiter looks again."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def changed(self) -> None:
        """Say that state has changed."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait_until(self, is_true: Callable[[], bool], timeout_seconds: float) -> bool:
        """Return True once ``is_true()``, False when the time is over."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not is_true():
                    await self._event.wait()
        except TimeoutError:
            return is_true()
        return True


class BackgroundTasks:
    """Holds the running coroutines: asyncio itself keeps only weak references."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: asyncio.Task[None]) -> None:
        """Keep ``work`` until it ends."""
        self._running.add(work)
        work.add_done_callback(self._running.discard)

    async def cancel(self) -> None:
        """Cancel what is left and wait for it."""
        left = list(self._running)
        for work in left:
            work.cancel()
        await asyncio.gather(*left, return_exceptions=True)
