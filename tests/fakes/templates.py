"""Templates in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from fanfare.domain.audit import Trail
from fanfare.domain.filters import TemplateFilter
from fanfare.domain.listing import Page
from fanfare.domain.template import KEPT_VERSIONS, Template
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.pages import page_of


class MemoryTemplateStore:
    """`spoil` does what a hand in the console may do."""

    def __init__(self, audit: MemoryAuditStore | None = None) -> None:
        self._audit = audit or MemoryAuditStore()
        self._lock = threading.Lock()
        self._templates: dict[tuple[str, str], Template] = {}
        self._versions: dict[tuple[str, str], dict[int, Template]] = {}

    def spoil(self, tenant: str, name: str, defect: str) -> None:
        self._templates[tenant, name] = replace(self._templates[tenant, name], message={}, defect=defect)

    def get(self, tenant: str, name: str) -> Template | None:
        return self._templates.get((tenant, name))

    def get_fresh(self, tenant: str, name: str, version: int | None = None) -> Template | None:
        return self.get(tenant, name) if version is None else self._versions.get((tenant, name), {}).get(version)

    def create(self, tenant: str, template: Template, audit: Trail) -> bool:
        with self._lock:
            if (tenant, template.name) in self._templates:
                return False
            self._keep(tenant, template)
            self._audit.record(tenant, audit(None, template))
            return True

    def update(self, tenant: str, name: str, decide: Callable[[Template], Template | None], audit: Trail) -> Template | None:
        with self._lock:
            before = self.get(tenant, name)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            self._keep(tenant, after)
            self._versions[tenant, name].pop(after.version - KEPT_VERSIONS, None)
            self._audit.record(tenant, audit(before, after))
            return after

    def delete(self, tenant: str, name: str, audit: Trail) -> bool:
        with self._lock:
            before = self._templates.pop((tenant, name), None)
            if before is None:
                return False
            del self._versions[tenant, name]
            self._audit.record(tenant, audit(before, None))
            return True

    def list(self, tenant: str, filters: TemplateFilter, limit: int, after: str | None) -> Page[Template]:
        return page_of(self._templates, tenant, lambda template: _is_wanted(filters, template), limit, after)

    def _keep(self, tenant: str, template: Template) -> None:
        self._templates[tenant, template.name] = template
        self._versions.setdefault((tenant, template.name), {})[template.version] = template


def _is_wanted(filters: TemplateFilter, template: Template) -> bool:
    return filters.active in (None, template.active) and template.name.startswith(filters.prefix or "")
