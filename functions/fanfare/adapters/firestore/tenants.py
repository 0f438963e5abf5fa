"""Tenants in Firestore, and their data keys: wrapped by the deployment's key, unwrapped once per instance."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, FieldFilter, WriteBatch

from fanfare.adapters.cipher import NONCE_BYTES, seal, unseal
from fanfare.adapters.deployment_keys import DATA_KEY, DeploymentKeys
from fanfare.adapters.expiring import ExpiringCache
from fanfare.adapters.firestore.client import fields_of, read, run_query
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded, update_guarded
from fanfare.adapters.firestore.paths import collection_of, tenant_reference
from fanfare.adapters.firestore.tenant_mapping import audit_to_document, from_document, to_document
from fanfare.domain.audit import AuditEntry
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.identifiers import is_identifier
from fanfare.domain.tenant import Tenant
from fanfare.ports import Clock, Identifiers

VERSION = 1
DATA_KEY_BYTES = 32


class FirestoreTenantStore:
    """`tenants/{t}` and `tenants/{t}/keys/{id}`; tenants are cached for 60 seconds, keys for the instance's life."""

    def __init__(
        self, firestore: Firestore, clock: Clock, identifiers: Identifiers, keys: DeploymentKeys, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._deployment = keys
        self._random_bytes = random_bytes
        self._cache = ExpiringCache(clock, self._load)
        self._unwrapped: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    def get(self, tenant: str) -> Tenant | None:
        """Find a tenant; answers may be up to 60 seconds old."""
        return self._cache.get(tenant) if is_identifier(tenant) else None

    def create(self, tenant: Tenant) -> None:
        """Store a new tenant together with its first data key; Conflict if its id is taken."""
        reference = tenant_reference(self._firestore, tenant.id)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**to_document(tenant), WRITE_ID: write_id})
        batch.create(self._key_reference(tenant.id, tenant.data_key_id), self._new_key(tenant))
        if commit_guarded(batch, reference, write_id) is None:
            raise Conflict("This tenant id is taken.")
        self._cache.forget(tenant.id)

    def get_fresh(self, tenant: str) -> Tenant | None:
        """Find a tenant as it is stored now."""
        self._cache.forget(tenant)
        return self.get(tenant)

    def update(self, tenant: str, decide: Callable[[Tenant], Tenant | None], audit: AuditEntry | None = None) -> Tenant | None:
        """Apply a pure decision to the stored tenant (None leaves it), with an audit entry in the same commit; returns its state."""

        def decide_fields(snapshot: DocumentSnapshot[Any]) -> tuple[dict[str, Any] | None, Tenant]:
            before = from_document(tenant, snapshot.to_dict() or {})
            after = decide(before)
            return (to_document(after), after) if after is not None else (None, before)

        def add_audit(batch: WriteBatch) -> None:
            if audit is not None:
                reference = collection_of(self._firestore, tenant, "audit").document(self._identifiers.new_id())
                batch.create(reference, audit_to_document(audit))

        updated = update_guarded(self._firestore, tenant_reference(self._firestore, tenant), decide_fields, self._identifiers.new_id, add_audit)
        self._cache.forget(tenant)
        return updated

    def find_needing_attention(self, now: datetime, limit: int) -> list[Tenant]:
        """Find the tenants that the schedule tick must look at by `now`."""
        query = self._firestore.collection("tenants").where(filter=FieldFilter("attention_at", "<=", now))
        return [from_document(found.id, found.to_dict() or {}) for found in run_query(query.order_by("attention_at").limit(limit))]

    def current(self, tenant: str) -> str:
        """The id of the data key that new values are sealed with."""
        found = self.get(tenant)
        if found is None:
            raise Unavailable("This tenant has no data key.")
        return found.data_key_id

    def key(self, tenant: str, key_id: str) -> bytes:
        """A data key, unwrapped; Unavailable if it can't be read."""
        cached = self._unwrapped.get((tenant, key_id))
        if cached is None:
            cached = self._unwrap(tenant, key_id)
            with self._lock:
                self._unwrapped[tenant, key_id] = cached
        return cached

    def _load(self, tenant: str) -> Tenant | None:
        fields = fields_of(read(tenant_reference(self._firestore, tenant)))
        return from_document(tenant, fields) if fields else None

    def _new_key(self, tenant: Tenant) -> dict[str, Any]:
        wrapping = self._deployment.key(DATA_KEY)
        fresh = self._random_bytes(DATA_KEY_BYTES)
        wrapped = seal(wrapping.value, self._random_bytes(NONCE_BYTES), fresh, _place(tenant.id, tenant.data_key_id))
        return {"v": VERSION, "wrapped": wrapped, "wrapping_key_version": wrapping.version, "created_at": tenant.created_at}

    def _unwrap(self, tenant: str, key_id: str) -> bytes:
        fields = fields_of(read(self._key_reference(tenant, key_id)))
        if fields is None:
            raise Unavailable("A data key is missing.")
        wrapping = self._deployment.key(DATA_KEY, fields["wrapping_key_version"])
        return unseal(wrapping.value, fields["wrapped"], _place(tenant, key_id))

    def _key_reference(self, tenant: str, key_id: str) -> DocumentReference:
        return collection_of(self._firestore, tenant, "keys").document(key_id)


def _place(tenant: str, key_id: str) -> str:
    return f"{tenant}/keys/{key_id}/wrapped"
