"""The sums of notifications of many chunks in Firestore: `progress/{stage}-{part}`, which each chunk's end increments in its own commit."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, Increment
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.chunk_documents import ChunkDocuments
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, read_all, translated
from fanfare.adapters.firestore.commits import REFUSALS, WRITE_ID, Decided, commit_guarded, update_guarded
from fanfare.adapters.firestore.event_documents import add_events
from fanfare.adapters.firestore.notification_mapping import dead_letter_to_document, notification_from_document, update_to_document
from fanfare.adapters.firestore.paths import chunk_reference, dead_letter_reference, notification_reference
from fanfare.adapters.firestore.progress_mapping import increments_of, sums_from_document
from fanfare.adapters.firestore.replacing import ReplacingBatch
from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry
from fanfare.domain.broadcast_progress import Part, Progress, Sums, add_sums, part_of, parts_of
from fanfare.domain.chunk import Chunk, count_chunk
from fanfare.domain.dead_letter import DeadLetter
from fanfare.domain.event import Event
from fanfare.domain.notification import Notification
from fanfare.ports import Clock, Identifiers

RECENT = timedelta(seconds=1)
_MOST_KEPT = 100


class _Told(NamedTuple):
    """What is stored with a chunk's end beside its sums."""

    dead_letter: DeadLetter | None = None
    events: Sequence[Event] = ()


