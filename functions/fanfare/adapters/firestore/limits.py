"""Rate counters in Firestore: one write that increments and answers with the new value."""

from __future__ import annotations

from google.cloud.firestore import Client, Increment

from fanfare.adapters.firestore.client import translated
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.limits import WINDOW, Window

WAIT_SECONDS = 1.0
"""A limiter that is slow costs every request more than one that lets a request through."""


class FirestoreLimitCounter:
    """`tenants/{t}/limits/{client-group-minute-part}`, removed by their TTL field. May over-count a re-sent commit; never under-counts."""

    def __init__(self, firestore: Client) -> None:
        self._firestore = firestore

    def count(self, window: Window) -> int:
        """Count a request and return how many there are in the window's part, itself included; Unavailable if it can't be known in a second."""
        reference = collection_of(self._firestore, window.tenant, "limits").document(window.key)
        fields = {"n": Increment(1), "expires_at": window.started_at + 2 * WINDOW}
        with translated():
            result = reference.set(fields, merge=True, retry=None, timeout=WAIT_SECONDS)
        return int(result.transform_results[0].integer_value)
