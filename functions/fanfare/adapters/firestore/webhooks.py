"""Webhooks in Firestore. What each wants stands in the tenant's document too, by its id, and changes with it in one commit.

A webhook's own entry there is written, never the whole: two that change at once change two entries. The tenant's other writers write its document
as they read it, guarded by that reading, so that they begin again where a webhook has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.cloud.firestore import DELETE_FIELD, DocumentSnapshot, WriteBatch
from google.cloud.firestore import Client as Firestore
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, read, run_query, translated
from fanfare.adapters.firestore.commits import REFUSALS, TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.pages import read_page
from fanfare.adapters.firestore.paths import collection_of, tenant_reference
from fanfare.adapters.firestore.webhook_mapping import webhook_from_document, webhook_reference, webhook_to_document
from fanfare.domain.audit import Trail
from fanfare.domain.errors import Conflict, NotFound, TooManyWebhooks
from fanfare.domain.event import EventKind
from fanfare.domain.identifiers import is_identifier
from fanfare.domain.listing import Page
from fanfare.domain.webhook import MOST_WEBHOOKS, Webhook, wanted_kinds
from fanfare.ports import Identifiers


class FirestoreWebhookStore:
    """`tenants/{t}/webhooks/{id}`, and `listening` in `tenants/{t}`; `forget` drops what this instance knows of the tenant."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, cipher: FieldCipher, forget: Callable[[str], None]) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher
        self._forget = forget

    def create(self, webhook: Webhook, audit: Trail) -> None:
        """Store a new webhook; Conflict if its id is taken, TooManyWebhooks if the tenant has `MOST_WEBHOOKS`.

        The count holds because every new webhook moves the tenant's document, whose update time guards the commit and was read before.
        """
        reference = webhook_reference(self._firestore, webhook.tenant, webhook.id)
        for _ in range(TRIES):
            tenant = read(tenant_reference(self._firestore, webhook.tenant))
            if not tenant.exists:
                raise NotFound.of("tenant")
            if read(reference).exists:
                raise Conflict("This webhook id is taken.")
            self._check_number(webhook.tenant)
            write_id, batch = self._identifiers.new_id(), self._firestore.batch()
            batch.create(reference, {**webhook_to_document(webhook, self._cipher), WRITE_ID: write_id})
            self._add_listening(batch, webhook, wanted_kinds(webhook), tenant)
            add_audit(batch, self._firestore, webhook.tenant, audit(None, webhook), write_id)
            if self._commit(batch, webhook.tenant, write_id):
                return
        raise lost_races("the tenant's webhooks")

    def get(self, tenant: str, webhook_id: str) -> Webhook | None:
        """Find a webhook as it is stored now."""
        if not is_identifier(webhook_id):
            return None
        snapshot = read(webhook_reference(self._firestore, tenant, webhook_id))
        return self._webhook(tenant, snapshot) if snapshot.exists else None

    def list(self, tenant: str, limit: int, after: str | None, *, active: bool | None = None) -> Page[Webhook]:
        """List a tenant's webhooks in the order of their ids."""
        collection = collection_of(self._firestore, tenant, "webhooks")
        return read_page(collection, [("active", "==", active)], limit, after, lambda found: self._webhook(tenant, found))

    def update(self, tenant: str, webhook_id: str, decide: Callable[[Webhook], Webhook | None], audit: Trail | None = None) -> Webhook | None:
        """Apply a pure decision (None leaves it); returns its state, or None if there is no such webhook. What is written is sealed anew."""
        if not is_identifier(webhook_id):
            return None
        reference = webhook_reference(self._firestore, tenant, webhook_id)
        for _ in range(TRIES):
            snapshot = read(reference)
            if not snapshot.exists:
                return None
            before = self._webhook(tenant, snapshot)
            after = decide(before)
            if after is None:
                return before
            write_id, batch = self._identifiers.new_id(), self._firestore.batch()
            fields = {**webhook_to_document(after, self._cipher), WRITE_ID: write_id}
            batch.update(reference, fields, self._firestore.write_option(last_update_time=snapshot.update_time))
            # Whatever a caller changes also mends an entry that a hand has broken; what an attempt notes leaves the tenant alone.
            concerns_tenant = audit is not None or wanted_kinds(after) != wanted_kinds(before)
            if concerns_tenant:
                self._add_listening(batch, after, wanted_kinds(after))
            if audit is not None:
                add_audit(batch, self._firestore, tenant, audit(before, after), write_id)
            if commit_guarded(batch, reference, write_id) is not None:
                if concerns_tenant:
                    self._forget(tenant)
                return after
        raise lost_races("this webhook")

    def delete(self, tenant: str, webhook_id: str, audit: Trail) -> bool:
        """Remove a webhook; False if there is none. Its deliveries are dropped as they come due."""
        if not is_identifier(webhook_id):
            return False
        reference = webhook_reference(self._firestore, tenant, webhook_id)
        for _ in range(TRIES):
            snapshot = read(reference)
            if not snapshot.exists:
                return False
            before = self._webhook(tenant, snapshot)
            write_id, batch = self._identifiers.new_id(), self._firestore.batch()
            batch.delete(reference, self._firestore.write_option(last_update_time=snapshot.update_time))
            self._add_listening(batch, before, frozenset())
            add_audit(batch, self._firestore, tenant, audit(before, None), write_id)
            if self._commit(batch, tenant, write_id):
                return True
        raise lost_races("this webhook")

    def _check_number(self, tenant: str) -> None:
        stored = run_query(collection_of(self._firestore, tenant, "webhooks").limit(MOST_WEBHOOKS).select([]))
        if len(stored) >= MOST_WEBHOOKS:
            raise TooManyWebhooks(f"A tenant has at most {MOST_WEBHOOKS} webhooks.")

    def _add_listening(self, batch: WriteBatch, webhook: Webhook, kinds: frozenset[EventKind], tenant: DocumentSnapshot[Any] | None = None) -> None:
        """Write a webhook's entry among the tenant's listeners; `tenant` guards the commit where its reading matters."""
        entry = sorted(kind.value for kind in kinds) if kinds else DELETE_FIELD
        path = FieldPath("listening", "webhooks", webhook.id).to_api_repr()
        guard = self._firestore.write_option(last_update_time=tenant.update_time) if tenant is not None else None
        batch.update(tenant_reference(self._firestore, webhook.tenant), {path: entry}, guard)

    def _commit(self, batch: WriteBatch, tenant: str, write_id: str) -> bool:
        """Commit. A refusal is looked into: the entry of the audit log, which is of the same commit, proves that it was stored before."""
        with translated():
            try:
                batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
            except REFUSALS:
                if not read(collection_of(self._firestore, tenant, "audit").document(write_id)).exists:
                    return False
        self._forget(tenant)
        return True

    def _webhook(self, tenant: str, snapshot: DocumentSnapshot[Any]) -> Webhook:
        return webhook_from_document(tenant, snapshot.id, snapshot.to_dict() or {}, self._cipher, snapshot.update_time)
