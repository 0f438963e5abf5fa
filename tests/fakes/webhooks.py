"""Webhooks in memory; what they want stands in the tenant too, as in the real store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from fanfare.domain.audit import Trail
from fanfare.domain.errors import Conflict, NotFound, TooManyWebhooks
from fanfare.domain.event import EventKind
from fanfare.domain.listening import with_webhook
from fanfare.domain.listing import Page
from fanfare.domain.webhook import MOST_WEBHOOKS, Webhook, wanted_kinds
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.pages import page_of
from tests.fakes.tenants import MemoryTenantStore


class MemoryWebhookStore:
    def __init__(self, tenants: MemoryTenantStore, audit: MemoryAuditStore | None = None) -> None:
        self._tenants = tenants
        self._audit = audit or MemoryAuditStore()
        self._lock = threading.Lock()
        self._webhooks: dict[tuple[str, str], Webhook] = {}

    def create(self, webhook: Webhook, audit: Trail) -> None:
        with self._lock:
            if self._tenants.get(webhook.tenant) is None:
                raise NotFound.of("tenant")
            if (webhook.tenant, webhook.id) in self._webhooks:
                raise Conflict("This webhook id is taken.")
            if sum(tenant == webhook.tenant for tenant, _ in self._webhooks) >= MOST_WEBHOOKS:
                raise TooManyWebhooks(f"A tenant has at most {MOST_WEBHOOKS} webhooks.")
            self._keep(webhook)
            self._audit.record(webhook.tenant, audit(None, webhook))

    def get(self, tenant: str, webhook_id: str) -> Webhook | None:
        return self._webhooks.get((tenant, webhook_id))

    def list(self, tenant: str, limit: int, after: str | None, *, active: bool | None = None) -> Page[Webhook]:
        return page_of(self._webhooks, tenant, lambda webhook: active is None or webhook.active is active, limit, after)

    def update(self, tenant: str, webhook_id: str, decide: Callable[[Webhook], Webhook | None], audit: Trail | None = None) -> Webhook | None:
        with self._lock:
            before = self.get(tenant, webhook_id)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            self._keep(after)
            if audit is not None:
                self._audit.record(tenant, audit(before, after))
            return after

    def delete(self, tenant: str, webhook_id: str, audit: Trail) -> bool:
        with self._lock:
            before = self._webhooks.pop((tenant, webhook_id), None)
            if before is None:
                return False
            self._listen(before, frozenset())
            self._audit.record(tenant, audit(before, None))
            return True

    def _keep(self, webhook: Webhook) -> None:
        # Every write stores an object of its own, so that it serves as the revision.
        self._webhooks[webhook.tenant, webhook.id] = replace(webhook)
        self._listen(webhook, wanted_kinds(webhook))

    def _listen(self, webhook: Webhook, kinds: frozenset[EventKind]) -> None:
        self._tenants.update(webhook.tenant, lambda tenant: replace(tenant, listening=with_webhook(tenant.listening, webhook.id, kinds)))
