"""Pages of a collection: in the order of document ids, which is stable while rows are inserted, or by a time, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from google.cloud.firestore import CollectionReference, DocumentSnapshot, FieldFilter, Query
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.client import run_query
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.listing import Page

T = TypeVar("T")
LAST = "\uf8ff"
"""Sorts after every name that begins alike."""
Filters = Sequence[tuple[str, str, Any]]


def read_page(
    collection: CollectionReference,
    filters: Filters,
    limit: int,
    after: str | None,
    convert: Callable[[DocumentSnapshot[Any]], T],
) -> Page[T]:
    """Read the documents after an id that meet every (field, operator, value); a value of None filters nothing."""
    query = _narrowed(collection.order_by(FieldPath.document_id()), filters)
    if after is not None:
        query = query.start_after({FieldPath.document_id(): collection.document(after)})
    snapshots = run_query(query.limit(limit + 1))
    shown = snapshots[:limit]
    return Page([convert(snapshot) for snapshot in shown], shown[-1].id if len(snapshots) > limit else None)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def read_newest(
    collection: CollectionReference,
    time_field: str,
    filters: Filters,
    *,
    limit: int,
    after: str | None,
    convert: Callable[[DocumentSnapshot[Any]], T],
) -> Page[T]:
    """Read documents by a time, the newest first; of equal times the greater id is first. A page goes on after a time and an id.

    A filter whose value is None filters nothing.

    Sequential times would cap the collection at 500 writes a second, so its indexes begin with a `bucket`; Firestore merges the ranges of an `in`.
    """
    query = _narrowed(collection.where(filter=FieldFilter("bucket", "in", list(range(BUCKETS)))), filters)
    query = query.order_by(time_field, direction=Query.DESCENDING).order_by(FieldPath.document_id(), direction=Query.DESCENDING)
    if after is not None:
        at, _, last_id = after.partition(".")
        query = query.start_after({time_field: _EPOCH + int(at) * _MICROSECOND, FieldPath.document_id(): collection.document(last_id)})
    snapshots = run_query(query.limit(limit + 1))
    shown = snapshots[:limit]
    return Page([convert(snapshot) for snapshot in shown], _place(shown[-1], time_field) if len(snapshots) > limit else None)


def _narrowed(query: Query, filters: Filters) -> Query:
    for field, operator, value in filters:
        if value is not None:
            query = query.where(filter=FieldFilter(field, operator, value))
    return query


def _place(snapshot: DocumentSnapshot[Any], time_field: str) -> str:
    at: datetime = (snapshot.to_dict() or {})[time_field]
    return f"{(at - _EPOCH) // _MICROSECOND}.{snapshot.id}"
