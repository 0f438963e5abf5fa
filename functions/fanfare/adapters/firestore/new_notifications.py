"""A new notification with its recipients, as part of a commit."""

from __future__ import annotations

from collections.abc import Sequence

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, WriteBatch

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.commits import WRITE_ID
from fanfare.adapters.firestore.notification_mapping import notification_to_document
from fanfare.adapters.firestore.paths import notification_reference, recipients_reference
from fanfare.adapters.firestore.public_views import create_views
from fanfare.adapters.firestore.recipients import rows_place
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.notification import Notification
from fanfare.domain.packing import pack_recipients
from fanfare.domain.recipient import Recipient

VERSION = 1


def add_notification(
    batch: WriteBatch,
    firestore: Firestore,
    cipher: FieldCipher,
    notification: Notification,
    recipients: Sequence[Recipient],
    *,
    write_id: str,
) -> DocumentReference:
    """Create a notification in a commit, with its first recipients where it has some, and what its viewers see.

    Its document carries the write id, and proves the commit.
    """
    key = ChunkKey(notification.tenant, notification.id, 0)
    reference = notification_reference(firestore, key.tenant, key.notification_id)
    batch.create(reference, {**notification_to_document(notification), WRITE_ID: write_id})
    if recipients:
        rows = cipher.encrypt(key.tenant, rows_place(key), pack_recipients(recipients))
        batch.create(recipients_reference(firestore, key), {"v": VERSION, "rows": rows, "count": len(recipients)})
    create_views(batch, firestore, notification)
    return reference
