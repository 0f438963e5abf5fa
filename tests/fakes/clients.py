"""API clients in memory."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.client import Client
from fanfare.domain.errors import Conflict
from fanfare.domain.listing import Page
from fanfare.domain.rotation import is_use_news
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.pages import page_of


class MemoryClientStore:
    def __init__(self, audit: MemoryAuditStore | None = None) -> None:
        self._audit = audit or MemoryAuditStore()
        self._lock = threading.Lock()
        self._clients: builtins.dict[str, Client] = {}

    def get(self, client_id: str) -> Client | None:
        return self._clients.get(client_id)

    def get_fresh(self, client_id: str) -> Client | None:
        return self.get(client_id)

    def create(self, client: Client, audit: AuditEntry | None = None) -> None:
        with self._lock:
            if client.id in self._clients:
                raise Conflict("This client id is taken.")
            self._clients[client.id] = client
            if audit is not None:
                self._audit.record(client.tenant, audit)

    def update(self, client_id: str, decide: Callable[[Client], Client | None], audit: Trail) -> Client | None:
        with self._lock:
            before = self._clients.get(client_id)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            self._clients[client_id] = after
            self._audit.record(after.tenant, audit(before, after))
            return after

    def list(self, tenant: str, limit: int, after: str | None) -> Page[Client]:
        return page_of({(client.tenant, client.id): client for client in self._clients.values()}, tenant, lambda _: True, limit, after)

    def note_use(self, client: Client, at: datetime) -> None:
        with self._lock:
            stored = self._clients.get(client.id)
            if stored is not None and is_use_news(stored, at):
                self._clients[client.id] = replace(stored, last_used_at=at)
