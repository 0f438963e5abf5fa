"""Dead letters and their documents: those of chunks (`notification_mapping.py`) and those of deliveries stand in one collection, in one order."""

from __future__ import annotations

from typing import Any

from fanfare.adapters.firestore.notification_mapping import dead_letter_from_document
from fanfare.domain.buckets import bucket_of
from fanfare.domain.dead_letter import AnyLetter, DeadLetterKind, WebhookLetter
from fanfare.domain.event import EventKind
from fanfare.domain.webhook_delivery import DeliveryKey

VERSION = 1


def webhook_letter_to_document(letter: WebhookLetter) -> dict[str, Any]:
    """Map the dead letter of a delivery."""
    return {
        "v": VERSION,
        "bucket": bucket_of(letter.id),
        "kind": letter.kind.value,
        "webhook_id": letter.key.webhook_id,
        "event_id": letter.key.event_id,
        "event_kind": letter.event_kind.value,
        "attempts": letter.attempts,
        "reason": letter.reason,
        "created_at": letter.created_at,
        "replayed_at": letter.replayed_at,
    }


def letter_from_document(tenant: str, letter_id: str, fields: dict[str, Any]) -> AnyLetter:
    """Map a document to a dead letter of its kind."""
    if fields.get("kind") != DeadLetterKind.WEBHOOK:
        return dead_letter_from_document(tenant, letter_id, fields)
    return WebhookLetter(
        id=letter_id,
        key=DeliveryKey(tenant, fields["webhook_id"], fields["event_id"]),
        event_kind=EventKind(fields["event_kind"]),
        reason=fields["reason"],
        attempts=fields["attempts"],
        created_at=fields["created_at"],
        replayed_at=fields["replayed_at"],
    )
