"""Where saved segments are kept, as a Protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fanfare.domain.audit import Trail
from fanfare.domain.filters import SegmentFilter
from fanfare.domain.listing import Page
from fanfare.domain.saved_segment import SavedSegment


class SegmentStore(Protocol):
    """Segments that are kept under an id."""

    def get(self, tenant: str, segment_id: str) -> SavedSegment | None:
        """Find a segment as it is stored now."""
        ...

    def create(self, tenant: str, segment: SavedSegment, audit: Trail) -> None:
        """Store a new segment; Conflict if its id is taken."""
        ...

    def update(self, tenant: str, segment_id: str, decide: Callable[[SavedSegment], SavedSegment | None], audit: Trail) -> SavedSegment | None:
        """Apply a pure decision to a stored segment (None leaves it); returns its state, or None if there is none of this id."""
        ...

    def delete(self, tenant: str, segment_id: str, audit: Trail) -> bool:
        """Delete a segment; False if there is none of this id."""
        ...

    def list(self, tenant: str, filters: SegmentFilter, limit: int, after: str | None) -> Page[SavedSegment]:
        """List segments in the order of their names, those of one name in the order of their ids."""
        ...
