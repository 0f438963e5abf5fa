"""Refused authentications in the audit log: one entry for each client and minute, with a counter for each reason."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import Increment

from fanfare.adapters.firestore.audit import to_document
from fanfare.adapters.firestore.client import translated
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.errors import Unavailable
from fanfare.domain.refusal import Refusal, entry_id, minute_of

WAIT_SECONDS = 1.0
PAUSE = timedelta(seconds=1)
MOST_COUNTERS = 1_000
_Key = tuple[str, str, datetime]


class FirestoreRefusalCounter:
    """`tenants/{t}/audit/{hash of client and minute}`.

    What comes in within a second is written together, or a flood of guesses would be a flood of writes; so the last second's count of an instance
    that ends may be missing, and a commit that was re-sent may count twice.
    """

    def __init__(self, firestore: Firestore) -> None:
        self._firestore = firestore
        self._lock = threading.Lock()
        self._pending: dict[_Key, Counter[str]] = {}
        self._written_at: dict[_Key, datetime] = {}

    def count(self, refusal: Refusal, at: datetime) -> None:
        """Count a refusal. What this instance counts within a second is written together; a write that fails is counted again with the next."""
        for key, counts in self._take(refusal, at):
            try:
                self._write(key, counts)
            except Unavailable:
                with self._lock:
                    self._pending.setdefault(key, Counter()).update(counts)

    def _take(self, refusal: Refusal, at: datetime) -> list[tuple[_Key, Counter[str]]]:
        key = (refusal.tenant, refusal.client_id, minute_of(at))
        with self._lock:
            if len(self._pending) + len(self._written_at) > MOST_COUNTERS:
                self._pending, self._written_at = {}, {}
            self._pending.setdefault(key, Counter())[refusal.reason.value] += 1
            due = [waiting for waiting in self._pending if at - self._written_at.get(waiting, at - PAUSE) >= PAUSE]
            self._written_at.update(dict.fromkeys(due, at))
            return [(waiting, self._pending.pop(waiting)) for waiting in due]

    def _write(self, key: _Key, counts: Counter[str]) -> None:
        tenant, client_id, minute = key
        audit_id = entry_id(client_id, minute)
        entry = AuditEntry("authentication.refused", Actor(ActorKind.CLIENT, client_id), minute, (client_id,))
        fields = {**to_document(entry, audit_id), "facts": {reason: Increment(number) for reason, number in counts.items()}}
        with translated():
            reference = collection_of(self._firestore, tenant, "audit").document(audit_id)
            reference.set(fields, merge=True, retry=None, timeout=WAIT_SECONDS)
