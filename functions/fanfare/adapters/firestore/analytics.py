"""The numbers of a tenant's days in Firestore, and what notifications have contributed to them (`tallied`, beside `untallied`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot, FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, read_all, run_query, translated
from fanfare.adapters.firestore.commits import REFUSALS, WRITE_ID, commit_guarded
from fanfare.adapters.firestore.day_comparison import compare, correct
from fanfare.adapters.firestore.fleet_shards import add_counters
from fanfare.adapters.firestore.notification_mapping import notification_from_document
from fanfare.adapters.firestore.paths import collection_of, key_of_notification, notification_reference
from fanfare.adapters.firestore.progress_mapping import sums_from_document
from fanfare.adapters.firestore.stats import (
    NO_PLATFORM,
    add_rows,
    amounts_from_document,
    amounts_to_document,
    contributed_of,
    row_from_document,
    total_reference,
)
from fanfare.domain.analytics import Row, RowFilter, RowKey, cleaned_rows, days_between
from fanfare.domain.broadcast_progress import Sums, add_sums
from fanfare.domain.metrics import add
from fanfare.domain.notification import Notification
from fanfare.domain.recomputing import Comparison, Correction
from fanfare.domain.tallying import Tally, Untallied
from fanfare.ports import Identifiers

VERSION = 1
MARK_KEPT = timedelta(days=30)
"""Whatever adds under a mark comes again within this, or never."""
LAST = "~"
"""Sorts after every id."""
TALLY_ID = "tally_id"
"""The proof of a tally's commit. Not the `write_id` of the notification, by which other writers prove theirs."""
NAMES = 500
"""So many names of notifications are read at once to find their tenants."""


