"""Refused tasks in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Poison:
    """Why a task was refused, and when."""

    reason: str
    at: datetime


class MemoryPoisonStore:
    """`refused` by (function, task): a repeated task is one entry."""

    def __init__(self) -> None:
        self.refused: dict[tuple[str, str], Poison] = {}

    def record(self, function: str, task: str, reason: str, at: datetime) -> None:
        self.refused[function, task] = Poison(reason, at)
