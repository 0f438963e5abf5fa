"""API clients in Firestore: top-level, because a request knows its Client-ID before its tenant."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot

from fanfare.adapters.expiring import ExpiringCache
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import fields_of, read, translated
from fanfare.adapters.firestore.client_mapping import to_document
from fanfare.adapters.firestore.commits import WRITE_ID, Decided, commit_guarded, update_guarded
from fanfare.adapters.firestore.defects import note_defect
from fanfare.adapters.firestore.pages import read_page
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.client import Client
from fanfare.domain.client_reading import read_client
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.identifiers import is_identifier
from fanfare.domain.listing import Page
from fanfare.domain.rotation import is_use_news
from fanfare.ports import Clock, Identifiers

NOTE_SECONDS = 1.0
"""Noting a client's use must not hold its request up."""


class FirestoreClientStore:
    """`clients/{client_id}`, cached for 60 seconds; an unknown id is cached as well, or guessing would cost a read each."""

    def __init__(self, firestore: Firestore, clock: Clock, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cache = ExpiringCache(clock, self._load)
        self._noted: dict[str, date] = {}
        self._lock = threading.Lock()

    def get(self, client_id: str) -> Client | None:
        """Find a client; answers may be up to 60 seconds old."""
        return self._cache.get(client_id) if is_identifier(client_id) else None

    def get_fresh(self, client_id: str) -> Client | None:
        """Find a client as it is stored now."""
        self._cache.forget(client_id)
        return self.get(client_id)

    def create(self, client: Client, audit: AuditEntry | None = None) -> None:
        """Store a new client; Conflict if its id is taken."""
        reference = self._reference(client.id)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**to_document(client), WRITE_ID: write_id})
        if audit is not None:
            add_audit(batch, self._firestore, client.tenant, audit, write_id)
        if commit_guarded(batch, reference, write_id) is None:
            raise Conflict("This client id is taken.")
        self._cache.forget(client.id)

    def update(self, client_id: str, decide: Callable[[Client], Client | None], audit: Trail) -> Client | None:
        """Apply a pure decision to a stored client (None leaves it) with its audit entry in the same commit; returns its state."""

        def decide_fields(snapshot: DocumentSnapshot[Any]) -> Decided[Client | None]:
            before = read_client(client_id, snapshot.to_dict() or {})
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return Decided(before)
            return Decided(after, to_document(after), after.tenant, audit(before, after))

        updated = update_guarded(self._firestore, self._reference(client_id), decide_fields, self._identifiers.new_id)
        self._cache.forget(client_id)
        return updated

    def list(self, tenant: str, limit: int, after: str | None) -> Page[Client]:
        """List a tenant's clients in the order of their ids, those that are revoked included."""
        page = read_page(self._firestore.collection("clients"), [("tenant", "==", tenant)], limit, after, _from_snapshot)
        return Page([client for client in page.items if client is not None], page.next_after)

    def note_use(self, client: Client, at: datetime) -> None:
        """Note that a client was used: at most one write a day from this instance, and none that a request waits for longer than a second."""
        with self._lock:
            if self._noted.get(client.id) == at.date() or not is_use_news(client, at):
                return
            self._noted[client.id] = at.date()
        with suppress(Unavailable), translated():
            self._reference(client.id).update({"last_used_at": at}, retry=None, timeout=NOTE_SECONDS)

    def _load(self, client_id: str) -> Client | None:
        snapshot = read(self._reference(client_id))
        client = _from_snapshot(snapshot)
        if client is not None:
            note_defect(self._firestore, snapshot, "defect", client.defect)
        return client

    def _reference(self, client_id: str) -> DocumentReference:
        return self._firestore.collection("clients").document(client_id)


def _from_snapshot(snapshot: DocumentSnapshot[Any]) -> Client | None:
    fields = fields_of(snapshot)
    return None if fields is None else read_client(snapshot.id, fields)
