"""The index that a query needs, told from what the client would send, and its refusal where `firestore.indexes.json` has none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.api_core.exceptions import FailedPrecondition
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client, FieldFilter, Or, Query
from google.cloud.firestore_v1.base_query import BaseQuery
from google.cloud.firestore_v1.field_path import FieldPath
from google.cloud.firestore_v1.types import StructuredQuery

from local.indexes.asked import Asked, UnknownQuery, read_query
from local.indexes.demand import demand_indexes

CLIENT = Client(project="nowhere", credentials=AnonymousCredentials())
ROWS = CLIENT.collection("tenants/acme/events")


def where(field: str, operator: str, value: object) -> FieldFilter:
    return FieldFilter(field, operator, value)


CASES: list[tuple[Callable[[], Query], Asked]] = [
    (lambda: ROWS.where(filter=where("kind", "==", "a")), Asked(collection="events", equal=("kind",))),
    (lambda: ROWS.where(filter=where("kind", "==", None)), Asked(collection="events", equal=("kind",))),
    (lambda: ROWS.where(filter=where("bucket", "in", [1, 2])).order_by("at"), Asked(collection="events", equal=("bucket",), ordered="at")),
    (lambda: ROWS.where(filter=where("at", "<=", 3)), Asked(collection="events", ordered="at")),
    (
        lambda: ROWS.where(filter=where("at", "<=", 3)).order_by("at", direction=Query.DESCENDING).order_by(FieldPath.document_id()),
        Asked(collection="events", newest="at"),
    ),
    (
        lambda: ROWS.where(filter=where("tags", "array_contains", "x")).where(filter=where("kind", "==", "a")),
        Asked(collection="events", equal=("kind",), contains="tags"),
    ),
    (
        lambda: CLIENT.collection_group("chunks").where(filter=where("next_check_at", "<=", 3)),
        Asked(collection="chunks", ordered="next_check_at", everywhere=True),
    ),
    (lambda: ROWS.order_by(FieldPath.document_id()).limit(3), Asked(collection="events")),
]


@pytest.mark.parametrize(("make", "asked"), CASES)
def test_query_is_read_from_what_is_sent(make: Callable[[], Query], asked: Asked) -> None:
    # The test itself may ask for what has no index: only reading is tried here.
    assert read_query(_sent(make())) == asked


@pytest.mark.parametrize(
    "make",
    [
        lambda: ROWS.where(filter=where("a", ">", 1)).where(filter=where("b", ">", 1)),
        lambda: ROWS.where(filter=Or([where("a", "==", 1), where("b", "==", 1)])),
        lambda: ROWS.order_by("a").order_by("b"),
    ],
)
def test_query_of_a_form_that_nobody_has_thought_about_is_refused(make: Callable[[], Query]) -> None:
    with pytest.raises(UnknownQuery):
        read_query(_sent(make()))


def test_query_without_its_index_is_refused_as_in_production() -> None:
    demand_indexes()
    demand_indexes()
    with pytest.raises(FailedPrecondition, match="requires an index"):
        ROWS.where(filter=where("bucket", "in", [1])).order_by("nobody_sorts_by_this")._to_protobuf()


def test_query_with_its_index_passes() -> None:
    demand_indexes()
    assert ROWS.where(filter=where("bucket", "in", [1])).order_by("created_at", direction=Query.DESCENDING)._to_protobuf()


def _sent(query: Query) -> StructuredQuery:
    build = BaseQuery._to_protobuf
    sent: StructuredQuery = getattr(build, "__wrapped__", build)(query)
    return sent
