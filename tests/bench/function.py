"""The whole `send` function: its own process serves tasks, one after the other, for chunks that lie ready in the Firestore emulator."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import requests

from local.descendants import descendants_of
from local.environment import TASKS_SERVICE_ACCOUNT
from local.service_account import make_service_account
from local.settings import ROOT
from local.stack import Stack
from tests.bench.process_clock import peak_mib
from tests.bench.workload import CHUNK, PROJECT

sys.path.append(str(ROOT / "functions"))

from fanfare.config import Settings
from fanfare.domain.client import TENANT_SCOPES
from fanfare.services.provision import NewClient, create_client, create_tenant
from fanfare.wiring import build_deps
from tests.bench.contestants.messages import notification, recipients

TASK_SECONDS = 120.0


class SendFunction:
    """The stack's `send` function as a contestant. Chunks are stored beforehand with the functions' own stores."""

    def __init__(self, stack: Stack) -> None:
        # The Firestore client finds the emulator by the environment alone.
        os.environ.update(stack.environment)
        self._url = stack.urls["send"]
        self._leader = stack.pid("send") or 0
        self._deps = build_deps(Settings.from_env(stack.environment))
        self._tenant = create_tenant(self._deps, "Bench", make_service_account(PROJECT, stack.environment["OAUTH_TOKEN_URI"]))
        self._ready: list[str] = []
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {self._token(stack)}"

    @property
    def pids(self) -> list[int]:
        """The framework's first process and its worker."""
        return [self._leader, *(process.pid for process in descendants_of(self._leader))]

    @property
    def peak_mib(self) -> float:
        """The worker's largest resident size."""
        return max(peak_mib(pid) for pid in self.pids)

    def prepare(self, chunks: int) -> None:
        """Store so many chunks of 500 recipients, ready to be sent."""
        self._ready += self.store_chunks(chunks, size=CHUNK)

    def store_chunks(self, chunks: int, *, size: int) -> list[str]:
        """Store notifications of one chunk of `size` recipients; returns their ids."""
        names = [self._deps.identifiers.new_id() for _ in range(chunks)]
        for name in names:
            self._deps.notifications.accept(notification(self._tenant.id, name), recipients()[:size])
        return names

    def send(self, count: int) -> int:
        """Deliver prepared chunks one after the other; returns how many of their messages are stored as sent."""
        return self._sent([self._deliver(self._ready.pop()) for _ in range(count // CHUNK)])

    def send_at_once(self, chunks: int) -> float:
        """Deliver prepared chunks at the same time, as an instance at full concurrency does; returns messages a second."""
        names = [self._ready.pop() for _ in range(chunks)]
        with ThreadPoolExecutor(chunks) as threads:
            began = time.monotonic()
            delivered = list(threads.map(self._deliver, names))
            seconds = time.monotonic() - began
        if self._sent(delivered) != chunks * CHUNK:
            raise RuntimeError("Not every message was accepted.")
        return chunks * CHUNK / seconds

    def task(self, name: str) -> dict[str, object]:
        """The body of the task that delivers a notification's only chunk."""
        return {"tenant": self._tenant.id, "notification": name, "chunk": 0}

    @property
    def task_headers(self) -> dict[str, str]:
        """What Cloud Tasks would authenticate with."""
        return {"Authorization": str(self._session.headers["Authorization"])}

    def client_headers(self) -> dict[str, str]:
        """The headers of a new API client of the tenant."""
        client, token = create_client(self._deps, NewClient(self._tenant.id, "Bench", TENANT_SCOPES))
        return {"Client-ID": client.id, "Client-Token": token}

    def _deliver(self, name: str) -> str:
        answer = self._session.post(self._url, json=self.task(name), timeout=TASK_SECONDS)
        if answer.status_code != requests.codes.ok:
            raise RuntimeError(f"send answered {answer.status_code}: {answer.text[:300]}")
        return name

    def _sent(self, names: Iterable[str]) -> int:
        stored = [self._deps.notifications.get(self._tenant.id, name) for name in names]
        return sum(found.counts.sent for found in stored if found)

    @staticmethod
    def _token(stack: Stack) -> str:
        asked = {"email": TASKS_SERVICE_ACCOUNT, "audience": stack.environment["SEND_URL"]}
        answer = requests.post(f"{stack.cloud_url}/_local/oidc-token", json=asked, timeout=TASK_SECONDS)
        answer.raise_for_status()
        return str(answer.json()["token"])
