"""Which events a poll or a stream is shown."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.event import LISTENABLE, EventKind, StoredEvent
from fanfare.domain.identifiers import hash_identifier


@dataclass(frozen=True, slots=True)
class EventFilter:
    """`kinds`: these (none named: every one that may be listened to); `notification_id`: what is about this notification (None does not filter)."""

    kinds: frozenset[EventKind] = frozenset()
    notification_id: str | None = None


def wanted_kinds(filters: EventFilter) -> frozenset[EventKind]:
    """The kinds that pass: a test of a webhook never does, it is that webhook's alone."""
    return filters.kinds & LISTENABLE if filters.kinds else LISTENABLE


def is_shown(filters: EventFilter, event: StoredEvent) -> bool:
    """Tell whether an event passes."""
    is_about = filters.notification_id is None or filters.notification_id in event.notification_ids
    return is_about and event.kind in wanted_kinds(filters)


def events_query(tenant: str, filters: EventFilter) -> str:
    """Name the query, which a cursor is bound to: the same for a poll and a stream, so that each goes on where the other ended."""
    return hash_identifier(tenant, "events", ",".join(sorted(filters.kinds)), filters.notification_id or "")
