"""Tenants in Firestore, and their data keys: wrapped by the deployment's key, unwrapped once per instance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, FieldFilter

from fanfare.adapters.deployment_keys import DeploymentKeys
from fanfare.adapters.expiring import FRESH, ExpiringCache
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import fields_of, read, run_query
from fanfare.adapters.firestore.commits import WRITE_ID, Decided, commit_guarded, update_guarded
from fanfare.adapters.firestore.data_keys import DataKeyDocuments
from fanfare.adapters.firestore.defects import note_defect
from fanfare.adapters.firestore.pages import read_page
from fanfare.adapters.firestore.paths import tenant_reference
from fanfare.adapters.firestore.tenant_mapping import believed, from_document, to_document
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.credential import is_project_id
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.identifiers import is_identifier
from fanfare.domain.listing import Page
from fanfare.domain.tenant import Tenant
from fanfare.domain.tenant_keys import IndexKeys
from fanfare.ports import Clock, Identifiers

VERSION = 1


class FirestoreTenantStore:
    """`tenants/{t}`, `tenants/{t}/keys/{id}` and `projects/{firebase project}`; tenants are cached for 60 seconds, keys for the instance's life."""

    def __init__(
        self, firestore: Firestore, clock: Clock, identifiers: Identifiers, keys: DeploymentKeys, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._keys = DataKeyDocuments(firestore, keys, random_bytes)
        self._cache = ExpiringCache(clock, self._load)
        self._owners = ExpiringCache(clock, self._load_owner)

    def get(self, tenant: str) -> Tenant | None:
        """Find a tenant; answers may be up to 60 seconds old."""
        return self._cache.get(tenant) if is_identifier(tenant) else None

    def create(self, tenant: Tenant, audit: AuditEntry | None = None) -> None:
        """Store a new tenant with its first data key and, if it has a credential, as its project's owner; Conflict if its id or project is taken."""
        reference = tenant_reference(self._firestore, tenant.id)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**to_document(tenant), WRITE_ID: write_id})
        batch.create(self._keys.reference(tenant.id, tenant.data_key_id), self._keys.fresh(tenant.id, tenant.data_key_id, tenant.created_at))
        if tenant.credential_version is not None:
            batch.create(self._project_reference(tenant.firebase_project_id), {**_ownership(tenant.id, tenant.created_at), WRITE_ID: write_id})
        if audit is not None:
            add_audit(batch, self._firestore, tenant.id, audit, self._identifiers.new_id())
        if commit_guarded(batch, reference, write_id) is None:
            raise Conflict("This tenant id or its Firebase project is taken.")
        self._cache.forget(tenant.id)
        self._owners.forget(tenant.firebase_project_id)

    def claim_project(self, tenant: Tenant, at: datetime) -> None:
        """Make a tenant the owner of its Firebase project, for ever; Conflict if another one is."""
        write_id = self._identifiers.new_id()
        reference = self._project_reference(tenant.firebase_project_id)
        batch = self._firestore.batch()
        batch.create(reference, {**_ownership(tenant.id, at), WRITE_ID: write_id})
        created = commit_guarded(batch, reference, write_id) is not None
        self._owners.forget(tenant.firebase_project_id)
        if not created and self.owner_of(tenant.firebase_project_id) != tenant.id:
            raise Conflict("This Firebase project belongs to another tenant.")

    def owner_of(self, project: str) -> str | None:
        """The tenant that owns a Firebase project; answers may be up to 60 seconds old."""
        return self._owners.get(project) if is_project_id(project) else None

    def forget(self, tenant: str) -> None:
        """Drop what this instance knows of a tenant, after another store has changed its document."""
        self._cache.forget(tenant)

    def get_fresh(self, tenant: str) -> Tenant | None:
        """Find a tenant as it is stored now."""
        self._cache.forget(tenant)
        return self.get(tenant)

    def update(self, tenant: str, decide: Callable[[Tenant], Tenant | None], audit: Trail | None = None) -> Tenant | None:
        """Apply a pure decision to the stored tenant (None leaves it), with an audit entry in the same commit; returns its state."""

        def decide_fields(snapshot: DocumentSnapshot[Any]) -> Decided[Tenant]:
            before = from_document(tenant, snapshot.to_dict() or {})
            after = decide(before)
            if after is None:
                return Decided(before)
            return Decided(after, believed(to_document(after), after), tenant, audit(before, after) if audit else None)

        updated = update_guarded(self._firestore, tenant_reference(self._firestore, tenant), decide_fields, self._identifiers.new_id)
        self._cache.forget(tenant)
        return updated

    def list(self, limit: int, after: str | None) -> Page[Tenant]:
        """List tenants in the order of their ids."""
        return read_page(self._firestore.collection("tenants"), [], limit, after, lambda found: from_document(found.id, found.to_dict() or {}))

    def find_needing_attention(self, now: datetime, limit: int) -> Sequence[Tenant]:
        """Find the tenants that the schedule tick must look at by `now`."""
        query = self._firestore.collection("tenants").where(filter=FieldFilter("attention_at", "<=", now))
        return [from_document(found.id, found.to_dict() or {}) for found in run_query(query.order_by("attention_at").limit(limit))]

    def list_pinging(self, limit: int, after: str | None) -> Page[Tenant]:
        """List the tenants whose devices are pinged, in the order of their ids."""
        pinging = [("keepalive.enabled", "==", True)]
        return read_page(self._firestore.collection("tenants"), pinging, limit, after, lambda found: from_document(found.id, found.to_dict() or {}))

    def find_rotating(self, now: datetime, limit: int) -> Sequence[Tenant]:
        """Find the tenants whose rotation of keys goes on by `now`, the longest waiting first."""
        query = self._firestore.collection("tenants").where(filter=FieldFilter("rotation_due_at", "<=", now))
        return [from_document(found.id, found.to_dict() or {}) for found in run_query(query.order_by("rotation_due_at").limit(limit))]

    def current(self, tenant: str) -> str:
        """The id of the data key that new values are sealed with."""
        return self._up_to_date(tenant).data_key_id

    def key(self, tenant: str, key_id: str) -> bytes:
        """A data key, unwrapped; Unavailable if it can't be read."""
        return self._keys.key(tenant, key_id)

    def add_data_key(self, tenant: str, key_id: str, at: datetime) -> None:
        """Store a new data key, which is not used yet; one of this id that is there already stays."""
        self._keys.add(tenant, key_id, at)

    def settle_data_keys(self, tenant: str, current: str, at: datetime) -> None:
        """Note of every data key but the current one that it is retired, and wrap all of them by the newest version of the deployment's key."""
        self._keys.settle(tenant, current, at)

    def config_version(self, tenant: str) -> int:
        """The version of a tenant's configuration, at most 60 seconds old; what is kept of the tenant under another one is read anew."""
        found = self.get(tenant)
        return 0 if found is None else found.config_version

    def index_keys(self, tenant: str) -> IndexKeys:
        """The keys of a tenant's blind index."""
        return self._up_to_date(tenant).index

    def _up_to_date(self, tenant: str) -> Tenant:
        """A tenant as it was at most 60 seconds ago: a rotation of keys waits for no instance that goes by older ones."""
        found = self._cache.get(tenant, stale=FRESH)
        if found is None:
            raise Unavailable("This tenant has no keys.")
        return found

    def _load(self, tenant: str) -> Tenant | None:
        snapshot = read(tenant_reference(self._firestore, tenant))
        fields = fields_of(snapshot)
        if fields is None:
            return None
        found = from_document(tenant, fields)
        note_defect(self._firestore, snapshot, "defects", dict(found.defects))
        return found

    def _load_owner(self, project: str) -> str | None:
        fields = fields_of(read(self._project_reference(project)))
        return str(fields["tenant"]) if fields else None

    def _project_reference(self, project: str) -> DocumentReference:
        return self._firestore.collection("projects").document(project)


def _ownership(tenant: str, at: datetime) -> dict[str, Any]:
    return {"v": VERSION, "tenant": tenant, "created_at": at}
