"""Answers given under an Idempotency-Key: a created document is the lock, its TTL field ends it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from google.api_core.exceptions import FailedPrecondition, NotFound
from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, translated
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.errors import IdempotencyInProgress
from fanfare.domain.idempotency import KEPT, Attempt, StoredAnswer, decide_replay
from fanfare.ports import Identifiers

VERSION = 1


class FirestoreIdempotencyStore:
    """`tenants/{t}/idempotency/{hash of client, route and key}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def begin(self, tenant: str, attempt: Attempt) -> StoredAnswer | None:
        """Reserve a key. Returns what is stored under it instead; None means that the request is ours to perform."""
        reference = self._reference(tenant, attempt.key_hash)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**_reservation(attempt), WRITE_ID: write_id})
        if commit_guarded(batch, reference, write_id) is not None:
            return None
        snapshot = read(reference)
        replay = decide_replay(_stored(fields_of(snapshot)), attempt)
        if replay is None and snapshot.exists:
            self._take_over(reference, attempt, snapshot.update_time)
        return replay

    def finish(self, tenant: str, key_hash: str, answer: StoredAnswer) -> None:
        """Keep the answer for replays."""
        with translated():
            kept = {"status": answer.status, "body": json.dumps(answer.body)}
            self._reference(tenant, key_hash).update(kept, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def abandon(self, tenant: str, attempt: Attempt) -> None:
        """Release a key whose request changed nothing, so that it may be used again; not if another request has taken it over by now."""
        reference = self._reference(tenant, attempt.key_hash)
        snapshot = read(reference)
        stored = _stored(fields_of(snapshot))
        if stored is None or stored.status or stored.reserved_at != attempt.at:
            return
        batch = self._firestore.batch()
        batch.delete(reference, self._firestore.write_option(last_update_time=snapshot.update_time))
        with translated(), suppress(FailedPrecondition, NotFound):
            batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def _take_over(self, reference: DocumentReference, attempt: Attempt, revision: object) -> None:
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.update(reference, {**_reservation(attempt), WRITE_ID: write_id}, self._firestore.write_option(last_update_time=revision))
        if commit_guarded(batch, reference, write_id) is None:
            raise IdempotencyInProgress("Another request with this Idempotency-Key has just begun.")

    def _reference(self, tenant: str, key_hash: str) -> DocumentReference:
        return collection_of(self._firestore, tenant, "idempotency").document(key_hash)


def _reservation(attempt: Attempt) -> dict[str, Any]:
    fields = {"v": VERSION, "request_hash": attempt.request_hash, "status": 0, "body": None, "reserved_at": attempt.at}
    return {**fields, "expires_at": attempt.at + KEPT}


def _stored(fields: dict[str, Any] | None) -> StoredAnswer | None:
    if fields is None:
        return None
    body = json.loads(fields["body"]) if fields["body"] else None
    return StoredAnswer(fields["request_hash"], fields["status"], body, fields["reserved_at"])
