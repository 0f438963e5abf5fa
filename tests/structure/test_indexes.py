"""`firestore.indexes.json` and the stores: no blob is indexed, no query lacks its index (docs/indexes.md says why)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.structure.firestore_source import documents, queried_fields, written_fields
from tests.structure.source import ROOT, Module, modules_of, sample

Spec = Mapping[str, Sequence[Mapping[str, Any]]]

COLLECTIONS = {
    "analytics.add": "stats_marks",
    "analytics.tally_to_document": "notifications",
    "audience.set_positions": "meta",
    "audience_mapping.header_to_document": "audience",
    "audience_mapping.shard_to_document": "audience",
    "audit.to_document": "audit",
    "broadcast_mapping.fanned_to_document": "notifications",
    "broadcast_mapping.fanout_to_document": "progress",
    "client_mapping.to_document": "clients",
    "data_keys._wrapped": "keys",
    "day_comparison.correct": "stats_corrections",
    "data_keys.fresh": "keys",
    "device_mapping.to_document": "devices",
    "device_mapping.sync_to_document": "devices",
    "device_mapping.tombstone": "devices",
    "device_locks.change": "targets",
    "devices._bury": "devices",
    "devices._fields": "devices",
    "ended._place_to_document": "retention",
    "ended._strip": "notifications",
    "idempotency._reservation": "idempotency",
    "idempotency.finish": "idempotency",
    "limits._add": "limits",
    "notification_mapping._progress": "notifications",
    "notification_mapping.chunk_to_document": "chunks",
    "notification_mapping.dead_letter_to_document": "dead_letters",
    "notification_mapping.notification_to_document": "notifications",
    "notification_mapping.progress_to_document": "notifications",
    "notification_mapping.steering_to_document": "notifications",
    "new_notifications.add_notification": "recipients",
    "progress_mapping.increments_of": "progress",
    "recipients.to_document": "recipients",
    "pacing.to_document": "pacing",
    "poison.record": "poison",
    "profile_mapping.to_document": "profiles",
    "profiles._add_locks": "names",
    "schedule_mapping.to_document": "schedules",
    "segments.to_document": "segments",
    "stats._day_to_document": "stats_days",
    "stats._key_to_document": "stats",
    "template_mapping.to_document": "templates",
    "template_mapping.version_to_document": "versions",
    "tenant_mapping.to_document": "tenants",
    "tenants._ownership": "projects",
    "topic_mapping.to_document": "topics",
}
"""The collection of each function's documents: a new one is named here, and its blobs are exempted."""

RISING = {
    "audit.at",
    "dead_letters.created_at",
    "notifications.created_at",
    "notifications.planned_at",
    "notifications.started_at",
    "notifications.completed_at",
    "notifications.stripped_at",
    "devices.created_at",
    "devices.updated_at",
    "devices.last_seen_at",
    "devices.inactive_since",
    "devices.purgeable_since",
    "devices.deleted_at",
    "devices.topics_check_at",
    "devices.keepalive",
    "profiles.topics_check_at",
}
"""Values that grow with time, in collections which may be written more than 500 times a second."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a store asks: equality filters (`in` is several of them), at most one array filter and one field with a range or an order.

    `newest` is that field where the order is descending; `everywhere` spans a collection group.
    """

    collection: str
    equal: tuple[str, ...] = ()
    contains: str = ""
    ordered: str = ""
    newest: str = ""
    everywhere: bool = False

    @property
    def scope(self) -> str:
        """Firestore's word for where it looks."""
        return "COLLECTION_GROUP" if self.everywhere else "COLLECTION"

    @property
    def fields(self) -> set[str]:
        """Every field that it names."""
        return {*self.equal, self.contains, self.ordered, self.newest} - {""}


_NOTIFICATIONS = ("status", "template", "type", "caller", "client_id", "topic", "schedule_id")
_AUDIT = ("actor_id", "action", "resource")


