"""The ledger of events in Firestore: each is written in the commit of what it tells of, with its deliveries to webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot, FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.client import fields_of, read, read_all, run_query
from fanfare.adapters.firestore.commits import commit_guarded
from fanfare.adapters.firestore.event_documents import add_events, event_from_document, event_reference
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import Event, StoredEvent
from fanfare.domain.event_cursor import EventPlace
from fanfare.ports import Identifiers


class FirestoreEventStore:
    """`tenants/{t}/events/{id}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def record(self, events: Sequence[Event]) -> None:
        """Store events, with their deliveries, of something that wrote nothing else (a test of a webhook)."""
        if not events:
            return
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        add_events(batch, self._firestore, events, write_id)
        if commit_guarded(batch, event_reference(self._firestore, events[0].tenant, events[0].id), write_id) is None:
            raise Unavailable("The event was not stored.")

    def get(self, tenant: str, event_id: str) -> StoredEvent | None:
        """Find one event."""
        fields = fields_of(read(event_reference(self._firestore, tenant, event_id)))
        return event_from_document(tenant, event_id, fields) if fields else None

    def get_many(self, tenant: str, event_ids: Sequence[str]) -> Sequence[StoredEvent | None]:
        """Find events in one call, in the order asked for."""
        found = read_all(self._firestore, [event_reference(self._firestore, tenant, event_id) for event_id in event_ids])
        return [self._event(tenant, snapshot) if snapshot.exists else None for snapshot in found]

    def read_after(
        self,
        tenant: str,
        after: EventPlace,
        until: datetime,
        limit: int,
        *,
        notification_id: str | None = None,
    ) -> Sequence[StoredEvent]:
        """Read at most `limit` events after a place, of a server's time of `until` or earlier, in their order."""
        collection = collection_of(self._firestore, tenant, "events")
        query = collection.where(filter=FieldFilter("bucket", "in", list(range(BUCKETS)))).where(filter=FieldFilter("created_at", "<=", until))
        if notification_id is not None:
            query = query.where(filter=FieldFilter("notification_ids", "array_contains", notification_id))
        query = query.order_by("created_at").order_by(FieldPath.document_id())
        query = query.start_after({"created_at": after.at, FieldPath.document_id(): collection.document(after.id)})
        return [self._event(tenant, snapshot) for snapshot in run_query(query.limit(limit))]

    def _event(self, tenant: str, snapshot: DocumentSnapshot[Any]) -> StoredEvent:
        return event_from_document(tenant, snapshot.id, snapshot.to_dict() or {})
