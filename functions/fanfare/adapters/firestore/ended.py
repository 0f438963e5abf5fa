"""Removal of ended notifications in Firestore: children before parents, and never what a replay has just taken up again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import CollectionReference, DocumentReference, DocumentSnapshot, FieldFilter, WriteBatch
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, read_all, run_query, translated
from fanfare.adapters.firestore.commits import REFUSALS, WRITE_ID, commit_guarded
from fanfare.adapters.firestore.letter_mapping import letter_from_document
from fanfare.adapters.firestore.paths import chunk_reference, collection_of, dead_letter_reference, notification_reference, recipients_reference
from fanfare.adapters.firestore.public_views import view_reference
from fanfare.adapters.firestore.removal import REMOVED_PER_COMMIT, remove_documents
from fanfare.domain.batches import split_by_weight
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.dead_letter import DeadLetter, dead_letter_id
from fanfare.domain.retention import DueLetter, Ended, Kind, Place
from fanfare.ports import Identifiers

VERSION = 1
_EVERY_BUCKET = FieldFilter("bucket", "in", list(range(BUCKETS)))
_BELOW: Mapping[Kind, str] = {Kind.RECIPIENTS: "recipients", Kind.CHUNKS: "chunks"}
_SMALL_PER_COMMIT = 100


class FirestoreEndedStore:
    """`tenants/{t}/notifications/{id}` with what is below it, `dead_letters/{id}`, and `retention/places`: how far cleanup has come."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def find(self, tenant: str, until: datetime, limit: int, after: Place | None = None) -> list[Ended]:
        """Find notifications that ended at `until` or before, in the order of their ends and ids, after a place in that order."""
        notifications = collection_of(self._firestore, tenant, "notifications")
        query = notifications.where(filter=_EVERY_BUCKET).where(filter=FieldFilter("completed_at", "<=", until))
        query = query.order_by("completed_at").order_by(FieldPath.document_id())
        if after is not None:
            query = query.start_after({"completed_at": after.at, FieldPath.document_id(): notifications.document(after.id)})
        return [_ended(found) for found in run_query(query.limit(limit).select(["completed_at", "counts", "layout", "viewers"]))]

    def get_places(self, tenant: str) -> dict[Kind, Place]:
        """Up to which ended notification each kind has been looked at."""
        fields = fields_of(read(self._places(tenant))) or {}
        return {kind: Place(fields[kind.value]["at"], fields[kind.value]["id"]) for kind in Kind if kind.value in fields}

    def set_place(self, tenant: str, kind: Kind, place: Place) -> None:
        """Note up to which ended notification a kind has been looked at."""
        with translated():
            self._places(tenant).set(_place_to_document(kind, place), merge=True, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def with_dead_letter(self, tenant: str, notification_ids: Sequence[str]) -> set[str]:
        """Which of some notifications of one chunk have a dead letter."""
        found = read_all(self._firestore, [self._letter(tenant, name) for name in notification_ids])
        return {name for name, letter in zip(notification_ids, found, strict=True) if letter.exists}

    def remove_rows(self, tenant: str, notification_ids: Sequence[str]) -> None:
        """Remove the recipients of notifications of one chunk."""
        remove_documents(self._firestore, [recipients_reference(self._firestore, ChunkKey(tenant, name, 0)) for name in notification_ids])

    def remove_small(self, tenant: str, ended: Sequence[Ended], now: datetime, *, whole: bool) -> int:
        """Remove notifications of one chunk with all that is theirs, many in a commit; if one of them was changed, each in a commit of its own."""
        pieces = list(split_by_weight(ended, _weigh, most=_SMALL_PER_COMMIT, heaviest=REMOVED_PER_COMMIT))
        refused = [one for piece in pieces if not self._remove_small(tenant, piece, now, whole=whole) for one in piece]
        return len(ended) - sum(not self._remove_small(tenant, [one], now, whole=whole) for one in refused)

    def fence(self, tenant: str, ended: Ended, now: datetime) -> bool:
        """Note that what is below a notification of many chunks is being removed; False if it was changed since it was read."""
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        self._strip(batch, tenant, ended, now, write_id)
        return commit_guarded(batch, notification_reference(self._firestore, tenant, ended.id), write_id) is not None

    def remove_letters(self, tenant: str, notification_id: str, limit: int) -> int:
        """Remove at most `limit` dead letters of a notification: their ids begin with its own and a hyphen, after which comes the full stop."""
        letters, name = collection_of(self._firestore, tenant, "dead_letters"), FieldPath.document_id()
        query = letters.order_by(name).start_after({name: letters.document(f"{notification_id}-")})
        query = query.end_before({name: letters.document(f"{notification_id}.")}).select(["notification_id"])
        # Another notification's id may go on with a hyphen.
        found = run_query(query.limit(limit))
        own = [each.reference for each in found if (each.to_dict() or {}).get("notification_id") == notification_id]
        return remove_documents(self._firestore, own)

    def remove_below(self, tenant: str, notification_id: str, kind: Kind, limit: int, keep: Collection[int] = frozenset()) -> int:
        """Remove at most `limit` chunks of a notification, or their rows, but not those whose numbers are to be kept; returns how many."""
        return remove_documents(self._firestore, self._names_below(tenant, notification_id, _BELOW[kind], limit, keep))

    def remove_large(self, tenant: str, notification_id: str) -> None:
        """Remove a notification of many chunks after its sums."""
        while remove_documents(self._firestore, self._names_below(tenant, notification_id, "progress", REMOVED_PER_COMMIT)):
            continue
        remove_documents(self._firestore, [notification_reference(self._firestore, tenant, notification_id)])

    def find_letters(self, tenant: str, before: datetime, limit: int) -> list[DueLetter]:
        """Find dead letters that were made at `before` or earlier."""
        query = collection_of(self._firestore, tenant, "dead_letters").where(filter=_EVERY_BUCKET)
        query = query.where(filter=FieldFilter("created_at", "<=", before)).order_by("created_at", direction="DESCENDING")
        found = run_query(query.limit(limit))
        return [DueLetter(letter_from_document(tenant, each.id, each.to_dict() or {}), each.update_time) for each in found]

    def remove_letter(self, due: DueLetter, *, with_rows: bool) -> bool:
        """Remove a dead letter, and its chunk's recipients in the same commit; False if it was replayed meanwhile."""
        batch = self._firestore.batch()
        letter = dead_letter_reference(self._firestore, due.letter.key.tenant, due.letter.id)
        batch.delete(letter, self._firestore.write_option(last_update_time=due.revision))
        if with_rows and isinstance(due.letter, DeadLetter):
            batch.delete(recipients_reference(self._firestore, due.letter.key))
        return self._commit_removal(batch, letter)

    def _remove_small(self, tenant: str, ended: Sequence[Ended], now: datetime, *, whole: bool) -> bool:
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        first = notification_reference(self._firestore, tenant, ended[0].id)
        for each in ended:
            key = ChunkKey(tenant, each.id, 0)
            if whole:
                guard = self._firestore.write_option(last_update_time=each.revision)
                batch.delete(notification_reference(self._firestore, tenant, each.id), guard)
                for profile_id in each.viewers:
                    batch.delete(view_reference(self._firestore, tenant, each.id, profile_id))
            else:
                self._strip(batch, tenant, each, now, write_id)
            for below in (recipients_reference(self._firestore, key), chunk_reference(self._firestore, key), self._letter(tenant, each.id)):
                batch.delete(below)
        return self._commit_removal(batch, first) if whole else commit_guarded(batch, first, write_id) is not None

    def _strip(self, batch: WriteBatch, tenant: str, ended: Ended, now: datetime, write_id: str) -> None:
        guard = self._firestore.write_option(last_update_time=ended.revision)
        batch.update(notification_reference(self._firestore, tenant, ended.id), {"stripped_at": now, WRITE_ID: write_id}, guard)

    def _commit_removal(self, batch: WriteBatch, first: DocumentReference) -> bool:
        """Commit guarded deletions. One that was sent again, or came second, is refused although everything is gone."""
        with translated():
            try:
                batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
            except REFUSALS:
                return not read(first).exists
        return True

    def _names_below(self, tenant: str, notification_id: str, name: str, limit: int, keep: Collection[int] = frozenset()) -> list[DocumentReference]:
        below: CollectionReference = notification_reference(self._firestore, tenant, notification_id).collection(name)
        kept = {str(number) for number in keep}
        found = run_query(below.limit(limit + len(kept)).select([]))
        return [snapshot.reference for snapshot in found if snapshot.id not in kept][:limit]

    def _letter(self, tenant: str, notification_id: str) -> DocumentReference:
        return dead_letter_reference(self._firestore, tenant, dead_letter_id(ChunkKey(tenant, notification_id, 0)))

    def _places(self, tenant: str) -> DocumentReference:
        return collection_of(self._firestore, tenant, "retention").document("places")


def _place_to_document(kind: Kind, place: Place) -> dict[str, Any]:
    return {"v": VERSION, kind.value: {"at": place.at, "id": place.id}}


def _weigh(ended: Ended) -> int:
    """The documents of a notification of one chunk: itself, its recipients, its chunk, its dead letter, and what its viewers see."""
    return 4 + len(ended.viewers)


def _ended(snapshot: DocumentSnapshot[Any]) -> Ended:
    fields = snapshot.to_dict() or {}
    is_large, failed = fields.get("layout") is not None, fields.get("counts", {}).get("failed", 0) > 0
    return Ended(snapshot.id, fields["completed_at"], failed, is_large, snapshot.update_time, tuple(fields.get("viewers", ())))