def _by_time(collection: str, newest: str, equal: tuple[str, ...] = (), contains: tuple[str, ...] = ()) -> tuple[Query, ...]:
    """A list by time: everything, by each field, by all of those that are compared at once, and by each array alone."""
    together = [(), *((field,) for field in equal), *([equal] if len(equal) > 1 else [])]
    return (
        *(Query(collection=collection, newest=newest, equal=("bucket", *fields)) for fields in together),
        *(Query(collection=collection, newest=newest, equal=("bucket",), contains=field) for field in contains),
    )


_STATS = ("client_id", "topic", "platform", "template")

QUERIES = {
    "analytics": (
        *(Query(collection="stats", equal=fields, ordered="day") for fields in ((), *((field,) for field in _STATS), _STATS)),
        Query(collection="notifications", equal=("untallied",)),
        Query(collection="notifications", equal=("untallied",), everywhere=True),
    ),
    "audience": (
        Query(collection="devices", equal=("bucket",), ordered="updated_at"),
        Query(collection="devices", equal=("bucket",), ordered="updated_at", everywhere=True),
        Query(collection="audience", equal=("generation",), ordered="count"),
        Query(collection="audience", ordered="next_check_at", everywhere=True),
    ),
    "clients": (Query(collection="clients", equal=("tenant",)),),
    "audit": (
        *_by_time("audit", "at", _AUDIT, ("resource_ids",)),
        Query(collection="audit", newest="at", equal=("bucket", "resource"), contains="resource_ids"),
    ),
    "addressed_devices": (Query(collection="devices", equal=("active",), contains="addresses"),),
    "broadcasts": (Query(collection="chunks", ordered="number"), Query(collection="chunks", equal=("state",))),
    "day_comparison": (
        Query(collection="notifications", equal=("bucket",), newest="created_at"),
        Query(collection="stats", equal=("day",)),
    ),
    "devices": (
        Query(collection="devices", equal=("listed", "platform", "active", "device_id"), contains="profile_ids"),
        Query(collection="devices", equal=("listed", "platform", "active", "device_id"), contains="topics"),
        Query(collection="devices", equal=("listed", "platform", "active", "device_id"), contains="tags"),
        Query(collection="devices", contains="profile_ids"),
        Query(collection="devices", equal=("bucket",), ordered="purgeable_since"),
        Query(collection="devices", equal=("listed", "platform", "active", "device_id")),
    ),
    "ended": (
        Query(collection="notifications", equal=("bucket",), ordered="completed_at"),
        Query(collection="dead_letters", equal=("bucket",), newest="created_at"),
    ),
    "keepalive_queries": (
        Query(collection="devices", equal=("bucket", "active", "keepalive.state"), ordered="keepalive.next"),
        Query(collection="devices", equal=("bucket", "active", "keepalive.state"), ordered="keepalive.reply"),
    ),
    "forgetting": (Query(collection="notifications", contains="usernames"),),
    "chunks": (Query(collection="chunks", equal=("tenant", "state"), everywhere=True),),
    "notifications": (
        Query(collection="chunks", ordered="next_check_at", everywhere=True),
        Query(collection="notifications", ordered="next_check_at", everywhere=True),
    ),
    "notification_queries": (
        *_by_time("notifications", "created_at", _NOTIFICATIONS, ("usernames", "profile_ids")),
        *_by_time("dead_letters", "created_at", ("kind",)),
        Query(collection="notifications", equal=("paused", "status"), everywhere=True),
    ),
    "retention": (
        *(Query(collection=name, equal=("bucket",), newest="created_at") for name in ("notifications", "events")),
        Query(collection="audit", equal=("bucket",), newest="at"),
        Query(collection="receipts", equal=("tenant", "bucket"), newest="created_at", everywhere=True),
        Query(collection="devices", equal=("bucket", "active", "platform"), ordered="last_seen_at"),
        *(Query(collection="devices", equal=("bucket", "inactive_reason"), ordered=at) for at in ("inactive_since", "deleted_at")),
        Query(collection="profiles", equal=("bucket", "state"), ordered="deleted_at"),
        Query(collection="keys", ordered="retired_at"),
    ),
    "origins": (Query(collection="tenants", contains="cors_origins"),),
    "profiles": (
        Query(collection="profiles", contains="addresses"),
        Query(collection="profiles", equal=("state", "username", "phone_number", "external_id")),
        Query(collection="profiles", equal=("state", "username", "phone_number", "external_id"), contains="tags"),
        Query(collection="profiles", ordered="next_check_at", everywhere=True),
    ),
    "subscriptions": (
        Query(collection="devices", equal=("listed", "active"), contains="topics"),
        Query(collection="devices", contains="topics"),
        Query(collection="devices", contains="profile_ids"),
        Query(collection="devices", equal=("bucket",), ordered="topics_check_at", everywhere=True),
        Query(collection="profiles", contains="topics"),
        Query(collection="profiles", equal=("bucket",), ordered="topics_check_at", everywhere=True),
    ),
    "schedules": (
        *_by_time("schedules", "created_at", ("status",)),
        Query(collection="schedules", ordered="next_run_at", everywhere=True),
        Query(collection="schedules", contains="usernames"),
    ),
    "segments": (Query(collection="segments", ordered="name"),),
    "templates": (Query(collection="templates", equal=("active",)),),
    "tenants": (
        Query(collection="tenants", ordered="attention_at"),
        Query(collection="tenants", ordered="rotation_due_at"),
        Query(collection="tenants", equal=("keepalive.enabled",)),
    ),
    "topics": (Query(collection="topics", equal=("state",)), Query(collection="topics", ordered="next_check_at", everywhere=True)),
}


