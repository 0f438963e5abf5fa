"""How long the instance lives, as a test says."""

from __future__ import annotations


class FixedLifecycle:
    def __init__(self, *, stopping: bool = False, threads: int = 16) -> None:
        self.stopping = stopping
        self._threads = threads

    def is_stopping(self) -> bool:
        return self.stopping

    def threads(self) -> int:
        return self._threads
