"""The audit log in Firestore: each entry is written in the commit of the write that it tells of."""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot, WriteBatch

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, translated
from fanfare.adapters.firestore.event_documents import add_events
from fanfare.adapters.firestore.pages import read_newest
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.audit import AuditEntry, Change, StoredEntry
from fanfare.domain.buckets import bucket_of
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.filters import AuditFilter
from fanfare.domain.listing import Page
from fanfare.ports import Identifiers

VERSION = 1


def add_audit(batch: WriteBatch, firestore: Firestore, tenant: str, entry: AuditEntry, audit_id: str) -> None:
    """Put an entry into the commit of its write, and the events that it tells of."""
    batch.create(collection_of(firestore, tenant, "audit").document(audit_id), to_document(entry, audit_id))
    add_events(batch, firestore, entry.events, audit_id)


class FirestoreAuditStore:
    """`tenants/{t}/audit/{id}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def record(self, tenant: str, entry: AuditEntry) -> None:
        """Store an entry of something that wrote nothing else: an export, a dry run."""
        audit_id = self._identifiers.new_id()
        with translated():
            reference = collection_of(self._firestore, tenant, "audit").document(audit_id)
            reference.set(to_document(entry, audit_id), retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def list(self, tenant: str, filters: AuditFilter, limit: int, after: str | None) -> Page[StoredEntry]:
        """List entries, the newest first."""
        wanted = (
            ("at", ">=", filters.created_after),
            ("at", "<=", filters.created_before),
            ("actor_id", "==", filters.client_id),
            ("resource", "==", filters.resource),
            ("action", "==", filters.action),
            ("resource_ids", "array_contains", filters.resource_id),
        )
        return read_newest(collection_of(self._firestore, tenant, "audit"), "at", wanted, limit=limit, after=after, convert=_entry)


def to_document(entry: AuditEntry, audit_id: str) -> dict[str, Any]:
    """Map an entry."""
    return {
        "v": VERSION,
        "bucket": bucket_of(audit_id),
        "at": entry.at,
        "action": entry.action,
        "resource": entry.resource,
        "resource_ids": list(entry.resource_ids),
        "actor_kind": entry.actor.kind.value,
        "actor_id": entry.actor.id,
        "address": entry.actor.address,
        "request_id": entry.actor.request_id,
        "changes": {name: {"before": change.before, "after": change.after} for name, change in entry.changes.items()},
        "facts": dict(entry.facts),
    }


def from_document(fields: dict[str, Any]) -> AuditEntry:
    """Map a document; a kind of actor that a newer version knows is shown as a function."""
    kinds = {kind.value: kind for kind in ActorKind}
    kind = kinds.get(fields["actor_kind"], ActorKind.FUNCTION)
    actor = Actor(kind, fields["actor_id"], fields["address"], fields["request_id"])
    changes = {name: Change(change["before"], change["after"]) for name, change in fields["changes"].items()}
    return AuditEntry(
        fields["action"], actor, fields["at"], tuple(fields["resource_ids"]), changes, {name: str(value) for name, value in fields["facts"].items()}
    )


def _entry(snapshot: DocumentSnapshot[Any]) -> StoredEntry:
    return StoredEntry(snapshot.id, from_document(snapshot.to_dict() or {}))
