"""Tenants in memory. They need no data keys here: nothing is encrypted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from fanfare.domain.audit import AuditEntry
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.tenant import Tenant, attention_at

_TRIES = 8


class MemoryTenantStore:
    """`audit` keeps (tenant, entry) of what was stored together with an update."""

    def __init__(self) -> None:
        self.audit: list[tuple[str, AuditEntry]] = []
        self._lock = threading.Lock()
        self._tenants: dict[str, Tenant] = {}

    def get(self, tenant: str) -> Tenant | None:
        return self._tenants.get(tenant)

    def get_fresh(self, tenant: str) -> Tenant | None:
        return self.get(tenant)

    def create(self, tenant: Tenant) -> None:
        with self._lock:
            if tenant.id in self._tenants:
                raise Conflict("This tenant id is taken.")
            self._tenants[tenant.id] = tenant

    def update(self, tenant: str, decide: Callable[[Tenant], Tenant | None], audit: AuditEntry | None = None) -> Tenant | None:
        for _ in range(_TRIES):
            before = self._tenants.get(tenant)
            after = decide(before) if before else None
            if before is None or after is None:
                return before
            with self._lock:
                # Every write stores an object of its own, so that it serves as the revision.
                if self._tenants[tenant] is before:
                    self._tenants[tenant] = after
                    self.audit.extend([(tenant, audit)] if audit else [])
                    return after
        raise Unavailable("Too many writers change this at once.", retry_after_seconds=1)

    def find_needing_attention(self, now: datetime, limit: int) -> list[Tenant]:
        waiting = [(at, tenant) for tenant in self._tenants.values() if (at := attention_at(tenant)) is not None and at <= now]
        return [tenant for _, tenant in sorted(waiting, key=lambda row: row[0])][:limit]
