"""Pages of a collection in the order of document ids: stable while rows are inserted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.cloud.firestore import CollectionReference, DocumentSnapshot, FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.client import run_query
from fanfare.domain.listing import Page

T = TypeVar("T")


def read_page(
    collection: CollectionReference,
    filters: Sequence[tuple[str, str, Any]],
    limit: int,
    after: str | None,
    convert: Callable[[DocumentSnapshot[Any]], T],
) -> Page[T]:
    """Read the documents after an id that meet every (field, operator, value)."""
    query = collection.order_by(FieldPath.document_id())
    for field, operator, value in filters:
        query = query.where(filter=FieldFilter(field, operator, value))
    if after is not None:
        query = query.start_after({FieldPath.document_id(): collection.document(after)})
    snapshots = run_query(query.limit(limit + 1))
    shown = snapshots[:limit]
    return Page([convert(snapshot) for snapshot in shown], shown[-1].id if len(snapshots) > limit else None)
