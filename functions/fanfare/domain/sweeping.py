"""What a sweep finds: work whose nudge was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fanfare.domain.chunk import ChunkKey


@dataclass(frozen=True, slots=True)
class Overdue:
    """Chunks whose next step is overdue, and notifications whose first chunk may never have begun."""

    chunks: Sequence[ChunkKey]
    notifications: Sequence[ChunkKey]
