"""A listener for the time of a tenant's newest event: one document, whatever comes, so that it costs no memory and a burst hardly a read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot, FieldFilter, Query

from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.buckets import BUCKETS


class FirestoreEventListener:
    """Calls `heard` with the time of the newest event, at first and whenever it changes, in a thread of the client's."""

    def __init__(self, firestore: Firestore, tenant: str, heard: Callable[[datetime], None]) -> None:
        newest = collection_of(firestore, tenant, "events").where(filter=FieldFilter("bucket", "in", list(range(BUCKETS))))
        self._heard = heard
        self._watch = newest.order_by("created_at", direction=Query.DESCENDING).limit(1).on_snapshot(self._tell)

    @property
    def is_alive(self) -> bool:
        """Whether it would still tell: the client opens a broken connection again by itself, but not one that was refused."""
        return bool(self._watch.is_active)

    def close(self) -> None:
        """End it; may be repeated."""
        self._watch.close()

    def _tell(self, found: Sequence[DocumentSnapshot[Any]], _changes: object, _read_time: object) -> None:
        for snapshot in found:
            self._heard(snapshot.get("created_at"))
