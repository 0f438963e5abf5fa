"""What a queue has done since it was made."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from local.cloud.answers import Answer
from local.cloud.wire import Document

_KEPT_STATUSES = 50


@dataclass(slots=True)
class QueueStats:
    """Counters; ``dispatched`` counts HTTP requests, so it includes the copies counted in ``duplicated``."""

    created: int = 0
    dispatched: int = 0
    duplicated: int = 0
    succeeded: int = 0
    retried: int = 0
    exhausted: int = 0
    last_statuses: deque[int | None] = field(default_factory=lambda: deque(maxlen=_KEPT_STATUSES))

    def count_dispatch(self, copies: int) -> None:
        """Count one attempt that goes out ``copies`` times."""
        self.dispatched += copies
        self.duplicated += copies - 1

    def count_answer(self, answer: Answer) -> None:
        """Remember the status; None stands for no answer."""
        self.last_statuses.append(answer.status)
        self.succeeded += answer.is_success

    def to_document(self) -> Document:
        """Return the counters, the latest status last."""
        return {
            "created": self.created,
            "dispatched": self.dispatched,
            "duplicated": self.duplicated,
            "succeeded": self.succeeded,
            "retried": self.retried,
            "exhausted": self.exhausted,
            "last_statuses": list(self.last_statuses),
        }
