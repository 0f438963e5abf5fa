"""Notifications, their packed recipients and their chunks in Firestore."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, FieldFilter

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.chunk_documents import ChunkDocuments
from fanfare.adapters.firestore.chunks import FirestoreChunkStore
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, read_all, run_query, translated
from fanfare.adapters.firestore.commits import TRIES, Decided, commit_guarded, lost_races, update_guarded
from fanfare.adapters.firestore.event_documents import add_events
from fanfare.adapters.firestore.forgetting import forget_username
from fanfare.adapters.firestore.letter_mapping import letter_from_document
from fanfare.adapters.firestore.new_notifications import add_notification
from fanfare.adapters.firestore.notification_mapping import (
    notification_from_document,
    notification_of,
    steering_to_document,
    update_to_document,
)
from fanfare.adapters.firestore.notification_queries import (
    dead_letters_of,
    edited_pauses,
    newest_dead_letters,
    newest_notifications,
    read_notifications,
)
from fanfare.adapters.firestore.paths import (
    chunk_reference,
    dead_letter_reference,
    key_of_chunk,
    key_of_notification,
    notification_reference,
)
from fanfare.adapters.firestore.public_views import remove_views_of, update_views, with_present_viewers
from fanfare.adapters.firestore.replacing import ReplacingBatch
from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.dead_letter import AnyLetter, DeadLetter, Replay
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import Event
from fanfare.domain.filters import DeadLetterFilter, NotificationFilter
from fanfare.domain.listing import Page
from fanfare.domain.notification import FINAL_STATUSES, Notification
from fanfare.domain.recipient import Recipient
from fanfare.domain.steering import Steered
from fanfare.domain.sweeping import Overdue
from fanfare.ports import Identifiers


class FirestoreNotificationStore:
    """`tenants/{t}/notifications/{id}` with `recipients/{n}` and `chunks/{n}` below."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher
        self._documents = ChunkDocuments(firestore, cipher)
        self._chunks = FirestoreChunkStore(firestore, identifiers, cipher)

    def accept(self, notification: Notification, recipients: Sequence[Recipient], *, events: Sequence[Event] = ()) -> Notification | None:
        """Create a notification with its recipients in one commit. Returns the one that has its id already instead; None means created."""
        write_id = self._identifiers.new_id()
        batch = ReplacingBatch(self._firestore)
        reference = add_notification(batch, self._firestore, self._cipher, notification, recipients, write_id=write_id)
        add_events(batch, self._firestore, events, write_id)
        if commit_guarded(batch, reference, write_id) is not None:
            return None
        existing = self.get(notification.tenant, notification.id)
        if existing is None:
            raise Unavailable("The notification was neither created nor found.")
        return existing

    def get(self, tenant: str, notification_id: str) -> Notification | None:
        """Find one notification."""
        return notification_of(tenant, read(notification_reference(self._firestore, tenant, notification_id)))

    def get_with_chunk(self, key: ChunkKey) -> tuple[Notification, Chunk | None] | None:
        """Find a notification and, where its delivery has begun, one of its chunks, in one call."""
        references = [notification_reference(self._firestore, key.tenant, key.notification_id), chunk_reference(self._firestore, key)]
        notification, chunk = read_all(self._firestore, references)
        found = notification_of(key.tenant, notification)
        return (found, self._documents.open(key, chunk)) if found else None

    def replay(self, letter: DeadLetter, replay: Replay, now: datetime, audit: AuditEntry | None = None) -> DeadLetter | None:
        """Store a replay: chunk, notification and dead letter in one commit. None if something changed meanwhile and nothing was stored."""
        replayed = replace(letter, replayed_at=now)
        return replayed if self._chunks.conclude(replay.chunk, replay.notification, replayed, audit) else None

    def get_dead_letter(self, tenant: str, dead_letter_id: str) -> AnyLetter | None:
        """Find one dead letter."""
        fields = fields_of(read(dead_letter_reference(self._firestore, tenant, dead_letter_id)))
        return letter_from_document(tenant, dead_letter_id, fields) if fields else None

    def find_dead_letters(self, tenant: str, notification_id: str, limit: int, after: str | None) -> Page[DeadLetter]:
        """Find the dead letters of a notification, in the order of their ids."""
        return dead_letters_of(self._firestore, tenant, notification_id, limit=limit, after=after)

    def list_dead_letters(self, tenant: str, filters: DeadLetterFilter, limit: int, after: str | None) -> Page[AnyLetter]:
        """List dead letters, the newest first."""
        return newest_dead_letters(self._firestore, tenant, filters, limit=limit, after=after)

    def list(self, tenant: str, filters: NotificationFilter, limit: int, after: str | None) -> Page[Notification]:
        """List notifications as they are stored, the newest first."""
        return newest_notifications(self._firestore, tenant, filters, limit=limit, after=after)

    def forget_username(self, tenant: str, username: str, limit: int) -> int:
        """Remove an erased person's username from at most `limit` notifications that are found by it; returns from how many."""
        return forget_username(self._firestore, tenant, username, limit)

    def forget_viewer(self, tenant: str, profile_id: str, limit: int) -> int:
        """Remove at most `limit` documents that an erased profile's app could listen to; returns how many."""
        return remove_views_of(self._firestore, tenant, profile_id, limit)

    def get_many(self, tenant: str, notification_ids: Sequence[str]) -> dict[str, tuple[Notification, Chunk | None]]:
        """Find notifications, with the chunk of each whose delivery may be under way; unknown ids are missing from the answer."""
        found = read_notifications(self._firestore, tenant, notification_ids)
        keys = [
            ChunkKey(tenant, name, 0)
            for name, notification in found.items()
            if notification.status not in FINAL_STATUSES and notification.layout is None
        ]
        chunks = {key.notification_id: chunk for key, chunk in zip(keys, self._chunks.get_many(keys), strict=True)}
        return {name: (notification, chunks.get(name)) for name, notification in found.items()}

    def steer(
        self, key: ChunkKey, decide: Callable[[Notification, Chunk | None], Steered | None], audit: Trail
    ) -> tuple[Notification, Chunk | None] | None:
        """Apply a pure decision to a notification and its chunk, with an audit entry in the same commit. Returns their state; None if unknown.

        The chunk is the lock: it is created where nobody has claimed it yet, and else guarded by what was read of it.
        """
        for attempt in range(TRIES):
            found = self.get_with_chunk(key)
            if found is None:
                return None
            if attempt:
                found = with_present_viewers(self._firestore, found[0]), found[1]
            steered = decide(*found)
            if steered is None:
                return found
            if self._commit_steered(found, steered, audit(found[0], steered.notification)):
                return steered.notification, steered.chunk
        raise lost_races()

    def update(
        self,
        tenant: str,
        notification_id: str,
        decide: Callable[[Notification], Notification | None],
        audit: Trail | None = None,
        *,
        announce: Announcer | None = None,
    ) -> Notification | None:
        """Apply a pure decision (None leaves it) to a notification of many chunks, audited, in one commit; returns its state, None if unknown."""

        def decide_fields(snapshot: DocumentSnapshot[Any]) -> Decided[Notification]:
            stored = notification_from_document(tenant, notification_id, snapshot.to_dict() or {}, snapshot.update_time)
            decided = decide(stored)
            if decided is None:
                return Decided(stored)
            entry = audit(stored, decided) if audit is not None else None
            events = announce(stored, decided) if announce is not None else ()
            return Decided(decided, update_to_document(decided), tenant, entry, events)

        reference = notification_reference(self._firestore, tenant, notification_id)
        return update_guarded(self._firestore, reference, decide_fields, self._identifiers.new_id)

    def find_edited_pauses(self, limit: int) -> Sequence[ChunkKey]:
        """Find, in all tenants, notifications whose `paused` was edited by hand and not yet acted on."""
        return edited_pauses(self._firestore, limit)

    def find_overdue(self, now: datetime, limit: int) -> Overdue:
        """Find, in all tenants, at most `limit` chunks and notifications whose next check has passed."""
        chunks = self._overdue("chunks", now, limit)
        notifications = self._overdue("notifications", now, limit)
        return Overdue([key_of_chunk(found) for found in chunks], [key_of_notification(found) for found in notifications])

    def set_next_check(self, key: ChunkKey, at: datetime | None) -> None:
        """Move the next check of a chunk's *notification*; None ends it, because the chunk itself is checked from now on."""
        with translated():
            notification_reference(self._firestore, key.tenant, key.notification_id).update(
                {"next_check_at": at}, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS
            )

    def _overdue(self, collection: str, now: datetime, limit: int) -> Sequence[DocumentReference]:
        # Only the names are wanted: a chunk holds the results of 500 recipients.
        query = self._firestore.collection_group(collection).where(filter=FieldFilter("next_check_at", "<=", now))
        return [found.reference for found in run_query(query.order_by("next_check_at").limit(limit).select(["next_check_at"]))]

    def _commit_steered(self, found: tuple[Notification, Chunk | None], steered: Steered, entry: AuditEntry) -> bool:
        batch, write_id = ReplacingBatch(self._firestore), self._identifiers.new_id()
        reference = chunk_reference(self._firestore, steered.chunk.key)
        add = self._documents.create if found[1] is None else self._documents.update
        add(batch, steered.chunk, write_id)
        notification = steered.notification
        batch.update(notification_reference(self._firestore, notification.tenant, notification.id), steering_to_document(notification))
        update_views(batch, self._firestore, notification, steered.chunk.results)
        add_audit(batch, self._firestore, notification.tenant, entry, write_id)
        add_events(batch, self._firestore, steered.events, write_id)
        return commit_guarded(batch, reference, write_id) is not None
