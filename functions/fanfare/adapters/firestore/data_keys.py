"""The tenants' data keys in Firestore: wrapped by a key of the deployment, unwrapped once per instance."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from google.api_core.exceptions import AlreadyExists, FailedPrecondition
from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot

from fanfare.adapters.deployment_keys import DATA_KEY, DeploymentKeys
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, run_query, translated
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.key_wrapping import KeyWrapping
from fanfare.adapters.kms import WrappedKey
from fanfare.domain.errors import Unavailable

VERSION = 1
DATA_KEY_BYTES = 32


class DataKeyDocuments:
    """`tenants/{t}/keys/{id}`."""

    def __init__(self, firestore: Firestore, keys: DeploymentKeys, random_bytes: Callable[[int], bytes]) -> None:
        self._firestore = firestore
        self._wrapping = KeyWrapping(keys, random_bytes)
        self._random_bytes = random_bytes
        self._unwrapped: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    def key(self, tenant: str, key_id: str) -> bytes:
        """A data key, unwrapped; Unavailable if it can't be read."""
        cached = self._unwrapped.get((tenant, key_id))
        if cached is None:
            cached = self._unwrap(tenant, key_id, fields_of(read(self.reference(tenant, key_id))))
            with self._lock:
                self._unwrapped[tenant, key_id] = cached
        return cached

    def fresh(self, tenant: str, key_id: str, at: datetime) -> dict[str, Any]:
        """The document of a new data key."""
        wrapped = self._wrapped(tenant, key_id, self._random_bytes(DATA_KEY_BYTES))
        return {"v": VERSION, **wrapped, "created_at": at, "retired_at": None}

    def add(self, tenant: str, key_id: str, at: datetime) -> None:
        """Store a new data key; one of this id that is there already stays."""
        with translated(), suppress(AlreadyExists):
            self.reference(tenant, key_id).create(self.fresh(tenant, key_id, at), retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def settle(self, tenant: str, current: str, at: datetime) -> None:
        """Note of every key but the current one that it is retired, and wrap all of them by what wraps new ones now, in its newest version."""
        newest = self._wrapping.newest()
        query = collection_of(self._firestore, tenant, "keys").select(["wrapped", "wrapping_key", "wrapping_key_version", "retired_at"])
        for snapshot in run_query(query):
            changes = self._changes(tenant, snapshot, newest, None if snapshot.id == current else at)
            if changes:
                guard = self._firestore.write_option(last_update_time=snapshot.update_time)
                with translated(), suppress(FailedPrecondition):  # Another call has just done it.
                    snapshot.reference.update(changes, guard, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def reference(self, tenant: str, key_id: str) -> DocumentReference:
        """Where a key stands."""
        return collection_of(self._firestore, tenant, "keys").document(key_id)

    def _changes(self, tenant: str, snapshot: DocumentSnapshot[Any], newest: tuple[str, str], retired_at: datetime | None) -> dict[str, Any]:
        fields = snapshot.to_dict() or {}
        retired = {"retired_at": retired_at} if retired_at is not None and fields.get("retired_at") is None else {}
        stored = _stored(fields)
        if (stored.by, stored.version) == newest:
            return retired
        return {**retired, **self._wrapped(tenant, snapshot.id, self._wrapping.unwrap(stored, _place(tenant, snapshot.id)))}

    def _wrapped(self, tenant: str, key_id: str, key: bytes) -> dict[str, Any]:
        wrapped = self._wrapping.wrap(key, _place(tenant, key_id))
        return {"wrapped": wrapped.sealed, "wrapping_key": wrapped.by, "wrapping_key_version": wrapped.version}

    def _unwrap(self, tenant: str, key_id: str, fields: dict[str, Any] | None) -> bytes:
        if fields is None:
            raise Unavailable("A data key is missing.")
        return self._wrapping.unwrap(_stored(fields), _place(tenant, key_id))


def _stored(fields: dict[str, Any]) -> WrappedKey:
    """A wrapped key out of its document; one that does not say by what it is wrapped is older than the choice."""
    return WrappedKey(fields["wrapped"], fields.get("wrapping_key", DATA_KEY), fields["wrapping_key_version"])


def _place(tenant: str, key_id: str) -> str:
    return f"{tenant}/keys/{key_id}/wrapped"