class FirestoreAnalyticsStore:
    """`tenants/{t}/stats`, `stats_days` and `stats_marks`, and two fields of `notifications`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, *, names: int = NAMES) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._names = names

    def add(self, tenant: str, mark: str, rows: Sequence[Row], now: datetime) -> bool:
        """Add to rows and totals, once for each `mark`; False: that was done before."""
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        reference = collection_of(self._firestore, tenant, "stats_marks").document(mark)
        batch.create(reference, {"v": VERSION, "expires_at": now + MARK_KEPT, WRITE_ID: write_id})
        add_rows(batch, self._firestore, tenant, rows)
        return commit_guarded(batch, reference, write_id) is not None

    def add_cleaned(self, tenant: str, mark: str, day: date, cleaned: Mapping[str | None, int], now: datetime) -> bool:
        """Add what a cleanup has cleaned, by platform, once for each `mark`; False: that was done before."""
        return self.add(tenant, mark, cleaned_rows(day, cleaned), now)

    def rows(self, tenant: str, first: date, last: date, filters: RowFilter, limit: int) -> list[Row]:
        """Find at most `limit` rows from `first` to `last`, in the order of their days."""
        query = collection_of(self._firestore, tenant, "stats").where(filter=FieldFilter("day", ">=", first.isoformat()))
        query = query.where(filter=FieldFilter("day", "<=", last.isoformat()))
        wanted = (
            FieldFilter("client_id", "==", filters.client_id),
            FieldFilter("topic", "==", filters.topic),
            FieldFilter("platform", "==", filters.platform),
            FieldFilter("template", "==", filters.template),
        )
        for one in wanted:
            query = query.where(filter=one) if one.value is not None else query
        return [row_from_document(found.to_dict() or {}) for found in run_query(query.order_by("day").limit(limit))]

    def totals(self, tenant: str, first: date, last: date) -> list[Row]:
        """The total of each day on which anything was counted, in their order; their names are known, so that they are read without a query."""
        days = days_between(first, last)
        found = read_all(self._firestore, [total_reference(self._firestore, tenant, day) for day in days])
        return [Row(RowKey(day), amounts_from_document(fields)) for day, one in zip(days, found, strict=True) if (fields := fields_of(one))]

    def find_tenants(self, limit: int, after: str | None = None) -> list[str]:
        """Find tenants who have notifications to tally: from the names of a page of them, and on after the last one's tenant."""
        everywhere = self._firestore.collection_group("notifications").where(filter=FieldFilter("untallied", "==", True))  # noqa: FBT003
        everywhere, tenants = everywhere.order_by(FieldPath.document_id()).select(["untallied"]), dict[str, None]()
        while len(tenants) < limit:
            query = everywhere
            if after is not None:
                query = query.start_after({FieldPath.document_id(): notification_reference(self._firestore, after, LAST)})
            page = run_query(query.limit(self._names))
            tenants.update(dict.fromkeys(key_of_notification(found.reference).tenant for found in page))
            if len(page) < self._names:
                break
            after = list(tenants)[-1]
        return list(tenants)[:limit]

    def find_untallied(self, tenant: str, limit: int, after: str | None = None) -> list[Untallied]:
        """Find notifications to tally, in the order of their ids."""
        collection = collection_of(self._firestore, tenant, "notifications")
        query = collection.where(filter=FieldFilter("untallied", "==", True)).order_by(FieldPath.document_id())  # noqa: FBT003
        if after is not None:
            query = query.start_after({FieldPath.document_id(): collection.document(after)})
        return [_untallied(tenant, found) for found in run_query(query.limit(limit))]

    def tally(self, tallies: Sequence[Tally]) -> bool:
        """Store what notifications contribute and add it to rows and totals, in one commit; False: one of them has changed, nothing was stored."""
        tenant, write_id = tallies[0].notification.tenant, self._identifiers.new_id()
        batch, references = self._firestore.batch(), []
        for tally in tallies:
            reference = notification_reference(self._firestore, tenant, tally.notification.id)
            guard = self._firestore.write_option(last_update_time=tally.notification.revision)
            batch.update(reference, {**tally_to_document(tally), TALLY_ID: write_id}, guard)
            references.append(reference)
        add_rows(batch, self._firestore, tenant, [row for tally in tallies for row in tally.rows])
        add_counters(batch, self._firestore, tenant, add(tally.counted for tally in tallies))
        with translated():
            try:
                batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
            except REFUSALS:
                return (fields_of(read(references[0])) or {}).get(TALLY_ID) == write_id
        return True

    def read_tallied(self, tenant: str, notification_ids: Sequence[str]) -> list[Untallied]:
        """Read notifications with what they have contributed; unknown ids are missing from the answer."""
        snapshots = read_all(self._firestore, [notification_reference(self._firestore, tenant, name) for name in notification_ids])
        return [_untallied(tenant, snapshot) for snapshot in snapshots if snapshot.exists]

    def count_chunks(self, notification: Notification) -> Sums:
        """Sum what the chunks of a notification of many have counted; their results are not read."""
        chunks = notification_reference(self._firestore, notification.tenant, notification.id).collection("chunks")
        found = [fields.get("counted") for snapshot in run_query(chunks.select(["counted"])) if (fields := snapshot.to_dict())]
        return add_sums(sums_from_document(counted) for counted in found if counted)

    def compare(self, tenant: str, day: date) -> Comparison:
        """Read what a day's notifications have contributed, and its rows and total, at one instant."""
        return compare(self._firestore, tenant, day)

    def correct(self, tenant: str, day: date, correction: Correction, revision: object) -> bool:
        """Add a correction in one commit; False: another one was added since the comparison, nothing was stored."""
        return correct(self._firestore, tenant, day, correction, revision, self._identifiers.new_id)


def tally_to_document(tally: Tally) -> dict[str, Any]:
    """Map what a notification has contributed."""
    contributed = {name or NO_PLATFORM: amounts_to_document(amounts) for name, amounts in tally.contributed.items()}
    return {"tallied": contributed, "counted": dict(tally.counters), "untallied": not tally.is_over}


def _untallied(tenant: str, snapshot: DocumentSnapshot[Any]) -> Untallied:
    fields = snapshot.to_dict() or {}
    return Untallied(notification_from_document(tenant, snapshot.id, fields, snapshot.update_time), contributed_of(fields), fields.get("counted", {}))
