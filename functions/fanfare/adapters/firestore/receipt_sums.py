"""The sums of receipts in Firestore: one document says how far they have come, and every addition moves it in its own commit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP, DocumentReference, DocumentSnapshot, FieldFilter, Query
from google.cloud.firestore import Client as Firestore
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, read_fields, run_query, translated
from fanfare.adapters.firestore.commits import REFUSALS, WRITE_ID, commit_guarded
from fanfare.adapters.firestore.fleet_shards import add_counters
from fanfare.adapters.firestore.paths import chunk_reference, collection_of, key_of_chunk, notification_reference
from fanfare.adapters.firestore.receipt_mapping import NOTED_AT, receipt_from_document, received_increments
from fanfare.adapters.firestore.stats import add_rows
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.metrics import add
from fanfare.domain.receipt_sums import Noted, NotedPlace, ReceiptSum, Seen
from fanfare.domain.receipts import ReceiptEvent
from fanfare.ports import Identifiers

VERSION = 1


class FirestoreReceiptSumStore:
    """`meta/receipts`, the `receipts` of `notifications`, and `last_seen_at` of `devices`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def get_places(self) -> tuple[dict[ReceiptEvent, NotedPlace], object]:
        """Up to which receipt each event has been summed, and the mark by which that is guarded."""
        snapshot = read(self._places())
        fields = fields_of(snapshot) or {}
        places = {event: NotedPlace(fields[event.value]["at"], fields[event.value]["name"]) for event in ReceiptEvent if event.value in fields}
        return places, snapshot.update_time

    def find_noted(self, event: ReceiptEvent, until: datetime, limit: int, after: NotedPlace | None = None) -> list[Noted]:
        """Find receipts of which this was noted, in the order of (time, name); sixteen streams by bucket, because the times grow."""
        field, name = NOTED_AT[event], FieldPath.document_id()
        receipts = self._firestore.collection_group("receipts").where(filter=FieldFilter("bucket", "in", list(range(BUCKETS))))
        query = _noted_until(receipts, event, until).order_by(name)
        if after is not None:
            query = query.start_after({field: after.at, name: self._firestore.document(after.name)})
        return [_noted(found, field) for found in run_query(query.limit(limit))]

    def get_seen(self, tenant: str, device_ids: Collection[str]) -> dict[str, Seen]:
        """Find devices by id; a tombstone is none."""
        devices = collection_of(self._firestore, tenant, "devices")
        found = read_fields(self._firestore, [devices.document(name) for name in device_ids], ("platform", "last_seen_at", "deleted_at"))
        known = [(snapshot, fields) for snapshot in found if (fields := fields_of(snapshot)) and fields.get("deleted_at") is None]
        return {snapshot.id: Seen(fields["platform"], fields["last_seen_at"], snapshot.update_time) for snapshot, fields in known}

    def note_seen(self, tenant: str, seen: Mapping[str, Seen], at: Mapping[str, datetime]) -> bool:
        """Move when the apps of devices were heard of, in one commit; False also where its own answer was lost, which is seen by reading again."""
        batch, devices = self._firestore.batch(), collection_of(self._firestore, tenant, "devices")
        for name, moment in at.items():
            guard = self._firestore.write_option(last_update_time=seen[name].revision)
            batch.update(devices.document(name), {"last_seen_at": moment, "updated_at": SERVER_TIMESTAMP}, guard)
        with translated():
            try:
                batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
            except REFUSALS:
                return False
        return True

    def started_at(self, keys: Collection[ChunkKey]) -> dict[ChunkKey, datetime]:
        """When chunks were first sent; their results are not read."""
        found = read_fields(self._firestore, [chunk_reference(self._firestore, key) for key in keys], ("started_at",))
        return {key_of_chunk(snapshot.reference): fields["started_at"] for snapshot in found if (fields := fields_of(snapshot))}

    def add(self, event: ReceiptEvent, place: NotedPlace, revision: object, sums: Sequence[ReceiptSum]) -> bool:
        """Add sums and set the place, in one commit that the place guards; False: somebody else has, or a notification is gone."""
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        fields = {"v": VERSION, event.value: {"at": place.at, "name": place.name}, WRITE_ID: write_id}
        if revision is None:
            batch.create(self._places(), fields)
        else:
            batch.update(self._places(), fields, self._firestore.write_option(last_update_time=revision))
        for one in sums:
            batch.update(notification_reference(self._firestore, one.notification.tenant, one.notification.id), received_increments(one.added))
        for tenant in dict.fromkeys(one.notification.tenant for one in sums):
            own = [one for one in sums if one.notification.tenant == tenant]
            add_rows(batch, self._firestore, tenant, [row for one in own for row in one.rows])
            add_counters(batch, self._firestore, tenant, add(one.counters for one in own))
        return commit_guarded(batch, self._places(), write_id) is not None

    def _places(self) -> DocumentReference:
        reference: DocumentReference = self._firestore.collection("meta").document("receipts")
        return reference


def _noted_until(query: Query, event: ReceiptEvent, until: datetime) -> Query:
    if event is ReceiptEvent.DELIVERED:
        return query.where(filter=FieldFilter("delivered_noted_at", "<=", until)).order_by("delivered_noted_at")
    return query.where(filter=FieldFilter("read_noted_at", "<=", until)).order_by("read_noted_at")


def _noted(snapshot: DocumentSnapshot[Any], field: str) -> Noted:
    tenant, receipt = receipt_from_document(snapshot)
    return Noted(tenant, receipt, NotedPlace(snapshot.get(field), snapshot.reference.path))
