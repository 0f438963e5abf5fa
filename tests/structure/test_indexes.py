"""`firestore.indexes.json` and the stores: no blob is indexed, no query lacks its index (docs/indexes.md says why)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from local.indexes.asked import Asked
from local.indexes.served import Spec, is_served
from tests.structure.firestore_source import documents, queried_fields, written_fields
from tests.structure.source import ROOT, Module, modules_of, sample

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
    "delivery_mapping.delivery_to_document": "deliveries",
    "device_mapping.to_document": "devices",
    "device_mapping.sync_to_document": "devices",
    "device_mapping.tombstone": "devices",
    "device_locks.change": "targets",
    "devices._bury": "devices",
    "devices._fields": "devices",
    "ended._place_to_document": "retention",
    "event_documents.event_to_document": "events",
    "ended._strip": "notifications",
    "idempotency._reservation": "idempotency",
    "idempotency.finish": "idempotency",
    "letter_mapping.webhook_letter_to_document": "dead_letters",
    "limits._add": "limits",
    "fleet_shards.add_counters": "meta",
    "metrics.add_counted": "meta",
    "migrations._record_to_document": "meta",
    "migrations.save_record": "meta",
    "notification_mapping._progress": "notifications",
    "notification_mapping.chunk_to_document": "chunks",
    "notification_mapping.dead_letter_to_document": "dead_letters",
    "notification_mapping.notification_to_document": "notifications",
    "notification_mapping.progress_to_document": "notifications",
    "notification_mapping.steering_to_document": "notifications",
    "new_notifications.add_notification": "recipients",
    "progress_mapping.increments_of": "progress",
    "receipt_mapping.receipt_to_document": "receipts",
    "receipt_sums.add": "meta",
    "recipients.to_document": "recipients",
    "pacing.to_document": "pacing",
    "poison.record": "poison",
    "profile_mapping.to_document": "profiles",
    "public_views._changes": "public",
    "public_views.to_document": "public",
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
    "webhook_mapping.webhook_to_document": "webhooks",
}
"""The collection of each function's documents: a new one is named here, and its blobs are exempted."""

RISING = {
    "audit.at",
    "dead_letters.created_at",
    "deliveries.completed_at",
    "deliveries.created_at",
    "deliveries.last_attempt_at",
    "deliveries.lease_until",
    "deliveries.next_attempt_at",
    "deliveries.next_check_at",
    "notifications.created_at",
    "notifications.planned_at",
    "notifications.started_at",
    "notifications.completed_at",
    "notifications.stripped_at",
    "events.created_at",
    "devices.created_at",
    "devices.updated_at",
    "devices.last_seen_at",
    "devices.inactive_since",
    "devices.purgeable_since",
    "devices.deleted_at",
    "devices.topics_check_at",
    "devices.keepalive",
    "profiles.topics_check_at",
    "public.created_at",
    "public.updated_at",
    "receipts.created_at",
    "receipts.delivered_at",
    "receipts.read_at",
    "receipts.delivered_noted_at",
    "receipts.read_noted_at",
}
"""Values that grow with time, in collections which may be written more than 500 times a second."""


_NOTIFICATIONS = ("status", "template", "type", "caller", "client_id", "topic", "schedule_id")
_AUDIT = ("actor_id", "action", "resource")


def _by_time(collection: str, newest: str, equal: tuple[str, ...] = (), contains: tuple[str, ...] = ()) -> tuple[Asked, ...]:
    """A list by time: everything, by each field, by all of those that are compared at once, and by each array alone."""
    together = [(), *((field,) for field in equal), *([equal] if len(equal) > 1 else [])]
    return (
        *(Asked(collection=collection, newest=newest, equal=("bucket", *fields)) for fields in together),
        *(Asked(collection=collection, newest=newest, equal=("bucket",), contains=field) for field in contains),
    )


_STATS = ("client_id", "topic", "platform", "template")

