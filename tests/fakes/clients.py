"""API clients in memory."""

from __future__ import annotations

import threading

from fanfare.domain.client import Client
from fanfare.domain.errors import Conflict


class MemoryClientStore:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}

    def get(self, client_id: str) -> Client | None:
        return self._clients.get(client_id)

    def create(self, client: Client) -> None:
        with self._lock:
            if client.id in self._clients:
                raise Conflict("This client id is taken.")
            self._clients[client.id] = client
