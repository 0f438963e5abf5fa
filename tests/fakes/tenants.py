"""Tenants in memory. They need no data keys here: nothing is encrypted."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable
from datetime import datetime

from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.listing import Page
from fanfare.domain.tenant import Tenant, attention_at
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.pages import page_of

_TRIES = 8


class MemoryTenantStore:
    def __init__(self, audit: MemoryAuditStore | None = None) -> None:
        self._audit = audit or MemoryAuditStore()
        self._lock = threading.Lock()
        self._tenants: dict[str, Tenant] = {}
        self._owners: dict[str, str] = {}

    def get(self, tenant: str) -> Tenant | None:
        return self._tenants.get(tenant)

    def get_fresh(self, tenant: str) -> Tenant | None:
        return self.get(tenant)

    def create(self, tenant: Tenant, audit: AuditEntry | None = None) -> None:
        with self._lock:
            has_project = tenant.credential_version is not None
            if tenant.id in self._tenants or (has_project and tenant.firebase_project_id in self._owners):
                raise Conflict("This tenant id or its Firebase project is taken.")
            self._tenants[tenant.id] = tenant
            if has_project:
                self._owners[tenant.firebase_project_id] = tenant.id
            if audit is not None:
                self._audit.record(tenant.id, audit)

    def claim_project(self, tenant: Tenant, at: datetime) -> None:
        with self._lock:
            if self._owners.setdefault(tenant.firebase_project_id, tenant.id) != tenant.id:
                raise Conflict("This Firebase project belongs to another tenant.")

    def owner_of(self, project: str) -> str | None:
        return self._owners.get(project)

    def list(self, limit: int, after: str | None) -> Page[Tenant]:
        return page_of({("", tenant.id): tenant for tenant in self._tenants.values()}, "", lambda _: True, limit, after)

    def update(self, tenant: str, decide: Callable[[Tenant], Tenant | None], audit: Trail | None = None) -> Tenant | None:
        for _ in range(_TRIES):
            before = self._tenants.get(tenant)
            after = decide(before) if before else None
            if before is None or after is None:
                return before
            entry = audit(before, after) if audit is not None else None
            with self._lock:
                # Every write stores an object of its own, so that it serves as the revision.
                if self._tenants[tenant] is before:
                    self._tenants[tenant] = after
                    if entry is not None:
                        self._audit.record(tenant, entry)
                    return after
        raise Unavailable("Too many writers change this at once.", retry_after_seconds=1)

    def find_needing_attention(self, now: datetime, limit: int) -> builtins.list[Tenant]:
        waiting = [(at, tenant) for tenant in self._tenants.values() if (at := attention_at(tenant)) is not None and at <= now]
        return [tenant for _, tenant in sorted(waiting, key=lambda row: row[0])][:limit]

    def list_pinging(self, limit: int, after: str | None) -> Page[Tenant]:
        tenants = {("", tenant.id): tenant for tenant in self._tenants.values()}
        return page_of(tenants, "", lambda tenant: tenant.settings.keepalive.enabled, limit, after)

    def find_rotating(self, now: datetime, limit: int) -> builtins.list[Tenant]:
        due = [(tenant.rotation.due_at, tenant) for tenant in self._tenants.values() if tenant.rotation and tenant.rotation.due_at <= now]
        return [tenant for _, tenant in sorted(due, key=lambda row: row[0])][:limit]

    def add_data_key(self, tenant: str, key_id: str, at: datetime) -> None:
        """Nothing is sealed in memory, so there is no key to keep."""

    def settle_data_keys(self, tenant: str, current: str, at: datetime) -> None:
        """Nothing is sealed in memory, so there is no key to retire."""
