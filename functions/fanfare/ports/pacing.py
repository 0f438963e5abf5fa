"""When a tenant's broadcasts may send, as a Protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from fanfare.domain.pacing import Pacing

T = TypeVar("T")


class PacingStore(Protocol):
    """One document for each lane of a tenant (`pacing.BULK_LANE`, `pacing.TOPIC_LANE`)."""

    def get(self, tenant: str, lane: str) -> Pacing:
        """The lane's state; that of an idle one if nothing was ever sent through it."""
        ...

    def reserve(self, tenant: str, lane: str, decide: Callable[[Pacing], tuple[T, Pacing | None]]) -> T:
        """Apply a pure decision in one guarded write (None stores nothing) and return what it decided besides.

        It is asked again after a lost race. Unavailable if other writers keep being faster.
        """
        ...
