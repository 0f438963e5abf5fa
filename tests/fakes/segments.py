"""Saved segments in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from fanfare.domain.audit import Trail
from fanfare.domain.errors import Conflict
from fanfare.domain.filters import SegmentFilter
from fanfare.domain.listing import Page
from fanfare.domain.saved_segment import SavedSegment
from tests.fakes.audit import MemoryAuditStore


class MemorySegmentStore:
    """`spoil` does what a hand in the console may do."""

    def __init__(self, audit: MemoryAuditStore | None = None) -> None:
        self._audit = audit or MemoryAuditStore()
        self._lock = threading.Lock()
        self._segments: dict[tuple[str, str], SavedSegment] = {}

    def spoil(self, tenant: str, segment_id: str, defect: str) -> None:
        self._segments[tenant, segment_id] = replace(self._segments[tenant, segment_id], filter=None, defect=defect)

    def get(self, tenant: str, segment_id: str) -> SavedSegment | None:
        return self._segments.get((tenant, segment_id))

    def create(self, tenant: str, segment: SavedSegment, audit: Trail) -> None:
        with self._lock:
            if (tenant, segment.id) in self._segments:
                raise Conflict("This segment id is taken.")
            self._segments[tenant, segment.id] = segment
            self._audit.record(tenant, audit(None, segment))

    def update(self, tenant: str, segment_id: str, decide: Callable[[SavedSegment], SavedSegment | None], audit: Trail) -> SavedSegment | None:
        with self._lock:
            before = self.get(tenant, segment_id)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            self._segments[tenant, segment_id] = after
            self._audit.record(tenant, audit(before, after))
            return after

    def delete(self, tenant: str, segment_id: str, audit: Trail) -> bool:
        with self._lock:
            before = self._segments.pop((tenant, segment_id), None)
            if before is None:
                return False
            self._audit.record(tenant, audit(before, None))
            return True

    def list(self, tenant: str, filters: SegmentFilter, limit: int, after: str | None) -> Page[SavedSegment]:
        last_id, _, last_name = (after or "").partition(" ")
        rows = sorted((saved.name, saved.id, saved) for (owner, _), saved in self._segments.items() if owner == tenant)
        wanted = [saved for name, row_id, saved in rows if name.startswith(filters.prefix or "") and (name, row_id) > (last_name, last_id)]
        shown = wanted[:limit]
        return Page(shown, f"{shown[-1].id} {shown[-1].name}" if len(wanted) > limit else None)
