"""Events and their documents, as part of the commit of what they tell of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP, DocumentReference, WriteBatch
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.delivery_mapping import delivery_reference, delivery_to_document
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.buckets import bucket_of
from fanfare.domain.event import Event, EventKind, StoredEvent, encode_event
from fanfare.domain.webhook_delivery import new_delivery

VERSION = 1


def add_events(batch: WriteBatch, firestore: Firestore, events: Iterable[Event], write_id: str) -> None:
    """Put events, with their deliveries, into the commit of what they tell of."""
    for event in events:
        batch.create(event_reference(firestore, event.tenant, event.id), event_to_document(event, write_id))
        for webhook_id in event.webhooks:
            delivery = new_delivery(event, webhook_id)
            batch.create(delivery_reference(firestore, delivery.key), delivery_to_document(delivery))


def event_reference(firestore: Firestore, tenant: str, event_id: str) -> DocumentReference:
    """`tenants/{t}/events/{id}`."""
    return collection_of(firestore, tenant, "events").document(event_id)


def event_to_document(event: Event, write_id: str) -> dict[str, Any]:
    """Map a new event; its order is the server's time."""
    return {
        "v": VERSION,
        "bucket": bucket_of(event.id),
        "kind": event.kind.value,
        "notification_ids": list(event.notification_ids),
        "created_at": SERVER_TIMESTAMP,
        "body": encode_event(event),
        # By which a commit of events alone proves itself (commits.py).
        "write_id": write_id,
    }


def event_from_document(tenant: str, event_id: str, fields: dict[str, Any]) -> StoredEvent:
    """Map a document to an event."""
    return StoredEvent(event_id, tenant, EventKind(fields["kind"]), fields["created_at"], fields["body"], tuple(fields["notification_ids"]))
