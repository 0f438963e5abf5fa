"""Answers given under an Idempotency-Key: a created document is the lock, its TTL field ends it.

An answer may hold a client's token or a person's name, so it is sealed. Something is sealed with the reservation already: a request whose answer
could not be kept is not performed at all.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from google.api_core.exceptions import FailedPrecondition, NotFound
from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, translated
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.errors import IdempotencyInProgress
from fanfare.domain.idempotency import KEPT, Attempt, StoredAnswer, decide_replay
from fanfare.ports import Identifiers

VERSION = 2


class FirestoreIdempotencyStore:
    """`tenants/{t}/idempotency/{hash of client, route and key}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher

    def begin(self, tenant: str, attempt: Attempt) -> StoredAnswer | None:
        """Reserve a key. Returns what is stored under it instead; None means that the request is ours to perform."""
        reference = self._reference(tenant, attempt.key_hash)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**self._reservation(tenant, attempt), WRITE_ID: write_id})
        if commit_guarded(batch, reference, write_id) is not None:
            return None
        snapshot = read(reference)
        replay = decide_replay(self._stored(tenant, attempt.key_hash, fields_of(snapshot)), attempt)
        if replay is None and snapshot.exists:
            self._take_over(tenant, attempt, snapshot.update_time)
        return replay

    def finish(self, tenant: str, key_hash: str, answer: StoredAnswer) -> None:
        """Keep the answer for replays."""
        body = self._cipher.encrypt(tenant, _place(key_hash), json.dumps(answer.body).encode("utf-8"))
        with translated():
            kept = {"status": answer.status, "body": body}
            self._reference(tenant, key_hash).update(kept, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def abandon(self, tenant: str, attempt: Attempt) -> None:
        """Release a key whose request changed nothing, so that it may be used again; not if another request has taken it over by now."""
        reference = self._reference(tenant, attempt.key_hash)
        snapshot = read(reference)
        stored = self._stored(tenant, attempt.key_hash, fields_of(snapshot))
        if stored is None or stored.status or stored.reserved_at != attempt.at:
            return
        batch = self._firestore.batch()
        batch.delete(reference, self._firestore.write_option(last_update_time=snapshot.update_time))
        with translated(), suppress(FailedPrecondition, NotFound):
            batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def _take_over(self, tenant: str, attempt: Attempt, revision: object) -> None:
        reference, write_id = self._reference(tenant, attempt.key_hash), self._identifiers.new_id()
        batch = self._firestore.batch()
        guard = self._firestore.write_option(last_update_time=revision)
        batch.update(reference, {**self._reservation(tenant, attempt), WRITE_ID: write_id}, guard)
        if commit_guarded(batch, reference, write_id) is None:
            raise IdempotencyInProgress("Another request with this Idempotency-Key has just begun.")

    def _reference(self, tenant: str, key_hash: str) -> DocumentReference:
        return collection_of(self._firestore, tenant, "idempotency").document(key_hash)

    def _reservation(self, tenant: str, attempt: Attempt) -> dict[str, Any]:
        body = self._cipher.encrypt(tenant, _place(attempt.key_hash), b"null")
        fields = {"v": VERSION, "request_hash": attempt.request_hash, "status": 0, "body": body, "reserved_at": attempt.at}
        return {**fields, "expires_at": attempt.at + KEPT}

    def _stored(self, tenant: str, key_hash: str, fields: dict[str, Any] | None) -> StoredAnswer | None:
        if fields is None:
            return None
        body = self._opened(tenant, key_hash, fields["body"]) if fields["status"] else None
        return StoredAnswer(fields["request_hash"], fields["status"], body, fields["reserved_at"])

    def _opened(self, tenant: str, key_hash: str, body: bytes | str) -> object:
        """An answer's body; those of version 1 are text that was not sealed."""
        answer: object = json.loads(body if isinstance(body, str) else self._cipher.decrypt(tenant, _place(key_hash), body))
        return answer


def _place(key_hash: str) -> str:
    return f"idempotency/{key_hash}/body"
