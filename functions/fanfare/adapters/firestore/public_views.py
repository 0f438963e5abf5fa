"""What profiles' own apps may listen to, as part of the commit of what it tells of, and its removal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP, DocumentReference, FieldFilter, WriteBatch
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.client import read_all, run_query
from fanfare.adapters.firestore.paths import notification_reference
from fanfare.adapters.firestore.removal import remove_documents
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Result
from fanfare.domain.public_view import PublicView, views_of

VERSION = 1
_NOT_SHOWN = ("delivered", "read")


def create_views(batch: WriteBatch, firestore: Firestore, notification: Notification) -> None:
    """Put the documents of a new notification into its commit."""
    for view in views_of(notification, {}):
        batch.create(_reference(firestore, notification, view.profile_id), to_document(notification.tenant, view))


def update_views(batch: WriteBatch, firestore: Firestore, notification: Notification, results: Mapping[str, Result]) -> None:
    """Put what a notification has come to into the commit of it. Refused if one of the documents is gone: an erased profile gets none again."""
    for view in views_of(notification, results):
        batch.update(_reference(firestore, notification, view.profile_id), _changes(view))


def with_present_viewers(firestore: Firestore, notification: Notification) -> Notification:
    """Leave the viewers out whose documents are gone, because the profile was erased or by hand; costs a read for each."""
    if not notification.viewers:
        return notification
    found = read_all(firestore, [_reference(firestore, notification, profile_id) for profile_id in notification.viewers])
    present = {snapshot.id for snapshot in found if snapshot.exists}
    return replace(notification, viewers={name: devices for name, devices in notification.viewers.items() if name in present})


def remove_views_of(firestore: Firestore, tenant: str, profile_id: str, limit: int) -> int:
    """Remove at most `limit` documents of an erased profile; returns how many, 0 when none are left."""
    query = firestore.collection_group("public").where(filter=FieldFilter("tenant", "==", tenant))
    query = query.where(filter=FieldFilter("profile_id", "==", profile_id)).limit(limit)
    return remove_documents(firestore, [found.reference for found in run_query(query.select(["profile_id"]))])


def to_document(tenant: str, view: PublicView) -> dict[str, Any]:
    """Map a new view; `tenant` and `profile_id` are what an erasure finds it by."""
    return {"v": VERSION, "tenant": tenant, "profile_id": view.profile_id, "created_at": view.created_at, **_changes(view)}


def _changes(view: PublicView) -> dict[str, Any]:
    counts = {name: number for name, number in asdict(view.counts).items() if name not in _NOT_SHOWN}
    return {"status": view.status.value, "counts": counts, "updated_at": SERVER_TIMESTAMP}


def view_reference(firestore: Firestore, tenant: str, notification_id: str, profile_id: str) -> DocumentReference:
    """`…/notifications/{id}/public/{profile}`."""
    reference: DocumentReference = notification_reference(firestore, tenant, notification_id).collection("public").document(profile_id)
    return reference


def _reference(firestore: Firestore, notification: Notification, profile_id: str) -> DocumentReference:
    return view_reference(firestore, notification.tenant, notification.id, profile_id)
