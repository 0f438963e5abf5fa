"""Notifications, their packed recipients and their chunks in Firestore."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, FieldFilter, WriteBatch
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, read_all, run_query, translated
from fanfare.adapters.firestore.commits import TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.forgetting import forget_username
from fanfare.adapters.firestore.notification_mapping import (
    chunk_from_document,
    chunk_to_document,
    dead_letter_from_document,
    dead_letter_to_document,
    notification_from_document,
    notification_to_document,
    progress_to_document,
    steering_to_document,
)
from fanfare.adapters.firestore.notification_queries import edited_pauses, newest_dead_letters, newest_notifications, read_notifications
from fanfare.adapters.firestore.paths import (
    chunk_reference,
    dead_letter_reference,
    key_of_chunk,
    key_of_notification,
    notification_reference,
    recipients_reference,
)
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, ChunkState, Claimed, Finished, decide_claim, is_claim_of, new_claim
from fanfare.domain.dead_letter import DeadLetter, Replay
from fanfare.domain.errors import Unavailable
from fanfare.domain.filters import DeadLetterFilter, NotificationFilter
from fanfare.domain.listing import Page
from fanfare.domain.notification import FINAL_STATUSES, Notification
from fanfare.domain.outcome import Result
from fanfare.domain.packing import pack_recipients, pack_results, unpack_recipients, unpack_results
from fanfare.domain.recipient import Recipient
from fanfare.domain.steering import Steered
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
        revision = self._commit_chunk(chunk)
        if revision is None and (held := self._held(chunk)) is not None:
            chunk = replace(chunk, revision=held.revision, stop=held.stop)
            revision = self._commit_chunk(chunk)
        return replace(chunk, revision=revision) if revision is not None else None

    def conclude(self, chunk: Chunk, notification: Notification, dead_letter: DeadLetter | None = None, audit: AuditEntry | None = None) -> bool:
        """Store a pass's end: the chunk, its notification, and its dead letter if it has one. False: the claim was lost, nothing was stored."""

        def add_end(batch: WriteBatch, write_id: str) -> None:
            batch.update(notification_reference(self._firestore, notification.tenant, notification.id), progress_to_document(notification))
            if dead_letter is not None:
                batch.set(dead_letter_reference(self._firestore, chunk.key.tenant, dead_letter.id), dead_letter_to_document(dead_letter))
            if audit is not None:
                add_audit(batch, self._firestore, chunk.key.tenant, audit, write_id)

        revision = self._commit_chunk(chunk, add_end)
        if revision is None and (held := self._held(chunk)) is not None and held.stop is chunk.stop:
            revision = self._commit_chunk(replace(chunk, revision=held.revision), add_end)
        return revision is not None

    def replay(self, letter: DeadLetter, replay: Replay, now: datetime, audit: AuditEntry | None = None) -> DeadLetter | None:
        """Store a replay: chunk, notification and dead letter in one commit. None if something changed meanwhile and nothing was stored."""
        replayed = replace(letter, replayed_at=now)
        return replayed if self.conclude(replay.chunk, replay.notification, replayed, audit) else None

    def get_dead_letter(self, tenant: str, dead_letter_id: str) -> DeadLetter | None:
        """Find one dead letter."""
        fields = fields_of(read(dead_letter_reference(self._firestore, tenant, dead_letter_id)))
        return dead_letter_from_document(tenant, dead_letter_id, fields) if fields else None

    def list_dead_letters(self, tenant: str, filters: DeadLetterFilter, limit: int, after: str | None) -> Page[DeadLetter]:
        """List dead letters, the newest first."""
        return newest_dead_letters(self._firestore, tenant, filters, limit=limit, after=after)

    def list(self, tenant: str, filters: NotificationFilter, limit: int, after: str | None) -> Page[Notification]:
        """List notifications as they are stored, the newest first."""
        return newest_notifications(self._firestore, tenant, filters, limit=limit, after=after)

    def forget_username(self, tenant: str, username: str, limit: int) -> int:
        """Remove an erased person's username from at most `limit` notifications that are found by it; returns from how many."""
        return forget_username(self._firestore, tenant, username, limit)

    def get_many(self, tenant: str, notification_ids: Sequence[str]) -> dict[str, tuple[Notification, Chunk | None]]:
        """Find notifications, with the chunk of each whose delivery may be under way; unknown ids are missing from the answer."""
        found = read_notifications(self._firestore, tenant, notification_ids)
        keys = [ChunkKey(tenant, name, 0) for name, notification in found.items() if notification.status not in FINAL_STATUSES]
        snapshots = read_all(self._firestore, [chunk_reference(self._firestore, key) for key in keys])
        chunks = {key.notification_id: self._chunk(key, snapshot) for key, snapshot in zip(keys, snapshots, strict=True)}
        return {name: (notification, chunks.get(name)) for name, notification in found.items()}

    def steer(
        self, key: ChunkKey, decide: Callable[[Notification, Chunk | None], Steered | None], audit: Trail
    ) -> tuple[Notification, Chunk | None] | None:
        """Apply a pure decision to a notification and its chunk, with an audit entry in the same commit. Returns their state; None if unknown.

        The chunk is the lock: it is created where nobody has claimed it yet, and else guarded by what was read of it.
        """
        for _ in range(TRIES):
            found = self.get_with_chunk(key)
            if found is None:
                return None
            steered = decide(*found)
            if steered is None:
                return found
            if self._commit_steered(found, steered, audit(found[0], steered.notification)):
                return steered.notification, steered.chunk
        raise lost_races()

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

    def find_parked(self, tenant: str, limit: int, after: ChunkKey | None = None) -> Sequence[ChunkKey]:
        """Find parked chunks of a tenant in the order of their names, from the beginning or after one that need not be parked any more."""
        query = self._firestore.collection_group("chunks").where(filter=FieldFilter("tenant", "==", tenant))
        query = query.where(filter=FieldFilter("state", "==", ChunkState.PARKED.value)).order_by(FieldPath.document_id())
        if after is not None:
            query = query.start_after({FieldPath.document_id(): chunk_reference(self._firestore, after)})
        # Only the names are wanted: a chunk holds the results of 500 recipients.
        return [key_of_chunk(found.reference) for found in run_query(query.limit(limit).select([FieldPath.document_id()]))]

    def _overdue(self, collection: str, now: datetime, limit: int) -> Sequence[DocumentReference]:
        # Only the names are wanted: a chunk holds the results of 500 recipients.
        query = self._firestore.collection_group(collection).where(filter=FieldFilter("next_check_at", "<=", now))
        return [found.reference for found in run_query(query.order_by("next_check_at").limit(limit).select(["next_check_at"]))]

    def _held(self, chunk: Chunk) -> Chunk | None:
        """The stored chunk, without its results, if the same claim still holds it.

        A refused write alone says nothing about the claim: a checkpoint whose answer never came may have been stored after all, or somebody has told
        the chunk to stop. What is still ours is written once more, guarded by the revision that it has now; an end that was planned without knowing
        of a stop is not.
        """
        snapshot = read(chunk_reference(self._firestore, chunk.key))
        fields = fields_of(snapshot)
        stored = chunk_from_document(chunk.key, fields, {}, snapshot.update_time) if fields else None
        return stored if stored is not None and is_claim_of(stored, chunk.owner) else None

    def _commit_chunk(self, chunk: Chunk, add: Callable[[WriteBatch, str], None] | None = None) -> object | None:
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        self._add_chunk(batch, chunk, write_id)
        if add is not None:
            add(batch, write_id)
        return commit_guarded(batch, chunk_reference(self._firestore, chunk.key), write_id)

    def _commit_steered(self, found: tuple[Notification, Chunk | None], steered: Steered, entry: AuditEntry) -> bool:
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        reference = chunk_reference(self._firestore, steered.chunk.key)
        if found[1] is None:
            batch.create(reference, {**chunk_to_document(steered.chunk, None), WRITE_ID: write_id})
        else:
            self._add_chunk(batch, steered.chunk, write_id)
        notification = steered.notification
        batch.update(notification_reference(self._firestore, notification.tenant, notification.id), steering_to_document(notification))
        add_audit(batch, self._firestore, notification.tenant, entry, write_id)
        return commit_guarded(batch, reference, write_id) is not None

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
