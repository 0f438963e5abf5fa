"""The web pages of the tenants in memory."""

from __future__ import annotations

from fanfare.ports import TenantStore


class MemoryOriginStore:
    def __init__(self, tenants: TenantStore) -> None:
        self._tenants = tenants

    def is_listed(self, origin: str) -> bool:
        return any(origin in tenant.settings.cors_origins for tenant in self._tenants.list(1_000, None).items)
