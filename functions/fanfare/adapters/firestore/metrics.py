"""The fleet's numbers in Firestore, read together, and what spans of time have come to, counted by the database itself."""

from __future__ import annotations

from datetime import datetime

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, FieldFilter, Query

from fanfare.adapters.firestore.client import count_found, fields_of, read, read_all, run_query
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded
from fanfare.adapters.firestore.fleet_shards import VERSION, shards
from fanfare.adapters.firestore.notification_mapping import notification_from_document
from fanfare.adapters.firestore.paths import key_of_notification
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.fleet_counters import RETIRED
from fanfare.domain.metrics import Counters, add
from fanfare.domain.notification import Notification, NotificationStatus
from fanfare.domain.webhook_delivery import FINAL_DELIVERY_STATES
from fanfare.ports import Identifiers

COUNT_SECONDS = 60.0
_EVERY_BUCKET = FieldFilter("bucket", "in", list(range(BUCKETS)))


class FirestoreMetricsStore:
    """`meta/metrics-{n}`, and `meta/metrics-counted`, which also says up to when."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def read_counters(self) -> Counters:
        """Everything counted so far: seventeen documents in one call."""
        found = read_all(self._firestore, [*shards(self._firestore), self._counted()])
        return add((fields_of(snapshot) or {}).get("counters", {}) for snapshot in found)

    def get_counted(self) -> tuple[datetime | None, object]:
        """Up to when spans were counted, and the mark by which that is guarded."""
        snapshot = read(self._counted())
        return (fields_of(snapshot) or {}).get("until"), snapshot.update_time

    def count_deliveries(self, after: datetime | None, until: datetime) -> dict[str, int]:
        """How many deliveries have ended in a span, by state."""
        deliveries = self._firestore.collection_group("deliveries").where(filter=_EVERY_BUCKET)
        ended = {state.value: deliveries.where(filter=FieldFilter("state", "==", state.value)) for state in sorted(FINAL_DELIVERY_STATES)}
        return {
            state: count_found(_since(query.where(filter=FieldFilter("completed_at", "<=", until)), "completed_at", after), COUNT_SECONDS)
            for state, query in ended.items()
        }

    def count_retired(self, after: datetime | None, until: datetime) -> dict[str, int]:
        """How many devices were retired in a span, by reason."""
        devices = self._firestore.collection_group("devices").where(filter=_EVERY_BUCKET)
        retired = {reason.value: devices.where(filter=FieldFilter("inactive_reason", "==", reason.value)) for reason in sorted(RETIRED)}
        return {
            reason: count_found(_since(query.where(filter=FieldFilter("inactive_since", "<=", until)), "inactive_since", after), COUNT_SECONDS)
            for reason, query in retired.items()
        }

    def add_counted(self, counters: Counters, until: datetime, revision: object) -> bool:
        """Add what a span has come to and note its end; False: somebody else has counted meanwhile."""
        reference, batch, write_id = self._counted(), self._firestore.batch(), self._identifiers.new_id()
        before = read(reference)
        if before.update_time != revision:
            return False
        together = add([(fields_of(before) or {}).get("counters", {}), counters])
        fields = {"v": VERSION, "until": until, "counters": dict(together), WRITE_ID: write_id}
        if revision is None:
            batch.create(reference, fields)
        else:
            batch.update(reference, fields, self._firestore.write_option(last_update_time=revision))
        return commit_guarded(batch, reference, write_id) is not None

    def find_under_way(self, limit: int) -> list[Notification]:
        """Find notifications that are being sent; those that somebody paused are not."""
        query = self._firestore.collection_group("notifications").where(filter=FieldFilter("paused", "==", False))  # noqa: FBT003
        found = run_query(query.where(filter=FieldFilter("status", "==", NotificationStatus.SENDING.value)).limit(limit))
        return [notification_from_document(key_of_notification(one.reference).tenant, one.id, one.to_dict() or {}, one.update_time) for one in found]

    def _counted(self) -> DocumentReference:
        reference: DocumentReference = self._firestore.collection("meta").document("metrics-counted")
        return reference


def _since(query: Query, field: str, after: datetime | None) -> Query:
    return query.where(filter=FieldFilter(field, ">", after)) if after is not None else query
