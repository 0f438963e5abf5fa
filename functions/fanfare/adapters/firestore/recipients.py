"""The rows of a notification of many chunks in Firestore: one sealed document a chunk, several documents a commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.client import read_all, run_query
from fanfare.adapters.firestore.commits import TRIES, WRITE_ID, Decided, commit_guarded, lost_races, update_guarded
from fanfare.adapters.firestore.notification_mapping import notification_from_document, notification_to_document
from fanfare.adapters.firestore.paths import notification_reference, recipients_reference
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.notification import Notification, NotificationStatus
from fanfare.domain.packing import pack_recipients, unpack_recipients
from fanfare.domain.recipient import Recipient
from fanfare.ports import Identifiers

VERSION = 1
COMMIT_BYTES = 3 * 1024 * 1024
"""The largest commit: the emulator refuses 4 MiB, production 10, and the client would send such a one again for a minute."""
_AROUND = 1_024
"""What a document's name and its other fields take, generously."""


class _Sealed(NamedTuple):
    """A chunk's rows as they are to be stored."""

    key: ChunkKey
    rows: bytes
    number_of_rows: int


class FirestoreRecipientStore:
    """`tenants/{t}/notifications/{id}/recipients/{n}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher

    def write(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> None:
        """Store chunks under consecutive numbers; a number that is stored already is left as it is."""
        for commit in self._commits(tenant, notification_id, first_number, chunks):
            self._create_missing(commit)

    def append(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> int:
        """Store chunks, stopping before the first commit that meets a stored number; returns how many were stored."""
        stored = 0
        for commit in self._commits(tenant, notification_id, first_number, chunks):
            if not self._create(commit):
                break
            stored += len(commit)
        return stored

    def read_all(self, tenant: str, notification_id: str) -> list[tuple[Recipient, ...]]:
        """The rows of every stored chunk, from number 0 on."""
        collection = notification_reference(self._firestore, tenant, notification_id).collection("recipients")
        stored = {int(snapshot.id): snapshot.to_dict() or {} for snapshot in run_query(collection)}
        return [self.open(ChunkKey(tenant, notification_id, number), stored[number]) for number in sorted(stored)]

    def queue(self, notification: Notification) -> tuple[Notification, bool] | None:
        """Let a notification that is still being accepted be sent; returns what is stored then, and whether this call has stored it."""

        def decide(snapshot: DocumentSnapshot[Any]) -> Decided[tuple[Notification, bool]]:
            stored = notification_from_document(notification.tenant, notification.id, snapshot.to_dict() or {})
            if stored.status is not NotificationStatus.ACCEPTING:
                return Decided((stored, False))
            queued = replace(notification, created_at=stored.created_at, paused=stored.paused)
            fields = notification_to_document(queued)
            # Somebody may edit it by hand meanwhile.
            del fields["paused"]
            return Decided((queued, True), fields)

        reference = notification_reference(self._firestore, notification.tenant, notification.id)
        return update_guarded(self._firestore, reference, decide, self._identifiers.new_id)

    def open(self, key: ChunkKey, fields: dict[str, Any]) -> tuple[Recipient, ...]:
        """The rows of a stored document."""
        return unpack_recipients(self._cipher.decrypt(key.tenant, rows_place(key), fields["rows"]))

    def _commits(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> Iterator[list[_Sealed]]:
        """Seal chunks and gather as many as one commit takes."""
        commit: list[_Sealed] = []
        left = COMMIT_BYTES
        for number, rows in enumerate(chunks, first_number):
            sealed = self._seal(ChunkKey(tenant, notification_id, number), rows)
            size = len(sealed.rows) + _AROUND
            if commit and size > left:
                yield commit
                commit, left = [], COMMIT_BYTES
            commit.append(sealed)
            left -= size
        if commit:
            yield commit

    def _seal(self, key: ChunkKey, rows: Sequence[Recipient]) -> _Sealed:
        return _Sealed(key, self._cipher.encrypt(key.tenant, rows_place(key), pack_recipients(rows)), len(rows))

    def _create(self, commit: Sequence[_Sealed]) -> bool:
        """Store all of them; False if one of them is there already, and then none of them is stored."""
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        for sealed in commit:
            batch.create(recipients_reference(self._firestore, sealed.key), {**to_document(sealed.rows, sealed.number_of_rows), WRITE_ID: write_id})
        return commit_guarded(batch, recipients_reference(self._firestore, commit[0].key), write_id) is not None

    def _create_missing(self, commit: Sequence[_Sealed]) -> None:
        for _ in range(TRIES):
            if not commit or self._create(commit):
                return
            found = read_all(self._firestore, [recipients_reference(self._firestore, sealed.key) for sealed in commit])
            commit = [sealed for sealed, snapshot in zip(commit, found, strict=True) if not snapshot.exists]
        raise lost_races("these recipients")


def to_document(rows: bytes, count: int) -> dict[str, Any]:
    """Map sealed rows."""
    return {"v": VERSION, "rows": rows, "count": count}


def rows_place(key: ChunkKey) -> str:
    """Where sealed rows stand."""
    return f"notifications/{key.notification_id}/recipients/{key.number}/rows"
