"""The migrations of this version, and the documents that they upgrade in Firestore.

A migration's name is permanent: `meta/migrations` remembers it. One whose form nobody can meet any more (the version after the next) may be removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import CollectionReference, DocumentReference, Query
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, count_found, fields_of, read, run_query, translated
from fanfare.adapters.firestore.commits import Decided, update_guarded
from fanfare.domain.migration import Migration, MigrationRecord, MigrationState
from fanfare.ports import Identifiers
from fanfare.ports.migrations import StoredDocument

VERSION = 1


def name_listeners(tenant: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tenants say who listens to their events: nobody, before there were any."""
    return {} if tenant.get("listening") else {"listening": {"webhooks": {}, "readers": {}}}


def name_receipts(notification: Mapping[str, Any]) -> Mapping[str, Any]:
    """Notifications count what was delivered and read: nothing, before there were receipts."""
    counts = notification.get("counts") or {}
    return {} if {"delivered", "read"} <= counts.keys() else {"counts": {"delivered": 0, "read": 0, **counts}}


MIGRATIONS = (
    Migration("2026-11-tenants-name-their-listeners", "Tenants of before webhooks get an empty list of them.", "tenants", name_listeners),
    Migration(
        "2026-11-notifications-count-receipts",
        "Notifications of before receipts get the counts that these are added to.",
        "notifications",
        name_receipts,
        everywhere=True,
    ),
)
"""The oldest first."""


class FirestoreMigrationStore:
    """Any documents, and `meta/migrations`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._migrations = migrations

    def migrations(self) -> Sequence[Migration]:
        """Every migration of this version, the oldest first."""
        return self._migrations

    def count(self, migration: Migration) -> int:
        """About how many documents a migration looks through."""
        return count_found(self._all(migration))

    def read_page(self, migration: Migration, after: str | None, limit: int) -> Sequence[StoredDocument]:
        """Read at most `limit` documents after a path."""
        query = self._all(migration).order_by(FieldPath.document_id())
        if after is not None:
            query = query.start_after({FieldPath.document_id(): self._firestore.document(after)})
        found = run_query(query.limit(limit))
        return [StoredDocument(snapshot.reference.path, snapshot.to_dict() or {}, snapshot.update_time) for snapshot in found]

    def change(self, migration: Migration, document: StoredDocument, changes: Mapping[str, Any]) -> bool:
        """Store what an upgrade changes, guarded by what was read; one that was written meanwhile is upgraded as it is then. False: it is gone."""

        def decide(snapshot: Any) -> Decided[bool]:  # noqa: ANN401 - Firestore's snapshots have no type of their own here
            is_as_read = snapshot.update_time == document.revision
            fields = changes if is_as_read else migration.upgrade(snapshot.to_dict() or {})
            return Decided(state=True, fields=dict(fields) or None)

        reference: DocumentReference = self._firestore.document(document.path)
        return update_guarded(self._firestore, reference, decide, self._identifiers.new_id) is not None

    def get_records(self) -> Mapping[str, MigrationRecord]:
        """What is stored of each migration that was begun, by name."""
        stored = (fields_of(read(self._record())) or {}).get("migrations", {})
        return {name: MigrationRecord(name, **{**fields, "state": MigrationState(fields["state"])}) for name, fields in stored.items()}

    def save_record(self, record: MigrationRecord) -> None:
        """Store how far a migration is."""
        with translated():
            self._record().set(
                {"v": VERSION, "migrations": {record.name: _record_to_document(record)}}, merge=True, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS
            )

    def _all(self, migration: Migration) -> Query | CollectionReference:
        if migration.everywhere:
            return self._firestore.collection_group(migration.collection)
        return self._firestore.collection(migration.collection)

    def _record(self) -> DocumentReference:
        return self._firestore.collection("meta").document("migrations")


def _record_to_document(record: MigrationRecord) -> dict[str, Any]:
    return {
        "state": record.state.value,
        "started_at": record.started_at,
        "after": record.after,
        "seen": record.seen,
        "changed": record.changed,
        "completed_at": record.completed_at,
    }
