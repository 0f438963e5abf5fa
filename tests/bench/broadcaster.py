"""The stack's `fanout` and `send` as one contestant: a broadcast to every device of a tenant, until the notification is completed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import requests
from google.cloud.firestore import Client as Firestore

from local.demo import LOAD_LIMITS
from local.descendants import descendants_of
from local.firebase import PROJECT
from local.readiness import wait_until
from local.service_account import make_service_account
from local.settings import ROOT
from local.stack import Stack
from tests.bench.emulator import emulator_at
from tests.bench.process_clock import cpu_seconds, peak_mib

sys.path.append(str(ROOT / "functions"))

from fanfare.config import Settings
from fanfare.domain.audience import BEGINNING, Audience
from fanfare.domain.client import TENANT_SCOPES
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.pacing import BULK_LANE, RAMP_SECONDS, Course, Pacing
from fanfare.domain.setting_rules import LARGEST_QUOTA
from fanfare.domain.tenant import Tenant
from fanfare.services.provision import NewClient, create_client, create_tenant
from fanfare.wiring import build_deps
from tests.bench.contestants.messages import REQUEST
from tests.bench.population import pack_audience, shards_for, write_devices

FUNCTIONS = ("fanout", "send")
COMPACTION_SECONDS = 900.0
BROADCAST_SECONDS = 300.0
_LONG_AGO = timedelta(hours=1)


def with_largest_quota(tenant: Tenant) -> Tenant:
    """Let FCM's rate be no limit: it is not what is measured."""
    return replace(tenant, settings=replace(tenant.settings, quota_per_minute=LARGEST_QUOTA))


@dataclass(frozen=True, slots=True)
class Compaction:
    """What the first compaction of an audience took: seconds, and microseconds of `fanout`'s CPU for a device."""

    seconds: float
    cpu_micros: float


class Broadcaster:
    """A tenant with so many registered devices. What pacing would add is left out: its quota is the highest, its lane is hot."""

    def __init__(self, stack: Stack, devices: int) -> None:
        self._stack = stack
        with emulator_at(stack.firestore_host):
            self.deps = build_deps(Settings.from_env(stack.environment))
            self._firestore = Firestore(project=PROJECT)
        self.devices = devices
        self.cpu = dict.fromkeys(FUNCTIONS, 0.0)
        self.chunks = self.sent = 0
        self._headers: dict[str, str] = {}
        self.tenant = self._create()

    @property
    def pids(self) -> list[int]:
        """The processes of both functions."""
        return [pid for name in FUNCTIONS for pid in self._pids(name)]

    @property
    def peak_mib(self) -> float:
        """The largest resident size that a process of theirs has had."""
        return max(peak_mib(pid) for pid in self.pids)

    def pack_devices(self) -> None:
        """Put the devices straight into as many shards as a compaction would make of them."""
        pack_audience(self.deps, self.tenant, self.devices, shards_for(self.devices))

    def register_devices(self) -> Compaction:
        """Write the devices' documents and let `fanout` compact them."""
        write_devices(self.deps, self._firestore, self.tenant, range(self.devices), updated_at=datetime.now(tz=UTC) - _LONG_AGO)
        cpu, began = cpu_seconds(self._pids("fanout")), time.monotonic()
        if not self.deps.tasks.enqueue_compaction(self.tenant, "bench"):
            raise RuntimeError("The compaction was not asked for.")
        self._wait(self._is_compacted, COMPACTION_SECONDS, "The audience is not compacted")
        return Compaction(time.monotonic() - began, (cpu_seconds(self._pids("fanout")) - cpu) / self.devices * 1e6)

    def send(self, _: int) -> int:
        """Broadcast once to everybody; returns how many are stored as sent."""
        self._heat_lane()
        before = {name: cpu_seconds(self._pids(name)) for name in FUNCTIONS}
        body = {**REQUEST, "to": {"everyone": True}}
        answer = requests.post(f"{self._stack.urls['api']}/api/v1/notify", json=body, headers=self._headers, timeout=BROADCAST_SECONDS)
        if answer.status_code != requests.codes.accepted:
            raise RuntimeError(f"notify answered {answer.status_code}: {answer.text[:300]}")
        notification = answer.json()["id"]
        self._wait(lambda: self._is_completed(notification), BROADCAST_SECONDS, "The broadcast is not completed")
        self.cpu = {name: cpu_seconds(self._pids(name)) - before[name] for name in FUNCTIONS}
        found = self.deps.notifications.get(self.tenant, notification)
        self.chunks, self.sent = (found.chunk_count, found.counts.sent) if found else (0, 0)
        return self.sent

    def audience(self) -> Audience:
        """The header of the tenant's audience."""
        found = self.deps.audience.get(self.tenant)
        if found is None:
            raise RuntimeError("The tenant has no audience.")
        return found

    def _create(self) -> str:
        account = make_service_account(f"fanfare-bench-{self.devices}", self._stack.environment["OAUTH_TOKEN_URI"])
        tenant = create_tenant(self.deps, "Bench", account)
        self.deps.tenants.update(tenant.id, with_largest_quota)
        client, token = create_client(self.deps, NewClient(tenant.id, "Bench", TENANT_SCOPES, LOAD_LIMITS))
        self._headers = {"Client-ID": client.id, "Client-Token": token}
        return tenant.id

    def _heat_lane(self) -> None:
        """Leave the lane as a broadcast does that has just been through its ramp of a minute."""
        hot = Pacing(Course(datetime.now(tz=UTC), warm_seconds=RAMP_SECONDS))
        self.deps.pacing.reserve(self.tenant, BULK_LANE, lambda _: (None, hot))

    def _is_compacted(self) -> bool:
        found = self.deps.audience.get(self.tenant)
        return found is not None and found.watermark > BEGINNING and found.lease is None and found.is_counted

    def _is_completed(self, notification: str) -> bool:
        found = self.deps.notifications.get(self.tenant, notification)
        return found is not None and found.status is NotificationStatus.COMPLETED

    def _wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        self._stack.check()
        if not wait_until(done, timeout_seconds=seconds):
            raise RuntimeError(f"{what} after {seconds:.0f} seconds.")

    def _pids(self, name: str) -> list[int]:
        leader = self._stack.pid(name) or 0
        return [leader, *(process.pid for process in descendants_of(leader))]
