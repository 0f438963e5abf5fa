"""`firestore.indexes.json` and the stores: no blob is indexed, no query lacks its index (docs/indexes.md says why)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.structure.firestore_source import documents, queried_fields, written_fields
from tests.structure.source import ROOT, Module, modules_of, sample

Spec = Mapping[str, Sequence[Mapping[str, Any]]]

COLLECTIONS = {
    "clients.to_document": "clients",
    "device_mapping.to_document": "devices",
    "devices._add_locks": "targets",
    "devices._fields": "devices",
    "idempotency._reservation": "idempotency",
    "idempotency.finish": "idempotency",
    "notification_mapping.chunk_to_document": "chunks",
    "notification_mapping.dead_letter_to_document": "dead_letters",
    "notification_mapping.notification_to_document": "notifications",
    "notification_mapping.progress_to_document": "notifications",
    "notifications.accept": "recipients",
    "poison.record": "poison",
    "profiles.create": "names",
    "profiles.to_document": "profiles",
    "tenant_mapping.audit_to_document": "audit",
    "tenant_mapping.to_document": "tenants",
    "tenants._new_key": "keys",
}
"""The collection of each function's documents: a new one is named here, and its blobs are exempted."""

RISING = {"devices.created_at", "devices.updated_at", "devices.last_seen_at"}
"""Values that grow with time, in collections which may be written more than 500 times a second."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a store asks: equality filters, at most one array filter and one field with a range; `everywhere` spans a collection group."""

    collection: str
    equal: tuple[str, ...] = ()
    contains: str = ""
    ordered: str = ""
    everywhere: bool = False

    @property
    def scope(self) -> str:
        """Firestore's word for where it looks."""
        return "COLLECTION_GROUP" if self.everywhere else "COLLECTION"

    @property
    def fields(self) -> set[str]:
        """Every field that it names."""
        return {*self.equal, self.contains, self.ordered} - {""}


QUERIES = {
    "devices": (
        Query(collection="devices", equal=("active",), contains="addresses"),
        Query(collection="devices", equal=("listed", "platform", "active", "device_id"), contains="profile_ids"),
        Query(collection="devices", equal=("listed", "platform", "active", "device_id")),
    ),
    "notifications": (
        Query(collection="chunks", equal=("tenant", "state"), everywhere=True),
        Query(collection="chunks", ordered="next_check_at", everywhere=True),
        Query(collection="notifications", ordered="next_check_at", everywhere=True),
    ),
    "profiles": (
        Query(collection="profiles", contains="addresses"),
        Query(collection="profiles", equal=("username", "phone_number", "external_id")),
    ),
    "tenants": (Query(collection="tenants", ordered="attention_at"),),
}


def is_served(query: Query, spec: Spec) -> bool:
    """Tell whether Firestore can answer: by merging single-field indexes for equality alone, else by a composite for the rest of it."""
    special = {(query.contains, "CONTAINS"), (query.ordered, "ASCENDING")} - {("", "CONTAINS"), ("", "ASCENDING")}
    equal = {(field, "ASCENDING") for field in query.equal}
    if len(special | equal) == 1 or (not special and not query.everywhere):
        return all(_has_single(query, need, spec) for need in special | equal)
    return any(_completes(_fields_of(index), special, equal, query, spec) for index in spec["indexes"] if _is_for(index, query))


def _completes(held: set[tuple[str, str]], special: set[tuple[str, str]], equal: set[tuple[str, str]], query: Query, spec: Spec) -> bool:
    return special <= held <= special | equal and all(_has_single(query, need, spec) for need in equal - held)


def _is_for(index: Mapping[str, Any], query: Query) -> bool:
    return bool(index["collectionGroup"] == query.collection and index["queryScope"] == query.scope)


def _fields_of(index: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(field["fieldPath"], field.get("arrayConfig") or field["order"]) for field in index["fields"]}


def _has_single(query: Query, need: tuple[str, str], spec: Spec) -> bool:
    field, kind = need
    for override in spec["fieldOverrides"]:
        if (override["collectionGroup"], override["fieldPath"]) == (query.collection, field):
            wanted = (kind, query.scope)
            return any((index.get("arrayConfig") or index["order"], index.get("queryScope", "COLLECTION")) == wanted for index in override["indexes"])
    return not query.everywhere


def exempted(spec: Spec) -> set[str]:
    """Every field without any single-field index, as `collection.field`."""
    return {_name(override) for override in spec["fieldOverrides"] if not override["indexes"]}


def expiring(spec: Spec) -> set[str]:
    """Every TTL field."""
    return {_name(override) for override in spec["fieldOverrides"] if override.get("ttl")}


def _name(override: Mapping[str, Any]) -> str:
    return f"{override['collectionGroup']}.{override['fieldPath']}"


def _spec() -> Spec:
    spec: Spec = json.loads((ROOT / "firestore.indexes.json").read_text(encoding="utf-8"))
    return spec


def _stores() -> list[Module]:
    return [module for module in modules_of("functions") if module.name.startswith("fanfare.adapters.firestore.")]


