"""Topics in Firestore."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import CollectionReference, DocumentReference, DocumentSnapshot, FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import read, run_query
from fanfare.adapters.firestore.commits import WRITE_ID, Decided, commit_guarded, update_guarded
from fanfare.adapters.firestore.pages import LAST, read_page
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.topic_mapping import from_snapshot, to_document
from fanfare.domain.audit import Trail
from fanfare.domain.listing import Page
from fanfare.domain.topic import Topic, TopicState, is_topic_name
from fanfare.ports import Identifiers


class FirestoreTopicStore:
    """`tenants/{t}/topics/{name}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def get(self, tenant: str, name: str) -> Topic | None:
        """Find a topic as it is stored now, in whatever state; any text may be looked for."""
        snapshot = read(self._reference(tenant, name)) if is_topic_name(name) else None
        return from_snapshot(snapshot) if snapshot is not None and snapshot.exists else None

    def create(self, tenant: str, topic: Topic, audit: Trail) -> bool:
        """Store a new topic; False if the name is stored already, in whatever state."""
        reference, write_id, batch = self._reference(tenant, topic.name), self._identifiers.new_id(), self._firestore.batch()
        batch.create(reference, {**to_document(topic), WRITE_ID: write_id})
        add_audit(batch, self._firestore, tenant, audit(None, topic), write_id)
        return commit_guarded(batch, reference, write_id) is not None

    def update(self, tenant: str, name: str, decide: Callable[[Topic], Topic | None], audit: Trail | None = None) -> Topic | None:
        """Apply a pure decision (None leaves the topic) and return its state; None if there is none of this name."""

        def decided(snapshot: DocumentSnapshot[Any]) -> Decided[Topic]:
            before = from_snapshot(snapshot)
            after = decide(before)
            if after is None:
                return Decided(before)
            return Decided(after, to_document(after), tenant, audit(before, after) if audit else None)

        return update_guarded(self._firestore, self._reference(tenant, name), decided, self._identifiers.new_id) if is_topic_name(name) else None

    def list(self, tenant: str, prefix: str | None, limit: int, after: str | None) -> Page[Topic]:
        """List active topics in the order of their names, those that begin with `prefix`."""
        collection = self._collection(tenant)
        wanted: list[tuple[str, str, Any]] = [("state", "==", TopicState.ACTIVE.value)]
        if prefix is not None:
            id_path = FieldPath.document_id()
            wanted += [(id_path, ">=", collection.document(prefix)), (id_path, "<", collection.document(prefix + LAST))]
        return read_page(collection, wanted, limit, after, from_snapshot)

    def list_deleting(self, tenant: str, limit: int) -> builtins.list[Topic]:
        """List topics of a tenant whose deletion is under way."""
        query = self._collection(tenant).where(filter=FieldFilter("state", "==", TopicState.DELETING.value))
        return [from_snapshot(snapshot) for snapshot in run_query(query.limit(limit))]

    def find_deleting(self, now: datetime, limit: int) -> builtins.list[str]:
        """Find the tenants with topics whose deletion may end by `now`, the longest overdue first."""
        query = self._firestore.collection_group("topics").where(filter=FieldFilter("next_check_at", "<=", now))
        found = run_query(query.order_by("next_check_at").limit(limit).select(["next_check_at"]))
        return [*dict.fromkeys(snapshot.reference.path.split("/")[1] for snapshot in found)]

    def _collection(self, tenant: str) -> CollectionReference:
        return collection_of(self._firestore, tenant, "topics")

    def _reference(self, tenant: str, name: str) -> DocumentReference:
        reference: DocumentReference = self._collection(tenant).document(name)
        return reference
