"""Chunks as sealed documents: read, created, and updated where nobody else has written since."""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot, WriteBatch, WriteOption

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.client import fields_of, read
from fanfare.adapters.firestore.commits import WRITE_ID
from fanfare.adapters.firestore.notification_mapping import chunk_from_document, chunk_to_document
from fanfare.adapters.firestore.paths import chunk_reference
from fanfare.adapters.firestore.recipients import rows_place
from fanfare.adapters.firestore.replacing import ReplacingBatch
from fanfare.domain.chunk import Chunk, ChunkKey, is_claim_of
from fanfare.domain.outcome import Result
from fanfare.domain.packing import pack_results, unpack_recipients, unpack_results
from fanfare.domain.recipient import Recipient


class ChunkDocuments:
    """`…/notifications/{id}/chunks/{n}`, whose results are sealed."""

    def __init__(self, firestore: Firestore, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._cipher = cipher

    def open(self, key: ChunkKey, snapshot: DocumentSnapshot[Any]) -> Chunk | None:
        """The chunk that was read; None if there is no such document."""
        fields = fields_of(snapshot)
        return chunk_from_document(key, fields, self._results(key, fields["results"]), snapshot.update_time) if fields else None

    def open_rows(self, key: ChunkKey, snapshot: DocumentSnapshot[Any]) -> tuple[Recipient, ...]:
        """The notification's own rows of a chunk; empty if there is no such document."""
        fields = fields_of(snapshot)
        return unpack_recipients(self._cipher.decrypt(key.tenant, rows_place(key), fields["rows"])) if fields else ()

    def create(self, batch: ReplacingBatch, chunk: Chunk, write_id: str) -> None:
        """Add the creation of a chunk to a commit."""
        batch.create(chunk_reference(self._firestore, chunk.key), {**chunk_to_document(chunk, self._sealed(chunk)), WRITE_ID: write_id})

    def update(self, batch: ReplacingBatch, chunk: Chunk, write_id: str) -> None:
        """Add a chunk to a commit, guarded by the revision that it was read with."""
        fields = {**chunk_to_document(chunk, self._sealed(chunk)), WRITE_ID: write_id}
        batch.replace(chunk_reference(self._firestore, chunk.key), fields, self._guard_of(chunk))

    def take_over(self, batch: WriteBatch, chunk: Chunk) -> None:
        """Add the claim of a chunk to a commit; the results that earlier attempts stored stay."""
        fields: dict[str, Any] = chunk_to_document(chunk, None)
        del fields["results"]
        batch.update(chunk_reference(self._firestore, chunk.key), {**fields, WRITE_ID: chunk.owner}, self._guard_of(chunk))

    def held(self, chunk: Chunk) -> Chunk | None:
        """The stored chunk, without its results, if the same claim still holds it.

        A refused write alone says nothing about the claim: a checkpoint whose answer never came may have been stored after all, or somebody has told
        the chunk to stop. What is still ours is written once more, guarded by the revision that it has now; an end that was planned without knowing
        of a stop is not.
        """
        snapshot = read(chunk_reference(self._firestore, chunk.key))
        fields = fields_of(snapshot)
        stored = chunk_from_document(chunk.key, fields, {}, snapshot.update_time) if fields else None
        return stored if stored is not None and is_claim_of(stored, chunk.owner) else None

    def _guard_of(self, chunk: Chunk) -> WriteOption:
        option: WriteOption = self._firestore.write_option(last_update_time=chunk.revision)
        return option

    def _sealed(self, chunk: Chunk) -> bytes | None:
        return self._cipher.encrypt(chunk.key.tenant, _results_place(chunk.key), pack_results(chunk.results)) if chunk.results else None

    def _results(self, key: ChunkKey, sealed: bytes | None) -> dict[str, Result]:
        return unpack_results(self._cipher.decrypt(key.tenant, _results_place(key), sealed)) if sealed else {}


def _results_place(key: ChunkKey) -> str:
    return f"notifications/{key.notification_id}/chunks/{key.number}/results"
