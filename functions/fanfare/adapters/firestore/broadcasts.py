"""How far notifications of many chunks were fanned out, in Firestore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import CollectionReference, DocumentReference, DocumentSnapshot, FieldFilter

from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.broadcast_mapping import fanned_to_document, fanout_from_document, fanout_to_document
from fanfare.adapters.firestore.client import count_found, fields_of, read_all, run_query
from fanfare.adapters.firestore.commits import TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.event_documents import add_events
from fanfare.adapters.firestore.notification_mapping import notification_from_document
from fanfare.adapters.firestore.paths import notification_reference
from fanfare.domain.chunk import ChunkState
from fanfare.domain.fanning import Advanced, Fanout
from fanfare.domain.notification import Notification
from fanfare.ports import Identifiers

_Snapshot = DocumentSnapshot[Any]


class FirestoreBroadcastStore:
    """`tenants/{t}/notifications/{id}/progress/fanout`, beside the notification itself."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def advance(
        self, tenant: str, notification_id: str, decide: Callable[[Notification, Fanout | None], Advanced | None]
    ) -> tuple[Notification, Fanout | None] | None:
        """Apply a pure decision to a notification and its fan-out in one guarded commit; returns their state, None if there is no notification."""
        for _ in range(TRIES):
            snapshots = read_all(self._firestore, [self._notification(tenant, notification_id), self._fanout(tenant, notification_id)])
            fields, state = fields_of(snapshots[0]), fields_of(snapshots[1])
            if fields is None:
                return None
            notification, fanout = notification_from_document(tenant, notification_id, fields), fanout_from_document(state) if state else None
            advanced = decide(notification, fanout)
            if advanced is None:
                return notification, fanout
            if self._commit(tenant, snapshots[0], snapshots[1], advanced):
                return advanced.notification or notification, advanced.fanout
        raise lost_races("this broadcast")

    def chunk_states(self, tenant: str, notification_id: str, numbers: range) -> dict[int, ChunkState]:
        """The states of the chunks with these numbers; one that nobody has begun is missing from the answer."""
        query = self._chunks(tenant, notification_id).where(filter=FieldFilter("number", ">=", numbers.start))
        query = query.where(filter=FieldFilter("number", "<", numbers.stop)).order_by("number")
        # Only the states are wanted: a chunk holds the results of 500 recipients.
        return {found.get("number"): ChunkState(found.get("state")) for found in run_query(query.select(["number", "state"]))}

    def count_held(self, tenant: str, notification_id: str) -> int:
        """How many chunks are held; costs one read."""
        return count_found(self._chunks(tenant, notification_id).where(filter=FieldFilter("state", "==", ChunkState.HELD.value)))

    def _commit(self, tenant: str, notification: _Snapshot, fanout: _Snapshot, advanced: Advanced) -> bool:
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        fields = {**fanout_to_document(advanced.fanout), WRITE_ID: write_id}
        if fanout.exists:
            batch.update(fanout.reference, fields, self._firestore.write_option(last_update_time=fanout.update_time))
        else:
            batch.create(fanout.reference, fields)
        if advanced.notification is not None:
            guard = self._firestore.write_option(last_update_time=notification.update_time)
            batch.update(notification.reference, {**fanned_to_document(advanced.notification), WRITE_ID: write_id}, guard)
        if advanced.audit is not None:
            add_audit(batch, self._firestore, tenant, advanced.audit, write_id)
        add_events(batch, self._firestore, advanced.events, write_id)
        return commit_guarded(batch, fanout.reference, write_id) is not None

    def _notification(self, tenant: str, notification_id: str) -> DocumentReference:
        return notification_reference(self._firestore, tenant, notification_id)

    def _fanout(self, tenant: str, notification_id: str) -> DocumentReference:
        reference: DocumentReference = self._notification(tenant, notification_id).collection("progress").document("fanout")
        return reference

    def _chunks(self, tenant: str, notification_id: str) -> CollectionReference:
        chunks: CollectionReference = self._notification(tenant, notification_id).collection("chunks")
        return chunks
