"""Chunks and their rows in Firestore: claims, checkpoints and ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import FieldFilter, WriteBatch
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.audience_mapping import header_from_document, header_reference, shard_from_snapshot, shard_reference
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.chunk_documents import ChunkDocuments
from fanfare.adapters.firestore.client import read, read_all, run_query
from fanfare.adapters.firestore.commits import commit_guarded
from fanfare.adapters.firestore.event_documents import add_events
from fanfare.adapters.firestore.notification_mapping import dead_letter_to_document, notification_of, progress_to_document
from fanfare.adapters.firestore.paths import chunk_reference, dead_letter_reference, key_of_chunk, notification_reference, recipients_reference
from fanfare.adapters.firestore.public_views import update_views, with_present_viewers
from fanfare.adapters.firestore.replacing import ReplacingBatch
from fanfare.domain.audit import AuditEntry
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, ChunkState, Claimed, Finished, Take, decide_claim, new_claim
from fanfare.domain.chunk_rows import Rows, is_of_audience
from fanfare.domain.dead_letter import DeadLetter
from fanfare.domain.event import Event
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from fanfare.ports import Identifiers

_CLAIM_TRIES = 4


class FirestoreChunkStore:
    """`…/notifications/{id}/chunks/{n}`, and the `recipients/{n}` or audience shards that they are sent to."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher
        self._documents = ChunkDocuments(firestore, cipher)

    def claim(
        self, key: ChunkKey, owner: str, now: datetime, planned_at: datetime | None = None, *, take: Take = Take.DUE
    ) -> Chunk | Busy | Finished:
        """Take a chunk for `owner`, exclusively until its lease ends."""
        fresh = new_claim(key, owner, now, planned_at)
        batch = ReplacingBatch(self._firestore)
        self._documents.create(batch, fresh, owner)
        revision = commit_guarded(batch, chunk_reference(self._firestore, key), owner)
        return replace(fresh, revision=revision) if revision is not None else self._take_over(key, owner, now, take)

    def read_recipients(self, key: ChunkKey) -> tuple[Recipient, ...]:
        """The rows of one chunk in their order; empty once cleanup has removed them."""
        return self._documents.open_rows(key, read(recipients_reference(self._firestore, key)))

    def read_chunk(self, key: ChunkKey, generation: int | None = None) -> tuple[Notification, Rows] | None:
        """Read in one call what a delivery needs; None if there is no such notification or chunk."""
        shard = shard_reference(self._firestore, key.tenant, generation, key.number) if generation is not None else None
        references = [notification_reference(self._firestore, key.tenant, key.notification_id), shard or recipients_reference(self._firestore, key)]
        notification, rows = read_all(self._firestore, references)
        found = notification_of(key.tenant, notification)
        if found is None:
            return None
        if not rows.exists:
            return (found, self._current_rows(key, found.chunk_count)) if is_of_audience(found) and found.chunk_count else None
        if generation is None:
            return found, Rows(self._documents.open_rows(key, rows))
        return found, Rows(shards=(shard_from_snapshot(self._cipher, key.tenant, generation, key.number, rows),))

    def save_chunk(self, chunk: Chunk) -> Chunk | None:
        """Store a claimed chunk by itself: a checkpoint, or its cancellation. Returns it with its new revision; None if the claim was lost."""
        revision = self._commit(chunk)
        if revision is None and (held := self._documents.held(chunk)) is not None:
            chunk = replace(chunk, revision=held.revision, stop=held.stop)
            revision = self._commit(chunk)
        return replace(chunk, revision=revision) if revision is not None else None

    def conclude(
        self,
        chunk: Chunk,
        notification: Notification,
        dead_letter: DeadLetter | None = None,
        audit: AuditEntry | None = None,
        *,
        events: Sequence[Event] = (),
    ) -> bool:
        """Store a pass's end: the chunk, its notification, its dead letter and its events. False: the claim was lost, nothing was stored."""

        def add_end(batch: WriteBatch, write_id: str) -> None:
            batch.update(notification_reference(self._firestore, notification.tenant, notification.id), progress_to_document(notification))
            update_views(batch, self._firestore, notification, chunk.results)
            if dead_letter is not None:
                batch.set(dead_letter_reference(self._firestore, chunk.key.tenant, dead_letter.id), dead_letter_to_document(dead_letter))
            if audit is not None:
                add_audit(batch, self._firestore, chunk.key.tenant, audit, write_id)
            add_events(batch, self._firestore, events, write_id)

        revision = self._commit(chunk, add_end)
        if revision is None and (held := self._documents.held(chunk)) is not None and held.stop is chunk.stop:
            notification = with_present_viewers(self._firestore, notification)
            revision = self._commit(replace(chunk, revision=held.revision), add_end)
        return revision is not None

    def get_many(self, keys: Sequence[ChunkKey]) -> list[Chunk | None]:
        """Find chunks in one call, in the order asked for; None for one that nobody has claimed yet."""
        snapshots = read_all(self._firestore, [chunk_reference(self._firestore, key) for key in keys])
        return [self._documents.open(key, snapshot) for key, snapshot in zip(keys, snapshots, strict=True)]

    def find_parked(self, tenant: str, limit: int, after: ChunkKey | None = None) -> Sequence[ChunkKey]:
        """Find parked chunks of a tenant in the order of their names, from the beginning or after one that need not be parked any more."""
        query = self._firestore.collection_group("chunks").where(filter=FieldFilter("tenant", "==", tenant))
        query = query.where(filter=FieldFilter("state", "==", ChunkState.PARKED.value)).order_by(FieldPath.document_id())
        if after is not None:
            query = query.start_after({FieldPath.document_id(): chunk_reference(self._firestore, after)})
        # Only the names are wanted: a chunk holds the results of 500 recipients.
        return [key_of_chunk(found.reference) for found in run_query(query.limit(limit).select([FieldPath.document_id()]))]

    def _current_rows(self, key: ChunkKey, chunks: int) -> Rows:
        """The rows of a chunk in the current generation of the audience: where that has twice as many shards, each of the old ones became two."""
        header = header_from_document(key.tenant, read(header_reference(self._firestore, key.tenant)))
        if header is None:
            return Rows(shards=())
        numbers = range(key.number, header.shards, chunks)
        references = [shard_reference(self._firestore, key.tenant, header.generation, number) for number in numbers]
        found = zip(numbers, read_all(self._firestore, references), strict=True)
        return Rows(shards=tuple(shard_from_snapshot(self._cipher, key.tenant, header.generation, number, snapshot) for number, snapshot in found))

    def _commit(self, chunk: Chunk, add: Callable[[WriteBatch, str], None] | None = None) -> object | None:
        batch, write_id = ReplacingBatch(self._firestore), self._identifiers.new_id()
        self._documents.update(batch, chunk, write_id)
        if add is not None:
            add(batch, write_id)
        return commit_guarded(batch, chunk_reference(self._firestore, chunk.key), write_id)

    def _take_over(self, key: ChunkKey, owner: str, now: datetime, take: Take) -> Chunk | Busy | Finished:
        reference = chunk_reference(self._firestore, key)
        for _ in range(_CLAIM_TRIES):
            stored = self._documents.open(key, read(reference))
            if stored is None:
                return Finished()
            decision = decide_claim(stored, owner, now, take)
            if not isinstance(decision, Claimed):
                return decision
            batch = self._firestore.batch()
            self._documents.take_over(batch, decision.chunk)
            revision = commit_guarded(batch, reference, owner)
            if revision is not None:
                return replace(decision.chunk, revision=revision)
        return Busy(retry_after_seconds=5)
