"""Templates in Firestore, each with its last versions below it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import CollectionReference, DocumentReference, WriteBatch
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.expiring import ExpiringCache
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, read, run_query, translated
from fanfare.adapters.firestore.commits import REFUSALS, TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.defects import note_defect
from fanfare.adapters.firestore.pages import LAST, read_page
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.template_mapping import from_snapshot, from_version, to_document, version_to_document
from fanfare.domain.audit import Trail
from fanfare.domain.filters import TemplateFilter
from fanfare.domain.listing import Page
from fanfare.domain.template import KEPT_VERSIONS, Template, is_template_name
from fanfare.ports import Clock, Identifiers


class _Kept(NamedTuple):
    """What was read, and under which version of its tenant's configuration."""

    config_version: int
    template: Template | None


class FirestoreTemplateStore:
    """`tenants/{t}/templates/{name}` and `…/versions/{n}`; cached for 60 seconds, or until the tenant's configuration has a new version."""

    def __init__(self, firestore: Firestore, clock: Clock, identifiers: Identifiers, config_version: Callable[[str], int]) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._config_version = config_version
        self._cache: ExpiringCache[tuple[str, str], _Kept] = ExpiringCache(clock, self._load)

    def get(self, tenant: str, name: str) -> Template | None:
        """Find a template; answers may be up to 60 seconds old, but one that is not there is looked for again."""
        if not is_template_name(name):
            return None
        key = (tenant, name)
        found = self._cache.get(key)
        if found.config_version != self._config_version(tenant):
            self._cache.forget(key)
            found = self._cache.get(key)
        if found.template is None:
            self._cache.forget(key)
        return found.template

    def get_fresh(self, tenant: str, name: str, version: int | None = None) -> Template | None:
        """Find a template as it is stored now, or one of its kept versions."""
        if not is_template_name(name):
            return None
        reference = self._reference(tenant, name)
        if version is None:
            snapshot = read(reference)
            return from_snapshot(name, snapshot) if snapshot.exists else None
        kept = read(reference.collection("versions").document(str(version)))
        return from_version(name, kept) if kept.exists else None

    def create(self, tenant: str, template: Template, audit: Trail) -> bool:
        """Store a new template with its first version; False if its name is taken."""
        reference = self._reference(tenant, template.name)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**to_document(template), WRITE_ID: write_id})
        self._add_version(batch, reference, template)
        add_audit(batch, self._firestore, tenant, audit(None, template), write_id)
        stored = commit_guarded(batch, reference, write_id) is not None
        self._cache.forget((tenant, template.name))
        return stored

    def update(self, tenant: str, name: str, decide: Callable[[Template], Template | None], audit: Trail) -> Template | None:
        """Apply a pure decision (None leaves the template) and keep its new version; returns its state, or None if there is none of this name."""

        def write(batch: WriteBatch, before: Template, revision: object, write_id: str) -> Template | None:
            after = decide(before)
            if after is None:
                return None
            reference = self._reference(tenant, name)
            batch.update(reference, {**to_document(after), WRITE_ID: write_id}, self._firestore.write_option(last_update_time=revision))
            self._add_version(batch, reference, after)
            if after.version > KEPT_VERSIONS:
                batch.delete(reference.collection("versions").document(str(after.version - KEPT_VERSIONS)))
            add_audit(batch, self._firestore, tenant, audit(before, after), write_id)
            return after

        return self._change(tenant, name, write)

    def delete(self, tenant: str, name: str, audit: Trail) -> bool:
        """Delete a template with all its versions; False if there is none of this name."""

        def write(batch: WriteBatch, before: Template, revision: object, write_id: str) -> Template:
            reference = self._reference(tenant, name)
            add_audit(batch, self._firestore, tenant, audit(before, None), write_id)
            batch.delete(reference, self._firestore.write_option(last_update_time=revision))
            for version in run_query(reference.collection("versions").select([]).limit(5 * KEPT_VERSIONS)):
                batch.delete(version.reference)
            return before

        return self._change(tenant, name, write) is not None

    def list(self, tenant: str, filters: TemplateFilter, limit: int, after: str | None) -> Page[Template]:
        """List templates in the order of their names."""
        collection = self._collection(tenant)
        wanted: list[tuple[str, str, Any]] = [("active", "==", filters.active)]
        if filters.prefix is not None:
            id_path = FieldPath.document_id()
            wanted += [(id_path, ">=", collection.document(filters.prefix)), (id_path, "<", collection.document(filters.prefix + LAST))]
        return read_page(collection, wanted, limit, after, lambda snapshot: from_snapshot(snapshot.id, snapshot))

    def _change(self, tenant: str, name: str, write: Callable[[WriteBatch, Template, object, str], Template | None]) -> Template | None:
        """Read a template and commit what `write` puts into a batch, guarded by what was read; a lost race begins again."""
        if not is_template_name(name):
            return None
        reference = self._reference(tenant, name)
        for _ in range(TRIES):
            snapshot = read(reference)
            if not snapshot.exists:
                return None
            before, write_id, batch = from_snapshot(name, snapshot), self._identifiers.new_id(), self._firestore.batch()
            after = write(batch, before, snapshot.update_time, write_id)
            if after is None:
                return before
            stored = self._commit(batch, tenant, write_id)
            self._cache.forget((tenant, name))
            if stored:
                return after
        raise lost_races()

    def _commit(self, batch: WriteBatch, tenant: str, write_id: str) -> bool:
        """Commit. A refusal is looked into: the entry of the audit log, written in the same commit, proves that an earlier sending succeeded."""
        with translated():
            try:
                batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
            except REFUSALS:
                return bool(read(collection_of(self._firestore, tenant, "audit").document(write_id)).exists)
        return True

    def _load(self, key: tuple[str, str]) -> _Kept:
        tenant, name = key
        # The version is looked at first: a template that is read after it is at least as new.
        config_version = self._config_version(tenant)
        snapshot = read(self._reference(tenant, name))
        if not snapshot.exists:
            return _Kept(config_version, None)
        template = from_snapshot(name, snapshot)
        note_defect(self._firestore, snapshot, "defect", template.defect)
        return _Kept(config_version, template)

    def _add_version(self, batch: WriteBatch, reference: DocumentReference, template: Template) -> None:
        batch.set(reference.collection("versions").document(str(template.version)), version_to_document(template))

    def _reference(self, tenant: str, name: str) -> DocumentReference:
        return self._collection(tenant).document(name)

    def _collection(self, tenant: str) -> CollectionReference:
        return collection_of(self._firestore, tenant, "templates")
