"""Questions about many notifications and dead letters, each served by an index of its own (docs/indexes.md)."""

from __future__ import annotations

from collections.abc import Sequence

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.client import fields_of, read_all, run_query
from fanfare.adapters.firestore.letter_mapping import letter_from_document
from fanfare.adapters.firestore.notification_mapping import dead_letter_from_document, notification_from_document
from fanfare.adapters.firestore.pages import read_newest
from fanfare.adapters.firestore.paths import collection_of, key_of_notification, notification_reference
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.dead_letter import AnyLetter, DeadLetter, DeadLetterKind
from fanfare.domain.filters import DeadLetterFilter, NotificationFilter
from fanfare.domain.listing import Page
from fanfare.domain.notification import Notification, NotificationStatus


def newest_notifications(firestore: Firestore, tenant: str, filters: NotificationFilter, *, limit: int, after: str | None) -> Page[Notification]:
    """List notifications, the newest first."""
    wanted = (
        ("created_at", ">=", filters.created_after),
        ("created_at", "<=", filters.created_before),
        ("status", "==", filters.status.value if filters.status else None),
        ("template", "==", filters.template),
        ("type", "==", filters.type),
        ("caller", "==", filters.caller),
        ("client_id", "==", filters.client_id),
        ("topic", "==", filters.topic),
        ("schedule_id", "==", filters.schedule_id),
        ("usernames", "array_contains", filters.username),
        ("profile_ids", "array_contains", filters.profile_id),
    )
    return read_newest(
        collection_of(firestore, tenant, "notifications"),
        "created_at",
        wanted,
        limit=limit,
        after=after,
        convert=lambda snapshot: notification_from_document(tenant, snapshot.id, snapshot.to_dict() or {}),
    )


def newest_dead_letters(firestore: Firestore, tenant: str, filters: DeadLetterFilter, *, limit: int, after: str | None) -> Page[AnyLetter]:
    """List dead letters, the newest first."""
    wanted = (
        ("created_at", ">=", filters.created_after),
        ("created_at", "<=", filters.created_before),
        ("kind", "==", filters.kind.value if filters.kind else None),
    )
    return read_newest(
        collection_of(firestore, tenant, "dead_letters"),
        "created_at",
        wanted,
        limit=limit,
        after=after,
        convert=lambda snapshot: letter_from_document(tenant, snapshot.id, snapshot.to_dict() or {}),
    )


def dead_letters_of(firestore: Firestore, tenant: str, notification_id: str, *, limit: int, after: str | None) -> Page[DeadLetter]:
    """The dead letters of one notification: their ids begin with its own and a hyphen, and the next character after that is a full stop."""
    collection, name = collection_of(firestore, tenant, "dead_letters"), FieldPath.document_id()
    query = collection.order_by(name).end_before({name: collection.document(f"{notification_id}.")})
    query = query.start_after({name: collection.document(after or f"{notification_id}-")})
    found = run_query(query.limit(limit + 1))
    shown = found[:limit]
    chunks = [snapshot for snapshot in shown if (snapshot.to_dict() or {}).get("kind") != DeadLetterKind.WEBHOOK]
    letters = [dead_letter_from_document(tenant, snapshot.id, snapshot.to_dict() or {}) for snapshot in chunks]
    own = [letter for letter in letters if letter.key.notification_id == notification_id]
    return Page(own, shown[-1].id if len(found) > limit else None)


def read_notifications(firestore: Firestore, tenant: str, notification_ids: Sequence[str]) -> dict[str, Notification]:
    """Read notifications in one call; unknown ids are missing from the answer."""
    snapshots = read_all(firestore, [notification_reference(firestore, tenant, notification_id) for notification_id in notification_ids])
    found = ((snapshot.id, fields_of(snapshot)) for snapshot in snapshots)
    return {notification_id: notification_from_document(tenant, notification_id, fields) for notification_id, fields in found if fields}


def edited_pauses(firestore: Firestore, limit: int) -> list[ChunkKey]:
    """The first chunks of the notifications, of all tenants, whose `paused` says another thing than their state: somebody has edited it."""
    everywhere = firestore.collection_group("notifications")
    under_way = [NotificationStatus.QUEUED.value, NotificationStatus.SENDING.value]
    asked = everywhere.where(filter=FieldFilter("paused", "==", True)).where(filter=FieldFilter("status", "in", under_way))  # noqa: FBT003
    released = everywhere.where(filter=FieldFilter("paused", "==", False)).where(  # noqa: FBT003 - a value to compare with
        filter=FieldFilter("status", "==", NotificationStatus.PAUSED.value)
    )
    return [key_of_notification(found.reference) for query in (asked, released) for found in run_query(query.limit(limit).select(["paused"]))]
