"""Removing the locks of an index key that nobody uses any more."""

from __future__ import annotations

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, run_query, translated
from fanfare.adapters.firestore.paths import collection_of


def remove_locks(firestore: Firestore, tenant: str, name: str, *, key_id: str, limit: int) -> int:
    """Remove at most `limit` documents whose ids are hashes under a key; returns how many, 0 when there are none left.

    A hash is base64url behind the key's id and a dot, and every such letter is less than a tilde.
    """
    locks = collection_of(firestore, tenant, name)
    query = locks.order_by(FieldPath.document_id())
    query = query.start_at({FieldPath.document_id(): locks.document(f"{key_id}.")}).end_at({FieldPath.document_id(): locks.document(f"{key_id}.~")})
    found = run_query(query.limit(limit).select([]))
    batch = firestore.batch()
    for snapshot in found:
        batch.delete(snapshot.reference)
    if found:
        with translated():
            batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
    return len(found)
