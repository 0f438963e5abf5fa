"""Removing documents that nobody writes any more, as many as there are."""

from __future__ import annotations

from collections.abc import Iterable

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, translated
from fanfare.domain.batches import split

REMOVED_PER_COMMIT = 400


def remove_documents(firestore: Firestore, references: Iterable[DocumentReference]) -> int:
    """Remove documents, unguarded: to remove one twice is to remove it once. Returns how many they are."""
    doomed = list(references)
    for piece in split(doomed, REMOVED_PER_COMMIT):
        batch = firestore.batch()
        for reference in piece:
            batch.delete(reference)
        with translated():
            batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
    return len(doomed)
