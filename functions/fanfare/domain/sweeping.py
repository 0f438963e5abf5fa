"""What a sweep finds: work whose nudge was lost, and the parked chunks of a tenant, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fanfare.domain.chunk import ChunkKey


@dataclass(frozen=True, slots=True)
class Overdue:
    """Chunks whose next step is overdue, and notifications whose first chunk may never have begun."""

    chunks: Sequence[ChunkKey]
    notifications: Sequence[ChunkKey]


def position_after(page: Sequence[ChunkKey], limit: int) -> ChunkKey | None:
    """Where the next page begins: after the last of a full one, else at the beginning again (None), because nothing comes after it."""
    return page[-1] if len(page) >= limit else None