def _named(*, blobs: bool = False, expiries: bool = False) -> set[str]:
    wanted = [found for found in written_fields(_stores()) if (found.blob or not blobs) and (found.expiry or not expiries)]
    return {f"{COLLECTIONS[found.function]}.{found.field}" for found in wanted if found.function in COLLECTIONS}


def test_every_document_belongs_to_a_named_collection() -> None:
    assert documents(_stores()) - set(COLLECTIONS) == set()
    assert set(COLLECTIONS) - {found.function for found in written_fields(_stores())} == set()


def test_no_blob_is_indexed() -> None:
    assert _named(blobs=True) - exempted(_spec()) == set()


def test_no_rising_value_is_indexed_where_many_write() -> None:
    assert RISING - exempted(_spec()) == set()


def test_what_expires_has_a_ttl_and_nothing_else_has() -> None:
    assert expiring(_spec()) == _named(expiries=True)


def test_only_fields_that_exist_are_configured() -> None:
    assert {_name(override) for override in _spec()["fieldOverrides"]} - _named() == set()


def test_every_query_is_listed_here() -> None:
    listed = {name: {field for query in queries for field in query.fields} for name, queries in QUERIES.items()}
    assert {module.name.rpartition(".")[2]: fields for module in _stores() if (fields := queried_fields(module))} == listed


def test_every_query_is_served() -> None:
    assert [query for queries in QUERIES.values() for query in queries if not is_served(query, _spec())] == []


def test_no_composite_index_is_superfluous() -> None:
    spec = _spec()
    queries = [query for listed in QUERIES.values() for query in listed]
    without = [{**spec, "indexes": [other for other in spec["indexes"] if other is not index]} for index in spec["indexes"]]
    assert [reduced for reduced in without if all(is_served(query, reduced) for query in queries)] == []


@pytest.mark.parametrize(
    "text",
    [
        "def f(c):\n    return {'x': c.encrypt(1)}",
        "def f(c):\n    x = json.dumps(c)\n    return {'x': x}",
        "def f(c):\n    x = seal(c) if c else None\n    return {'x': x}",
        "def f(x: bytes | None):\n    return {'x': x}",
        "def f(c):\n    return {'x': [dict(row) for row in c]}",
        "def f(c):\n    return {'x': [{'id': c}]}",
    ],
)
def test_a_blob_is_recognised(text: str) -> None:
    assert [(found.field, found.blob) for found in written_fields([sample("a.b", text)])] == [("x", True)]
    assert documents([sample("a.b", text)]) == {"b.f"}


@pytest.mark.parametrize("text", ["def f(x: str):\n    return {'x': x}", "def f(c):\n    return {'x': list(c), 'y': {'z': c}}"])
def test_a_short_value_is_no_blob(text: str) -> None:
    assert [found.field for found in written_fields([sample("a", text)]) if found.blob] == []


def test_a_computed_expiry_is_recognised() -> None:
    fields = written_fields([sample("a", "def f(at, c):\n    return [{'expires_at': at + KEPT}, {'expires_at': c.expires_at}]")])
    assert [found.expiry for found in fields] == [True, False]


def test_queried_fields_are_recognised() -> None:
    text = "def f(q):\n    q.where(filter=FieldFilter('a', '==', 1)).order_by('b')\ndef g(f):\n    read_page(c, [('c', '==', f), ('d', f)])"
    assert queried_fields(sample("a", text)) == {"a", "b", "c", "d"}


ARRAY_AND_EQUAL = Query(collection="c", equal=("a", "b"), contains="x")
NOTHING: Spec = {"indexes": [], "fieldOverrides": []}
EXEMPT: Spec = {"indexes": [], "fieldOverrides": [{"collectionGroup": "c", "fieldPath": "a", "indexes": []}]}
COMPOSITE = {
    "collectionGroup": "c",
    "queryScope": "COLLECTION",
    "fields": [{"fieldPath": "a", "order": "ASCENDING"}, {"fieldPath": "x", "arrayConfig": "CONTAINS"}],
}


@pytest.mark.parametrize(
    ("query", "spec"),
    [
        (Query(collection="c", equal=("a",)), EXEMPT),
        (Query(collection="c", equal=("a", "b")), EXEMPT),
        (Query(collection="c", ordered="a", everywhere=True), NOTHING),
        (Query(collection="c", equal=("a", "b"), everywhere=True), NOTHING),
        (Query(collection="c", equal=("a",), ordered="b"), NOTHING),
        (ARRAY_AND_EQUAL, NOTHING),
        (ARRAY_AND_EQUAL, {"indexes": [{**COMPOSITE, "queryScope": "COLLECTION_GROUP"}], "fieldOverrides": []}),
    ],
)
def test_a_query_without_its_index_is_caught(query: Query, spec: Spec) -> None:
    assert not is_served(query, spec)


@pytest.mark.parametrize(
    ("query", "spec"),
    [
        (Query(collection="c", equal=("a", "b")), NOTHING),
        (Query(collection="c", contains="x"), NOTHING),
        (ARRAY_AND_EQUAL, {"indexes": [COMPOSITE], "fieldOverrides": []}),
    ],
)
def test_a_query_with_its_index_is_not_caught(query: Query, spec: Spec) -> None:
    assert is_served(query, spec)