QUERIES = {
    "analytics": (
        *(Asked(collection="stats", equal=fields, ordered="day") for fields in ((), *((field,) for field in _STATS), _STATS)),
        Asked(collection="notifications", equal=("untallied",)),
        Asked(collection="notifications", equal=("untallied",), everywhere=True),
    ),
    "audience": (
        Asked(collection="devices", equal=("bucket",), ordered="updated_at"),
        Asked(collection="devices", equal=("bucket",), ordered="updated_at", everywhere=True),
        Asked(collection="audience", equal=("generation",), ordered="count"),
        Asked(collection="audience", ordered="next_check_at", everywhere=True),
    ),
    "clients": (Asked(collection="clients", equal=("tenant",)),),
    "audit": (
        *_by_time("audit", "at", _AUDIT, ("resource_ids",)),
        Asked(collection="audit", newest="at", equal=("bucket", "resource"), contains="resource_ids"),
    ),
    "addressed_devices": (Asked(collection="devices", equal=("active",), contains="addresses"),),
    "broadcasts": (Asked(collection="chunks", ordered="number"), Asked(collection="chunks", equal=("state",))),
    "day_comparison": (
        Asked(collection="notifications", equal=("bucket",), newest="created_at"),
        Asked(collection="stats", equal=("day",)),
    ),
    "devices": (
        Asked(collection="devices", equal=("listed", "platform", "active", "device_id"), contains="profile_ids"),
        Asked(collection="devices", equal=("listed", "platform", "active", "device_id"), contains="topics"),
        Asked(collection="devices", equal=("listed", "platform", "active", "device_id"), contains="tags"),
        Asked(collection="devices", contains="profile_ids"),
        Asked(collection="devices", equal=("bucket",), ordered="purgeable_since"),
        Asked(collection="devices", equal=("listed", "platform", "active", "device_id")),
    ),
    "ended": (
        Asked(collection="notifications", equal=("bucket",), ordered="completed_at"),
        Asked(collection="dead_letters", equal=("bucket",), newest="created_at"),
    ),
    "keepalive_queries": (
        Asked(collection="devices", equal=("bucket", "active", "keepalive.state"), ordered="keepalive.next"),
        Asked(collection="devices", equal=("bucket", "active", "keepalive.state"), ordered="keepalive.reply"),
    ),
    "event_listener": (Asked(collection="events", equal=("bucket",), newest="created_at"),),
    "events": (
        Asked(collection="events", equal=("bucket",), ordered="created_at"),
        Asked(collection="events", equal=("bucket",), contains="notification_ids", ordered="created_at"),
    ),
    "forgetting": (Asked(collection="notifications", contains="usernames"),),
    "chunks": (Asked(collection="chunks", equal=("tenant", "state"), everywhere=True),),
    "metrics": (
        Asked(collection="deliveries", equal=("bucket", "state"), ordered="completed_at", everywhere=True),
        Asked(collection="devices", equal=("bucket", "inactive_reason"), ordered="inactive_since", everywhere=True),
        Asked(collection="notifications", equal=("paused", "status"), everywhere=True),
    ),
    "notifications": (
        Asked(collection="chunks", ordered="next_check_at", everywhere=True),
        Asked(collection="notifications", ordered="next_check_at", everywhere=True),
    ),
    "notification_queries": (
        *_by_time("notifications", "created_at", _NOTIFICATIONS, ("usernames", "profile_ids")),
        *_by_time("dead_letters", "created_at", ("kind",)),
        Asked(collection="notifications", equal=("paused", "status"), everywhere=True),
    ),
    "retention": (
        *(Asked(collection=name, equal=("bucket",), newest="created_at") for name in ("notifications", "events")),
        Asked(collection="audit", equal=("bucket",), newest="at"),
        Asked(collection="receipts", equal=("tenant", "bucket"), newest="created_at", everywhere=True),
        Asked(collection="devices", equal=("bucket", "active", "platform"), ordered="last_seen_at"),
        *(Asked(collection="devices", equal=("bucket", "inactive_reason"), ordered=at) for at in ("inactive_since", "deleted_at")),
        Asked(collection="profiles", equal=("bucket", "state"), ordered="deleted_at"),
        Asked(collection="keys", ordered="retired_at"),
    ),
    "receipt_sums": tuple(
        Asked(collection="receipts", equal=("bucket",), ordered=at, everywhere=True) for at in ("delivered_noted_at", "read_noted_at")
    ),
    "receipts": (Asked(collection="receipts", equal=("delivered",)), Asked(collection="receipts", equal=("read",))),
    "origins": (Asked(collection="tenants", contains="cors_origins"),),
    "profiles": (
        Asked(collection="profiles", contains="addresses"),
        Asked(collection="profiles", equal=("state", "username", "phone_number", "external_id")),
        Asked(collection="profiles", equal=("state", "username", "phone_number", "external_id"), contains="tags"),
        Asked(collection="profiles", ordered="next_check_at", everywhere=True),
    ),
    "public_views": (Asked(collection="public", equal=("tenant", "profile_id"), everywhere=True),),
    "subscriptions": (
        Asked(collection="devices", equal=("listed", "active"), contains="topics"),
        Asked(collection="devices", contains="topics"),
        Asked(collection="devices", contains="profile_ids"),
        Asked(collection="devices", equal=("bucket",), ordered="topics_check_at", everywhere=True),
        Asked(collection="profiles", contains="topics"),
        Asked(collection="profiles", equal=("bucket",), ordered="topics_check_at", everywhere=True),
    ),
    "schedules": (
        *_by_time("schedules", "created_at", ("status",)),
        Asked(collection="schedules", ordered="next_run_at", everywhere=True),
        Asked(collection="schedules", contains="usernames"),
    ),
    "segments": (Asked(collection="segments", ordered="name"),),
    "templates": (Asked(collection="templates", equal=("active",)),),
    "tenants": (
        Asked(collection="tenants", ordered="attention_at"),
        Asked(collection="tenants", ordered="rotation_due_at"),
        Asked(collection="tenants", equal=("keepalive.enabled",)),
    ),
    "webhook_deliveries": (
        *_by_time("deliveries", "created_at", ("state",)),
        Asked(collection="deliveries", equal=("tenant", "bucket"), newest="created_at", everywhere=True),
        Asked(collection="deliveries", equal=("bucket",), ordered="next_check_at", everywhere=True),
    ),
    "webhooks": (Asked(collection="webhooks", equal=("active",)),),
    "topics": (Asked(collection="topics", equal=("state",)), Asked(collection="topics", ordered="next_check_at", everywhere=True)),
}


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


