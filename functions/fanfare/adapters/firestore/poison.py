"""Tasks that can't be performed: kept for a month, so that a refusal is a stored fact and not a line in a log."""

from __future__ import annotations

from datetime import datetime, timedelta

from google.cloud.firestore import Client

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, translated
from fanfare.domain.identifiers import hash_identifier

VERSION = 1
KEPT = timedelta(days=30)


class FirestorePoisonStore:
    """`poison/{hash of function and task}`: a repeated task is one document."""

    def __init__(self, firestore: Client) -> None:
        self._firestore = firestore

    def record(self, function: str, task: str, reason: str, at: datetime) -> None:
        """Keep that a task was refused, and why; its body is not kept."""
        fields = {"v": VERSION, "function": function, "task": task, "reason": reason, "at": at, "expires_at": at + KEPT}
        with translated():
            self._firestore.collection("poison").document(hash_identifier(function, task)).set(fields, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