def is_served(query: Query, spec: Spec) -> bool:
    """Tell whether Firestore can answer: by merging single-field indexes for equality alone, else by a composite for the rest of it.

    Composites are merged where they end alike, in the same order by the same field.
    """
    wanted = ((query.contains, "CONTAINS"), (query.ordered, "ASCENDING"), (query.newest, "DESCENDING"))
    special = {need for need in wanted if need[0]}
    equal = {(field, "ASCENDING") for field in query.equal}
    if len(special | equal) == 1 or (not special and not query.everywhere):
        return all(_has_single(query, need, spec) for need in special | equal)
    indexes = [held for index in spec["indexes"] if _is_for(index, query) and special <= (held := _fields_of(index)) <= special | equal]
    if query.ordered or query.newest:
        return set().union(*indexes) == special | equal
    return any(_completes(held, equal, query, spec) for held in indexes)


def _completes(held: set[tuple[str, str]], equal: set[tuple[str, str]], query: Query, spec: Spec) -> bool:
    return all(_has_single(query, need, spec) for need in equal - held)


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
    stores = [module for module in _stores() if not module.name.endswith(".pages")]
    assert {module.name.rpartition(".")[2]: fields for module in stores if (fields := queried_fields(module))} == listed


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
    assert queried_fields(sample("a", "def f(c):\n    read_newest(c, 'at', [('a', '==', 1)])")) == {"a", "bucket"}


def by_time(field: str, order: str = "DESCENDING") -> Mapping[str, Any]:
    """A composite of a bucket, a field and a time."""
    fields = [("bucket", "ASCENDING"), (field, "ASCENDING"), ("at", order)]
    return {"collectionGroup": "c", "queryScope": "COLLECTION", "fields": [{"fieldPath": name, "order": way} for name, way in fields]}


ARRAY_AND_EQUAL = Query(collection="c", equal=("a", "b"), contains="x")
NEWEST = Query(collection="c", equal=("bucket", "a", "b"), newest="at")
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
        (Query(collection="c", equal=("a",), newest="b"), NOTHING),
        (ARRAY_AND_EQUAL, NOTHING),
        (NEWEST, {"indexes": [by_time("a")], "fieldOverrides": []}),
        (NEWEST, {"indexes": [by_time("a"), by_time("b", "ASCENDING")], "fieldOverrides": []}),
        (replace(NEWEST, contains="x"), {"indexes": [by_time("a"), by_time("b")], "fieldOverrides": []}),
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
        (NEWEST, {"indexes": [by_time("a"), by_time("b")], "fieldOverrides": []}),
        (ARRAY_AND_EQUAL, {"indexes": [COMPOSITE], "fieldOverrides": []}),
    ],
)
def test_a_query_with_its_index_is_not_caught(query: Query, spec: Spec) -> None:
    assert is_served(query, spec)
