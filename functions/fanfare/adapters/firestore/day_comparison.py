"""What a day's notifications have contributed beside the day's rows, read at one instant, and the correction of the rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, FieldFilter, Query, Transaction, transactional

from fanfare.adapters.firestore.client import READ_RETRY, fields_of, read, translated
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.receipt_mapping import RECEIVED, received_of
from fanfare.adapters.firestore.stats import add_details, add_totals, amounts_from_document, contributed_of, row_from_document, total_reference
from fanfare.domain.analytics import Amounts, Row, RowKey, merge_rows
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.recomputing import Comparison, Correction

VERSION = 1
SNAPSHOT_SECONDS = 240.0
"""A transaction that only reads lives for 270 seconds; so long may one of its two queries take."""
_FIELDS = ("client_id", "topic", "template", "tallied", RECEIVED)


def compare(firestore: Firestore, tenant: str, day: date) -> Comparison:
    """Read both at one instant."""
    # Before the instant: what is corrected after it is found out by the guard.
    last = read(_mark(firestore, tenant, day))

    @transactional
    def read_both(transaction: Transaction) -> Comparison:
        contributed = [row for found in _stream(_created_on(firestore, tenant, day), transaction) for row in _contributed(day, found)]
        rows = [row_from_document(found.to_dict() or {}) for found in _stream(_rows_of(firestore, tenant, day), transaction)]
        [total] = list(firestore.get_all([total_reference(firestore, tenant, day)], transaction=transaction, retry=READ_RETRY))
        fields = fields_of(total)
        return Comparison(merge_rows(contributed), rows, amounts_from_document(fields) if fields else Amounts(), last.update_time)

    with translated():
        compared: Comparison = read_both(firestore.transaction(read_only=True))
    return compared


def correct(firestore: Firestore, tenant: str, day: date, correction: Correction, revision: object, new_write_id: Callable[[], str]) -> bool:
    """Add a correction in one commit; False: another one was added since the comparison, nothing was stored."""
    batch, write_id, mark = firestore.batch(), new_write_id(), _mark(firestore, tenant, day)
    fields = {"v": VERSION, "day": day.isoformat(), WRITE_ID: write_id}
    if revision is None:
        batch.create(mark, fields)
    else:
        batch.update(mark, fields, firestore.write_option(last_update_time=revision))
    add_details(batch, firestore, tenant, correction.rows)
    if correction.total:
        add_totals(batch, firestore, tenant, [Row(RowKey(day), correction.total)])
    return commit_guarded(batch, mark, write_id) is not None


def _mark(firestore: Firestore, tenant: str, day: date) -> DocumentReference:
    reference: DocumentReference = collection_of(firestore, tenant, "stats_corrections").document(day.isoformat())
    return reference


def _created_on(firestore: Firestore, tenant: str, day: date) -> Query:
    midnight = datetime.combine(day, time(), UTC)
    query = collection_of(firestore, tenant, "notifications").where(filter=FieldFilter("bucket", "in", list(range(BUCKETS))))
    query = query.where(filter=FieldFilter("created_at", ">=", midnight)).where(filter=FieldFilter("created_at", "<", midnight + timedelta(days=1)))
    # Of the others than these there may be a lot: the request, the wording.
    return query.order_by("created_at", direction=Query.DESCENDING).select(_FIELDS)


def _rows_of(firestore: Firestore, tenant: str, day: date) -> Query:
    return collection_of(firestore, tenant, "stats").where(filter=FieldFilter("day", "==", day.isoformat()))


def _stream(query: Query, transaction: Transaction) -> list[DocumentSnapshot[Any]]:
    return list(query.stream(transaction=transaction, retry=READ_RETRY, timeout=SNAPSHOT_SECONDS))


def _contributed(day: date, snapshot: DocumentSnapshot[Any]) -> list[Row]:
    fields = snapshot.to_dict() or {}
    names = (fields["client_id"], fields.get("topic"))
    parts = [*contributed_of(fields).items(), *received_of(fields).items()]
    return [Row(RowKey(day, *names, platform, fields.get("template")), amounts) for platform, amounts in parts]
