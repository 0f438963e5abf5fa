"""Receipts and their documents: `tenants/{t}/notifications/{id}/receipts/{device}`, and what they come to on their notification."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP, CollectionReference, DocumentReference, DocumentSnapshot, Increment
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.paths import notification_reference
from fanfare.adapters.firestore.stats import NO_PLATFORM, amounts_from_document, amounts_to_document
from fanfare.domain.buckets import bucket_of
from fanfare.domain.receipts import ReceiptChange, ReceiptEvent, ReceiptKey, StoredReceipt
from fanfare.domain.tallying import ByPlatform

VERSION = 1
NOTED_AT = {ReceiptEvent.DELIVERED: "delivered_noted_at", ReceiptEvent.READ: "read_noted_at"}
"""The server's times at which something was first noted: the order in which receipts are summed."""
RECEIVED = "receipts"
"""A notification's own sums stand apart from its `counts`, which other writers store as they have read them."""


def receipts_of(firestore: Firestore, tenant: str, notification_id: str) -> CollectionReference:
    """`…/notifications/{id}/receipts`."""
    collection: CollectionReference = notification_reference(firestore, tenant, notification_id).collection("receipts")
    return collection


def receipt_reference(firestore: Firestore, tenant: str, key: ReceiptKey) -> DocumentReference:
    """`…/notifications/{id}/receipts/{device}`."""
    return receipts_of(firestore, tenant, key.notification_id).document(key.device_id)


def receipt_to_document(tenant: str, change: ReceiptChange, write_id: str) -> dict[str, Any]:
    """Map a receipt as it is to be stored; what is noted by this for the first time gets the server's time of it."""
    after = change.after
    fields: dict[str, Any] = {
        "v": VERSION,
        "tenant": tenant,
        "bucket": bucket_of(f"{after.key.notification_id}.{after.key.device_id}"),
        "created_at": after.created_at,
        "delivered": True,
        "delivered_at": after.delivered_at,
        "read": after.read_at is not None,
        "read_at": after.read_at,
        "timed": after.is_timed,
        "implied": after.is_implied,
        "write_id": write_id,
    }
    came = {"delivered_noted_at": SERVER_TIMESTAMP} if ReceiptEvent.DELIVERED in change.news else {}
    was_read = {"read_noted_at": SERVER_TIMESTAMP} if ReceiptEvent.READ in change.news else {}
    return {**fields, **came, **was_read}


def receipt_from_document(snapshot: DocumentSnapshot[Any]) -> tuple[str, StoredReceipt]:
    """Map a document to its tenant and receipt; its path says of which message and device it is."""
    _, tenant, _, notification_id, _, device_id = snapshot.reference.path.split("/")
    fields = snapshot.to_dict() or {}
    return tenant, StoredReceipt(
        ReceiptKey(notification_id, device_id),
        fields["created_at"],
        fields["delivered_at"],
        fields["read_at"],
        is_timed=fields["timed"],
        is_implied=fields["implied"],
        revision=snapshot.update_time,
    )


def received_increments(added: ByPlatform) -> dict[str, Any]:
    """What a notification's own sums get: field paths and increments."""
    return {
        f"{RECEIVED}.{platform or NO_PLATFORM}.{name}": Increment(number)
        for platform, amounts in added.items()
        for name, number in amounts_to_document(amounts).items()
    }


def received_of(fields: dict[str, Any]) -> ByPlatform:
    """What a notification's receipts have come to, by platform; nothing where none was summed."""
    found = (fields.get(RECEIVED) or {}).items()
    return {None if name == NO_PLATFORM else name: amounts_from_document(numbers) for name, numbers in found}


def received_counts(fields: dict[str, Any]) -> dict[str, int]:
    """The same as a notification's counts, of all platforms together; nothing where none was summed."""
    amounts = received_of(fields).values()
    if not amounts:
        return {}
    return {"delivered": sum(each.total_delivered for each in amounts), "read": sum(each.total_read for each in amounts)}


def opened_at(snapshot: DocumentSnapshot[Any]) -> datetime | None:
    """When a message was asked for; None if it is not there, or was a dry run."""
    fields = snapshot.to_dict() if snapshot.exists else None
    return fields["created_at"] if fields and not fields["validate_only"] else None