ARRAY_AND_EQUAL = Asked(collection="c", equal=("a", "b"), contains="x")
NEWEST = Asked(collection="c", equal=("bucket", "a", "b"), newest="at")
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
        (Asked(collection="c", equal=("a",)), EXEMPT),
        (Asked(collection="c", equal=("a", "b")), EXEMPT),
        (Asked(collection="c", ordered="a", everywhere=True), NOTHING),
        (Asked(collection="c", equal=("a", "b"), everywhere=True), NOTHING),
        (Asked(collection="c", equal=("a",), ordered="b"), NOTHING),
        (Asked(collection="c", equal=("a",), newest="b"), NOTHING),
        (ARRAY_AND_EQUAL, NOTHING),
        (NEWEST, {"indexes": [by_time("a")], "fieldOverrides": []}),
        (NEWEST, {"indexes": [by_time("a"), by_time("b", "ASCENDING")], "fieldOverrides": []}),
        (replace(NEWEST, contains="x"), {"indexes": [by_time("a"), by_time("b")], "fieldOverrides": []}),
        (ARRAY_AND_EQUAL, {"indexes": [{**COMPOSITE, "queryScope": "COLLECTION_GROUP"}], "fieldOverrides": []}),
    ],
)
def test_a_query_without_its_index_is_caught(query: Asked, spec: Spec) -> None:
    assert not is_served(query, spec)


@pytest.mark.parametrize(
    ("query", "spec"),
    [
        (Asked(collection="c", equal=("a", "b")), NOTHING),
        (Asked(collection="c", contains="x"), NOTHING),
        (NEWEST, {"indexes": [by_time("a"), by_time("b")], "fieldOverrides": []}),
        (ARRAY_AND_EQUAL, {"indexes": [COMPOSITE], "fieldOverrides": []}),
    ],
)
def test_a_query_with_its_index_is_not_caught(query: Asked, spec: Spec) -> None:
    assert is_served(query, spec)
