"""Schedules in Firestore, and the commit that makes an occurrence a notification."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, FieldFilter, WriteBatch

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import read, run_query
from fanfare.adapters.firestore.commits import WRITE_ID, Decided, commit_guarded, update_guarded
from fanfare.adapters.firestore.defects import note_defect
from fanfare.adapters.firestore.new_notifications import add_notification
from fanfare.adapters.firestore.pages import read_newest
from fanfare.adapters.firestore.paths import collection_of, recipients_reference
from fanfare.adapters.firestore.recipients import rows_place
from fanfare.adapters.firestore.recipients import to_document as rows_to_document
from fanfare.adapters.firestore.schedule_mapping import changed_fields, from_snapshot, to_document
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Conflict
from fanfare.domain.filters import ScheduleFilter
from fanfare.domain.identifiers import is_identifier
from fanfare.domain.listing import Page
from fanfare.domain.notification import Notification
from fanfare.domain.packing import pack_recipients
from fanfare.domain.recipient import Recipient
from fanfare.domain.schedule import Schedule
from fanfare.ports import Identifiers


class FirestoreScheduleStore:
    """`tenants/{t}/schedules/{id}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher

    def get(self, tenant: str, schedule_id: str) -> Schedule | None:
        """Find a schedule as it is stored now; what is wrong with a hand's edit is noted in its document."""
        if not is_identifier(schedule_id):
            return None
        snapshot = read(self._reference(tenant, schedule_id))
        if not snapshot.exists:
            return None
        schedule = from_snapshot(tenant, snapshot)
        note_defect(self._firestore, snapshot, "defect", schedule.defect)
        return schedule

    def create(self, schedule: Schedule, audit: Trail) -> None:
        """Store a new schedule; Conflict if its id is taken."""
        reference, write_id = self._reference(schedule.tenant, schedule.id), self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**to_document(schedule), WRITE_ID: write_id})
        add_audit(batch, self._firestore, schedule.tenant, audit(None, schedule), write_id)
        if commit_guarded(batch, reference, write_id) is None:
            raise Conflict("This schedule id is taken.")

    def update(self, tenant: str, schedule_id: str, decide: Callable[[Schedule], Schedule | None], audit: Trail | None = None) -> Schedule | None:
        """Apply a pure decision to a stored schedule (None leaves it); returns its state, or None if there is none of this id."""
        if not is_identifier(schedule_id):
            return None

        def decide_fields(snapshot: DocumentSnapshot[Any]) -> Decided[Schedule]:
            before = from_snapshot(tenant, snapshot)
            after = decide(before)
            if after is None:
                return Decided(before)
            return Decided(after, changed_fields(before, after), tenant, audit(before, after) if audit is not None else None)

        return update_guarded(self._firestore, self._reference(tenant, schedule_id), decide_fields, self._identifiers.new_id)

    def list(self, tenant: str, filters: ScheduleFilter, limit: int, after: str | None) -> Page[Schedule]:
        """List schedules, the newest first."""
        wanted = (
            ("created_at", ">=", filters.created_after),
            ("created_at", "<=", filters.created_before),
            ("status", "==", filters.status.value if filters.status else None),
        )
        collection = collection_of(self._firestore, tenant, "schedules")
        return read_newest(collection, "created_at", wanted, limit=limit, after=after, convert=lambda snapshot: from_snapshot(tenant, snapshot))

    def find_due(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Find, in all tenants, schedules whose next run has come by `now`, the longest overdue first."""
        query = self._firestore.collection_group("schedules").where(filter=FieldFilter("next_run_at", "<=", now))
        found = run_query(query.order_by("next_run_at").limit(limit).select(["next_run_at"]))
        return [(snapshot.reference.parent.parent.id, snapshot.id) for snapshot in found]

    def find_addressed(self, tenant: str, username: str, limit: int) -> Sequence[str]:
        """Find at most `limit` schedules whose request is addressed to a username, by their ids."""
        query = collection_of(self._firestore, tenant, "schedules").where(filter=FieldFilter("usernames", "array_contains", username))
        return [snapshot.id for snapshot in run_query(query.limit(limit).select([]))]

    def put_off(self, schedule: Schedule, at: datetime) -> None:
        """Look at a due schedule again at `at`, unless somebody has changed it since it was read."""
        write_id, batch = self._identifiers.new_id(), self._firestore.batch()
        reference = self._guard(batch, schedule, {"next_run_at": at}, write_id)
        commit_guarded(batch, reference, write_id)

    def fire(
        self, before: Schedule, after: Schedule, notification: Notification | None, rows: Mapping[int, Sequence[Recipient]], audit: AuditEntry
    ) -> bool:
        """Store a schedule's next state and the notification that its occurrence becomes, in one commit; False if nothing was stored."""
        write_id, batch = self._identifiers.new_id(), self._firestore.batch()
        reference = self._guard(batch, before, changed_fields(before, after), write_id)
        if notification is not None:
            add_notification(batch, self._firestore, self._cipher, notification, rows.get(0, ()), write_id=write_id)
            self._add_further_rows(batch, notification, rows)
        add_audit(batch, self._firestore, before.tenant, audit, write_id)
        return commit_guarded(batch, reference, write_id) is not None

    def _guard(self, batch: WriteBatch, read_before: Schedule, fields: dict[str, Any], write_id: str) -> DocumentReference:
        reference = self._reference(read_before.tenant, read_before.id)
        batch.update(reference, {**fields, WRITE_ID: write_id}, self._firestore.write_option(last_update_time=read_before.revision))
        return reference

    def _add_further_rows(self, batch: WriteBatch, notification: Notification, rows: Mapping[int, Sequence[Recipient]]) -> None:
        for number in rows.keys() - {0}:
            key = ChunkKey(notification.tenant, notification.id, number)
            sealed = self._cipher.encrypt(key.tenant, rows_place(key), pack_recipients(rows[number]))
            batch.create(recipients_reference(self._firestore, key), rows_to_document(sealed, len(rows[number])))

    def _reference(self, tenant: str, schedule_id: str) -> DocumentReference:
        return collection_of(self._firestore, tenant, "schedules").document(schedule_id)
