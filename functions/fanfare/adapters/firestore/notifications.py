"""Notifications, their packed recipients and their chunks in Firestore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.client import fields_of, read, read_all
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded
from fanfare.adapters.firestore.notification_mapping import (
    chunk_from_document,
    chunk_to_document,
    notification_from_document,
    notification_to_document,
    progress_to_document,
)
from fanfare.adapters.firestore.paths import chunk_reference, notification_reference, recipients_reference
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, Claimed, Finished, decide_claim, new_claim
from fanfare.domain.errors import Unavailable
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Result
from fanfare.domain.packing import pack_recipients, pack_results, unpack_recipients, unpack_results
from fanfare.domain.recipient import Recipient
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

    def get_with_chunk(self, tenant: str, notification_id: str) -> tuple[Notification, Chunk | None] | None:
        """Find a notification and, where its delivery has begun, its first chunk, in one call."""
        key = ChunkKey(tenant, notification_id, 0)
        references = [notification_reference(self._firestore, tenant, notification_id), chunk_reference(self._firestore, key)]
        notification, chunk = read_all(self._firestore, references)
        found = _notification(tenant, notification)
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

    def conclude(self, chunk: Chunk, notification: Notification) -> bool:
        """Store a chunk's end together with its notification. False: the claim was lost to another call and nothing was stored."""
        reference = chunk_reference(self._firestore, chunk.key)
        write_id = self._identifiers.new_id()
        results = self._cipher.encrypt(chunk.key.tenant, _results_place(chunk.key), pack_results(chunk.results))
        batch = self._firestore.batch()
        guard = self._firestore.write_option(last_update_time=chunk.revision)
        batch.update(reference, {**chunk_to_document(chunk, results), WRITE_ID: write_id}, guard)
        batch.update(notification_reference(self._firestore, notification.tenant, notification.id), progress_to_document(notification))
        return commit_guarded(batch, reference, write_id) is not None

    def cancel_chunk(self, chunk: Chunk) -> None:
        """Store a claimed chunk as cancelled, with its reason; without effect if the claim was lost."""
        self._write_claim(chunk)

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
