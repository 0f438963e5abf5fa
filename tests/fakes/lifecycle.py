"""How long the instance lives, as a test says."""

from __future__ import annotations


class FixedLifecycle:
    def __init__(self, *, stopping: bool = False) -> None:
        self.stopping = stopping

    def is_stopping(self) -> bool:
        return self.stopping
