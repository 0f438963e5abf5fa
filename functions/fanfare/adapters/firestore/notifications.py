"""Notifications, their packed recipients and their chunks in Firestore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, FieldFilter, WriteBatch

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, read_all, run_query, translated
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded
from fanfare.adapters.firestore.notification_mapping import (
    chunk_from_document,
    chunk_to_document,
    dead_letter_from_document,
    dead_letter_to_document,
    notification_from_document,
    notification_to_document,
    progress_to_document,
)
from fanfare.adapters.firestore.pages import read_page
from fanfare.adapters.firestore.paths import (
    chunk_reference,
    collection_of,
    dead_letter_reference,
    key_of_chunk,
    key_of_notification,
    notification_reference,
    recipients_reference,
)
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, ChunkState, Claimed, Finished, decide_claim, new_claim
from fanfare.domain.dead_letter import DeadLetter, Replay
from fanfare.domain.errors import Unavailable
from fanfare.domain.listing import Page
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Result
from fanfare.domain.packing import pack_recipients, pack_results, unpack_recipients, unpack_results
from fanfare.domain.recipient import Recipient
from fanfare.domain.sweeping import Overdue
from fanfare.ports import Identifiers

VERSION = 1
_CLAIM_TRIES = 4


class FirestoreNotificationStore:
    """`tenants/{t}/notifications/{id}` with `recipients/{n}` and `chunks/{n}` below."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher

    def accept(self, notification: Notification, recipients: Sequence[Recipient]) -> Notification | None:
        """Create a notification with its recipients in one commit. Returns the one that has its id already instead; None means created."""
        reference = notification_reference(self._firestore, notification.tenant, notification.id)
        key = ChunkKey(notification.tenant, notification.id, 0)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**notification_to_document(notification), WRITE_ID: write_id})
        if recipients:
            rows = self._cipher.encrypt(key.tenant, _rows_place(key), pack_recipients(recipients))
            batch.create(recipients_reference(self._firestore, key), {"v": VERSION, "rows": rows, "count": len(recipients)})
        if commit_guarded(batch, reference, write_id) is not None:
            return None
        existing = self.get(notification.tenant, notification.id)
        if existing is None:
            raise Unavailable("The notification was neither created nor found.")
        return existing

    def get(self, tenant: str, notification_id: str) -> Notification | None:
        """Find one notification."""
        return _notification(tenant, read(notification_reference(self._firestore, tenant, notification_id)))

    def get_with_chunk(self, key: ChunkKey) -> tuple[Notification, Chunk | None] | None:
        """Find a notification and, where its delivery has begun, one of its chunks, in one call."""
        references = [notification_reference(self._firestore, key.tenant, key.notification_id), chunk_reference(self._firestore, key)]
        notification, chunk = read_all(self._firestore, references)
        found = _notification(key.tenant, notification)
        return (found, self._chunk(key, chunk)) if found else None

    def read_recipients(self, key: ChunkKey) -> tuple[Recipient, ...]:
        """The rows of one chunk in their order; empty once cleanup has removed them."""
        return self._recipients(key, read(recipients_reference(self._firestore, key)))

    def read_chunk(self, key: ChunkKey) -> tuple[Notification, tuple[Recipient, ...]] | None:
        """Read in one call what a delivery needs; None if there is no such notification or chunk."""
        references = [notification_reference(self._firestore, key.tenant, key.notification_id), recipients_reference(self._firestore, key)]
        notification, recipients = read_all(self._firestore, references)
        found = _notification(key.tenant, notification)
        return (found, self._recipients(key, recipients)) if found and recipients.exists else None

    def claim(self, key: ChunkKey, owner: str, now: datetime) -> Chunk | Busy | Finished:
        """Take a chunk for `owner`, exclusively until its lease ends."""
        reference = chunk_reference(self._firestore, key)
        fresh = new_claim(key, owner, now)
        batch = self._firestore.batch()
        batch.create(reference, {**chunk_to_document(fresh, None), WRITE_ID: owner})
        revision = commit_guarded(batch, reference, owner)
        return replace(fresh, revision=revision) if revision is not None else self._take_over(key, owner, now)

    def save_chunk(self, chunk: Chunk) -> Chunk | None:
        """Store a claimed chunk by itself: a checkpoint, or its cancellation. Returns it with its new revision; None if the claim was lost."""
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        self._add_chunk(batch, chunk, write_id)
        revision = commit_guarded(batch, chunk_reference(self._firestore, chunk.key), write_id)
        return replace(chunk, revision=revision) if revision is not None else None

    def conclude(self, chunk: Chunk, notification: Notification, dead_letter: DeadLetter | None = None) -> bool:
        """Store a pass's end: the chunk, its notification, and its dead letter if it has one. False: the claim was lost, nothing was stored."""
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        self._add_chunk(batch, chunk, write_id)
        batch.update(notification_reference(self._firestore, notification.tenant, notification.id), progress_to_document(notification))
        if dead_letter is not None:
            batch.set(dead_letter_reference(self._firestore, chunk.key.tenant, dead_letter.id), dead_letter_to_document(dead_letter))
        return commit_guarded(batch, chunk_reference(self._firestore, chunk.key), write_id) is not None

    def replay(self, letter: DeadLetter, replay: Replay, now: datetime) -> DeadLetter | None:
        """Store a replay: chunk, notification and dead letter in one commit. None if something changed meanwhile and nothing was stored."""
        replayed = replace(letter, replayed_at=now)
        return replayed if self.conclude(replay.chunk, replay.notification, replayed) else None

    def get_dead_letter(self, tenant: str, dead_letter_id: str) -> DeadLetter | None:
        """Find one dead letter."""
        fields = fields_of(read(dead_letter_reference(self._firestore, tenant, dead_letter_id)))
        return dead_letter_from_document(tenant, dead_letter_id, fields) if fields else None

    def list_dead_letters(self, tenant: str, limit: int, after: str | None) -> Page[DeadLetter]:
        """List dead letters in the order of their ids."""
        collection = collection_of(self._firestore, tenant, "dead_letters")
        return read_page(collection, (), limit, after, lambda snapshot: dead_letter_from_document(tenant, snapshot.id, snapshot.to_dict() or {}))

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

    def find_parked(self, tenant: str, limit: int) -> list[ChunkKey]:
        """Find parked chunks of a tenant."""
        query = self._firestore.collection_group("chunks").where(filter=FieldFilter("tenant", "==", tenant))
        parked = query.where(filter=FieldFilter("state", "==", ChunkState.PARKED.value)).limit(limit)
        return [key_of_chunk(found.reference) for found in run_query(parked)]

    def _overdue(self, collection: str, now: datetime, limit: int) -> list[DocumentReference]:
        # Only the names are wanted: a chunk holds the results of 500 recipients.
        query = self._firestore.collection_group(collection).where(filter=FieldFilter("next_check_at", "<=", now))
        return [found.reference for found in run_query(query.order_by("next_check_at").limit(limit).select(["next_check_at"]))]

    def _add_chunk(self, batch: WriteBatch, chunk: Chunk, write_id: str) -> None:
        results = self._cipher.encrypt(chunk.key.tenant, _results_place(chunk.key), pack_results(chunk.results)) if chunk.results else None
        guard = self._firestore.write_option(last_update_time=chunk.revision)
        batch.update(chunk_reference(self._firestore, chunk.key), {**chunk_to_document(chunk, results), WRITE_ID: write_id}, guard)

    def _take_over(self, key: ChunkKey, owner: str, now: datetime) -> Chunk | Busy | Finished:
        reference = chunk_reference(self._firestore, key)
        for _ in range(_CLAIM_TRIES):
            stored = self._chunk(key, read(reference))
            if stored is None:
                return Finished()
            decision = decide_claim(stored, owner, now)
            if not isinstance(decision, Claimed):
                return decision
            revision = self._write_claim(decision.chunk)
            if revision is not None:
                return replace(decision.chunk, revision=revision)
        return Busy(retry_after_seconds=5)

    def _write_claim(self, chunk: Chunk) -> object | None:
        reference = chunk_reference(self._firestore, chunk.key)
        batch = self._firestore.batch()
        fields: dict[str, Any] = chunk_to_document(chunk, None)
        del fields["results"]  # What earlier attempts stored stays.
        batch.update(reference, {**fields, WRITE_ID: chunk.owner}, self._firestore.write_option(last_update_time=chunk.revision))
        return commit_guarded(batch, reference, chunk.owner)

    def _chunk(self, key: ChunkKey, snapshot: DocumentSnapshot[Any]) -> Chunk | None:
        fields = fields_of(snapshot)
        return chunk_from_document(key, fields, self._results(key, fields["results"]), snapshot.update_time) if fields else None

    def _results(self, key: ChunkKey, sealed: bytes | None) -> dict[str, Result]:
        return unpack_results(self._cipher.decrypt(key.tenant, _results_place(key), sealed)) if sealed else {}

    def _recipients(self, key: ChunkKey, snapshot: DocumentSnapshot[Any]) -> tuple[Recipient, ...]:
        fields = fields_of(snapshot)
        return unpack_recipients(self._cipher.decrypt(key.tenant, _rows_place(key), fields["rows"])) if fields else ()


def _notification(tenant: str, snapshot: DocumentSnapshot[Any]) -> Notification | None:
    fields = fields_of(snapshot)
    return notification_from_document(tenant, snapshot.id, fields) if fields else None


def _rows_place(key: ChunkKey) -> str:
    return f"notifications/{key.notification_id}/recipients/{key.number}/rows"


def _results_place(key: ChunkKey) -> str:
    return f"notifications/{key.notification_id}/chunks/{key.number}/results"
