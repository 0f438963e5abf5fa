"""The audit log in memory, and what counts into it."""

from __future__ import annotations

import builtins
import threading
from collections import Counter
from datetime import datetime

from fanfare.domain.audit import AuditEntry, StoredEntry
from fanfare.domain.filters import AuditFilter
from fanfare.domain.listing import Page
from fanfare.domain.refusal import Refusal, RefusalReason, minute_of
from tests.fakes.events import MemoryEventStore


class MemoryAuditStore:
    """`entries` keeps (tenant, entry) in the order in which they were stored; what they announce goes to `events`."""

    def __init__(self, events: MemoryEventStore | None = None) -> None:
        self.events = events or MemoryEventStore()
        self.entries: builtins.list[tuple[str, AuditEntry]] = []
        self._lock = threading.Lock()

    def record(self, tenant: str, entry: AuditEntry) -> None:
        with self._lock:
            self.entries.append((tenant, entry))
        self.events.add(entry.events)

    def list(self, tenant: str, filters: AuditFilter, limit: int, after: str | None) -> Page[StoredEntry]:
        rows = [StoredEntry(f"entry-{number:06}", entry) for number, (owner, entry) in enumerate(self.entries) if owner == tenant]
        ordered = sorted((row for row in rows if _is_wanted(filters, row.entry)), key=lambda row: (row.entry.at, row.id), reverse=True)
        ids = [row.id for row in ordered]
        start = ids.index(after) + 1 if after is not None else 0
        shown = ordered[start : start + limit]
        return Page(shown, shown[-1].id if len(ordered) > start + limit else None)


class MemoryRefusalCounter:
    """`counts` holds how often (tenant, client, reason) was refused in each minute."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, RefusalReason, datetime]] = Counter()

    def count(self, refusal: Refusal, at: datetime) -> None:
        self.counts[refusal.tenant, refusal.client_id, refusal.reason, minute_of(at)] += 1


def _is_wanted(filters: AuditFilter, entry: AuditEntry) -> bool:
    return (
        (filters.client_id is None or filters.client_id == entry.actor.id)
        and (filters.action is None or filters.action == entry.action)
        and (filters.resource is None or filters.resource == entry.resource)
        and (filters.resource_id is None or filters.resource_id in entry.resource_ids)
        and (filters.created_after is None or entry.at >= filters.created_after)
        and (filters.created_before is None or entry.at <= filters.created_before)
    )
