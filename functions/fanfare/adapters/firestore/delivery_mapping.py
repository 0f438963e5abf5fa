"""Deliveries to webhooks and their documents."""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference

from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.buckets import bucket_of
from fanfare.domain.event import EventKind
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState, WebhookDelivery

VERSION = 1


def delivery_reference(firestore: Firestore, key: DeliveryKey) -> DocumentReference:
    """`tenants/{t}/webhooks/{id}/deliveries/{event}`."""
    webhook = collection_of(firestore, key.tenant, "webhooks").document(key.webhook_id)
    reference: DocumentReference = webhook.collection("deliveries").document(key.event_id)
    return reference


def key_of_delivery(reference: DocumentReference) -> DeliveryKey:
    """Which delivery a document is."""
    _, tenant, _, webhook_id, _, event_id = reference.path.split("/")
    return DeliveryKey(tenant, webhook_id, event_id)


def delivery_to_document(delivery: WebhookDelivery) -> dict[str, Any]:
    """Map a delivery, in plain words: an operator reads it in the console."""
    return {
        "v": VERSION,
        "tenant": delivery.key.tenant,
        "bucket": bucket_of(delivery.key.event_id),
        "kind": delivery.kind.value,
        "state": delivery.state.value,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "owner": delivery.owner,
        "lease_until": delivery.lease_until,
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_attempt_at,
        "next_check_at": delivery.next_check_at,
        "last_attempt_at": delivery.last_attempt_at,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "completed_at": delivery.completed_at,
        "request_id": delivery.request_id,
    }


def delivery_from_document(key: DeliveryKey, fields: dict[str, Any], revision: object = None) -> WebhookDelivery:
    """Map a document, read at `revision`, to a delivery."""
    return WebhookDelivery(
        key=key,
        kind=EventKind(fields["kind"]),
        state=DeliveryState(fields["state"]),
        reason=fields["reason"],
        attempts=fields["attempts"],
        owner=fields["owner"],
        lease_until=fields["lease_until"],
        created_at=fields["created_at"],
        next_attempt_at=fields["next_attempt_at"],
        next_check_at=fields["next_check_at"],
        last_attempt_at=fields["last_attempt_at"],
        last_status=fields["last_status"],
        last_error=fields["last_error"],
        completed_at=fields["completed_at"],
        request_id=fields["request_id"],
        revision=revision,
    )