class FirestoreProgressStore:
    """`…/notifications/{id}/progress/{stage}-{part}`."""

    def __init__(self, firestore: Firestore, clock: Clock, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._clock = clock
        self._identifiers = identifiers
        self._documents = ChunkDocuments(firestore, cipher)
        self._lock = threading.Lock()
        self._recent: dict[tuple[str, str, str], tuple[datetime, Progress]] = {}

    def conclude(self, chunk: Chunk, part: Part, dead_letter: DeadLetter | None = None, *, events: Sequence[Event] = ()) -> int | None:
        """Store a pass's end, its dead letter, its events, and what it changes of the sums; returns how many chunks of the part are final then."""
        told = _Told(dead_letter, events)
        done = self._store(chunk, part, told, self._documents.update)
        if done is None and (held := self._documents.held(chunk)) is not None:
            done = self._store(replace(chunk, revision=held.revision), part, told, self._documents.update)
        return done

    def create_ended(self, chunk: Chunk, part: Part) -> int | None:
        """Store a chunk that nobody has claimed, and what it adds to the sums; None if it has been claimed."""
        return self._store(chunk, part, _Told(), self._documents.create)

    def note_ended(self, tenant: str, notification_id: str, stage: int) -> int:
        """Note that a part of a stage has come to its end. Nothing guards it: noted twice, a stage is looked at too early, which is found then."""
        reference = notification_reference(self._firestore, tenant, notification_id)
        field = FieldPath("ended_parts", str(stage)).to_api_repr()
        with translated():
            written = reference.update({field: Increment(1)}, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
        return int(written.transform_results[0].integer_value)

    def read_progress(self, notification: Notification) -> Progress:
        """The sums of each stage."""
        return self._read([notification])[0]

    def recent_progress(self, notifications: Sequence[Notification]) -> list[Progress]:
        """The same of several notifications, in their order; answers may be a second old."""
        now = self._clock.now()
        with self._lock:
            self._recent = {place: kept for place, kept in self._recent.items() if now - kept[0] < RECENT}
            known = dict(self._recent)
        missing = [notification for notification in notifications if _place(notification) not in known]
        found = {_place(notification): (now, progress) for notification, progress in zip(missing, self._read(missing), strict=True)}
        with self._lock:
            self._recent.update(list(found.items())[: max(0, _MOST_KEPT - len(self._recent))])
        return [(found | known)[_place(notification)][1] for notification in notifications]

    def settle(
        self,
        tenant: str,
        notification_id: str,
        decide: Callable[[Notification, Progress], Notification | None],
        *,
        announce: Announcer | None = None,
    ) -> Notification | None:
        """Apply a pure decision to a notification and its sums, which are read after it: what takes from them writes the notification as well."""

        def decide_fields(snapshot: DocumentSnapshot[Any]) -> Decided[Notification]:
            stored = notification_from_document(tenant, notification_id, snapshot.to_dict() or {}, snapshot.update_time)
            decided = decide(stored, self.read_progress(stored))
            if decided is None:
                return Decided(stored)
            return Decided(decided, update_to_document(decided), tenant, events=announce(stored, decided) if announce is not None else ())

        reference = notification_reference(self._firestore, tenant, notification_id)
        return update_guarded(self._firestore, reference, decide_fields, self._identifiers.new_id)

    def replay(self, notification: Notification, chunks: Sequence[Chunk], letters: Sequence[DeadLetter], audit: AuditEntry) -> bool:
        """Store that chunks are to be sent again, with the notification and its sums, in one commit."""
        batch, write_id = ReplacingBatch(self._firestore), self._identifiers.new_id()
        reference = notification_reference(self._firestore, notification.tenant, notification.id)
        guard = self._firestore.write_option(last_update_time=notification.revision)
        batch.update(reference, {**update_to_document(notification), WRITE_ID: write_id}, guard)
        changes: dict[Part, list[Sums]] = defaultdict(list)
        for chunk in chunks:
            counted, change = count_chunk(chunk)
            self._documents.update(batch, counted, write_id)
            if notification.layout is not None:
                changes[part_of(notification.layout, chunk.key.number)].append(change)
        for part, sums in changes.items():
            self._add(batch, notification.tenant, notification.id, part, add_sums(sums))
        for letter in letters:
            batch.set(dead_letter_reference(self._firestore, notification.tenant, letter.id), dead_letter_to_document(letter))
        add_audit(batch, self._firestore, notification.tenant, audit, write_id)
        return commit_guarded(batch, reference, write_id) is not None

    def _store(self, chunk: Chunk, part: Part, told: _Told, put: Callable[[ReplacingBatch, Chunk, str], None]) -> int | None:
        batch, write_id = ReplacingBatch(self._firestore), self._identifiers.new_id()
        key = chunk.key
        counted, change = count_chunk(chunk)
        put(batch, counted, write_id)
        self._add(batch, key.tenant, key.notification_id, part, change)
        if told.dead_letter is not None:
            batch.set(dead_letter_reference(self._firestore, key.tenant, told.dead_letter.id), dead_letter_to_document(told.dead_letter))
        add_events(batch, self._firestore, told.events, write_id)
        with translated():
            try:
                # Firestore answers with what each increment came to, in their order: `done` is the first.
                results = batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)[1].transform_results
                return int(results[0].integer_value)
            except REFUSALS:
                stored = fields_of(read(chunk_reference(self._firestore, key)))
        if (stored or {}).get(WRITE_ID) != write_id:
            return None
        sums = fields_of(read(self._part(key.tenant, key.notification_id, part)))
        return sums_from_document(sums or {}).done

    def _add(self, batch: ReplacingBatch, tenant: str, notification_id: str, part: Part, change: Sums) -> None:
        batch.merge(self._part(tenant, notification_id, part), *increments_of(part, change))

    def _read(self, notifications: Sequence[Notification]) -> list[Progress]:
        laid_out = [
            (notification, [parts_of(notification.layout, stage) for stage in range(len(notification.layout.stages))] if notification.layout else [])
            for notification in notifications
        ]
        references = [self._part(row.tenant, row.id, part) for row, stages in laid_out for stage in stages for part in stage]
        sums = iter([sums_from_document(fields_of(snapshot) or {}) for snapshot in read_all(self._firestore, references)])
        return [Progress(tuple(add_sums([next(sums) for _ in stage]) for stage in stages)) for _, stages in laid_out]

    def _part(self, tenant: str, notification_id: str, part: Part) -> DocumentReference:
        reference: DocumentReference = notification_reference(self._firestore, tenant, notification_id).collection("progress").document(part.name)
        return reference


def _place(notification: Notification) -> tuple[str, str, str]:
    # By its status too: sums from before it was paused would contradict what it was paused for.
    return notification.tenant, notification.id, notification.status
