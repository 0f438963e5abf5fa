"""Saved segments in Firestore: plain fields, which an operator may edit by hand in the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import CollectionReference, DocumentReference, DocumentSnapshot, FieldFilter, Query, WriteBatch
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, read, run_query, translated
from fanfare.adapters.firestore.commits import REFUSALS, TRIES, WRITE_ID, Decided, commit_guarded, lost_races, update_guarded
from fanfare.adapters.firestore.defects import note_defect
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.audit import Trail
from fanfare.domain.errors import Conflict
from fanfare.domain.filters import SegmentFilter
from fanfare.domain.identifiers import is_identifier
from fanfare.domain.listing import Page
from fanfare.domain.saved_segment import LONGEST_NAME, SavedSegment, read_saved_segment
from fanfare.domain.segment_reading import segment_to_json
from fanfare.ports import Identifiers

VERSION = 1
_LAST = "\U0010ffff"
"""Sorts after every name that begins alike."""


class FirestoreSegmentStore:
    """`tenants/{t}/segments/{id}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def get(self, tenant: str, segment_id: str) -> SavedSegment | None:
        """Find a segment as it is stored now; what is wrong with a hand's edit is noted in its document."""
        if not is_identifier(segment_id):
            return None
        snapshot = read(self._reference(tenant, segment_id))
        if not snapshot.exists:
            return None
        segment = _from_snapshot(snapshot)
        note_defect(self._firestore, snapshot, "defect", segment.defect)
        return segment

    def create(self, tenant: str, segment: SavedSegment, audit: Trail) -> None:
        """Store a new segment; Conflict if its id is taken."""
        reference = self._reference(tenant, segment.id)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**to_document(segment), WRITE_ID: write_id})
        add_audit(batch, self._firestore, tenant, audit(None, segment), write_id)
        if commit_guarded(batch, reference, write_id) is None:
            raise Conflict("This segment id is taken.")

    def update(self, tenant: str, segment_id: str, decide: Callable[[SavedSegment], SavedSegment | None], audit: Trail) -> SavedSegment | None:
        """Apply a pure decision to a stored segment (None leaves it); returns its state, or None if there is none of this id."""
        if not is_identifier(segment_id):
            return None

        def decide_fields(snapshot: DocumentSnapshot[Any]) -> Decided[SavedSegment]:
            before = _from_snapshot(snapshot)
            after = decide(before)
            return Decided(before) if after is None else Decided(after, to_document(after), tenant, audit(before, after))

        return update_guarded(self._firestore, self._reference(tenant, segment_id), decide_fields, self._identifiers.new_id)

    def delete(self, tenant: str, segment_id: str, audit: Trail) -> bool:
        """Delete a segment; False if there is none of this id. A lost race begins again, so that the log tells what was deleted."""
        if not is_identifier(segment_id):
            return False
        reference = self._reference(tenant, segment_id)
        for _ in range(TRIES):
            snapshot = read(reference)
            if not snapshot.exists:
                return False
            write_id, batch = self._identifiers.new_id(), self._firestore.batch()
            add_audit(batch, self._firestore, tenant, audit(_from_snapshot(snapshot), None), write_id)
            batch.delete(reference, self._firestore.write_option(last_update_time=snapshot.update_time))
            if self._commit(batch, tenant, write_id):
                return True
        raise lost_races()

    def list(self, tenant: str, filters: SegmentFilter, limit: int, after: str | None) -> Page[SavedSegment]:
        """List segments in the order of their names, those of one name in the order of their ids; a page goes on after an id and a name."""
        collection = self._collection(tenant)
        query: Query = collection.order_by("name").order_by(FieldPath.document_id())
        if filters.prefix is not None:
            query = query.where(filter=FieldFilter("name", ">=", filters.prefix)).where(filter=FieldFilter("name", "<", filters.prefix + _LAST))
        if after is not None:
            last_id, _, name = after.partition(" ")
            query = query.start_after({"name": name, FieldPath.document_id(): collection.document(last_id)})
        snapshots = run_query(query.limit(limit + 1))
        shown = [_from_snapshot(snapshot) for snapshot in snapshots[:limit]]
        return Page(shown, _place(shown[-1]) if len(snapshots) > limit else None)

    def _commit(self, batch: WriteBatch, tenant: str, write_id: str) -> bool:
        """Commit a deletion. A refusal is looked into: the entry of the audit log, which is of the same commit, proves that it was stored before."""
        with translated():
            try:
                batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
            except REFUSALS:
                return bool(read(collection_of(self._firestore, tenant, "audit").document(write_id)).exists)
        return True

    def _reference(self, tenant: str, segment_id: str) -> DocumentReference:
        return self._collection(tenant).document(segment_id)

    def _collection(self, tenant: str) -> CollectionReference:
        return collection_of(self._firestore, tenant, "segments")


def to_document(segment: SavedSegment) -> dict[str, Any]:
    """Map a segment."""
    return {
        "v": VERSION,
        "name": segment.name,
        "filter": segment_to_json(segment.filter) if segment.filter is not None else None,
        "created_at": segment.created_at,
        "updated_at": segment.updated_at,
        "defect": segment.defect,
    }


def _place(segment: SavedSegment) -> str:
    """Where a list goes on. A name that a hand made too long for a cursor stands for all that begin like it."""
    name = segment.name if len(segment.name) <= LONGEST_NAME else segment.name[:LONGEST_NAME] + _LAST
    return f"{segment.id} {name}"


def _from_snapshot(snapshot: DocumentSnapshot[Any]) -> SavedSegment:
    return read_saved_segment(snapshot.id, snapshot.to_dict() or {}, snapshot.update_time)
