"""What goes wrong on purpose: refused creations, repeated, reordered and impatient dispatches."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from local.cloud.errors import ApiError, invalid_argument
from local.cloud.wire import Document, parse_integer, parse_number, section

_NAMES = frozenset({"create_task", "duplicate_share", "reorder", "deadline_seconds", "seed"})


@dataclass(slots=True)
class Faults:
    """The faults in force; random choices come from one generator that ``seed`` resets."""

    create_status: int = 503
    create_times: int = 0
    duplicate_share: float = 0.0
    reorder: bool = False
    deadline_seconds: float | None = None
    # Choices must be repeatable by a seed and guard nothing.
    generator: random.Random = field(default_factory=random.Random)

    def set(self, document: Document) -> None:
        """Set the named faults; 400 for an unknown name or value."""
        if unknown := set(document) - _NAMES:
            raise invalid_argument(f"Unknown faults: {', '.join(sorted(unknown))}")
        if "create_task" in document:
            self._set_create_task(section(document, "create_task"))
        if "duplicate_share" in document:
            self.duplicate_share = parse_number(document["duplicate_share"], "duplicate_share", 0, 1)
        if "reorder" in document:
            self.reorder = document["reorder"] is True
        if "deadline_seconds" in document:
            self.deadline_seconds = parse_number(document["deadline_seconds"], "deadline_seconds", 0.01, 1800)
        if "seed" in document:
            self.generator.seed(parse_integer(document["seed"], "seed", 0, 2**63 - 1))

    def _set_create_task(self, document: Document) -> None:
        self.create_status = parse_integer(document.get("status", 503), "create_task.status", 400, 599)
        self.create_times = parse_integer(document.get("times", 1), "create_task.times", 0, 10**9)

    def check_creation(self) -> None:
        """Raise while creations are to fail."""
        if self.create_times > 0:
            self.create_times -= 1
            raise ApiError(self.create_status, "A fault asked for by POST /_local/faults")

    def copies(self) -> int:
        """Return how many times the next attempt goes out at once."""
        return 2 if self.duplicate_share and self.generator.random() < self.duplicate_share else 1

    def rank(self, due: float) -> float:
        """Return the place of a due task: its due time, or a random one."""
        return self.generator.random() if self.reorder else due

    def to_document(self) -> Document:
        """Return the faults in force."""
        return {
            "create_task": {"status": self.create_status, "times": self.create_times},
            "duplicate_share": self.duplicate_share,
            "reorder": self.reorder,
            "deadline_seconds": self.deadline_seconds,
        }
