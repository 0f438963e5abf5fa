"""One tenant's devices over some days, pinged by ticks that overlap and die: what the tests of pings share, in memory and on the emulator."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.filters import NotificationFilter
from fanfare.domain.keepalive import KeepaliveState
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.pings import heard_of
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.ports import Deps
from fanfare.services.ping_devices import ping_due_devices
from fanfare.services.ping_page import TRIES
from tests.factories import a_device, a_tenant
from tests.fakes import FixedClock
from tests.interleaving import Crew, Worker, crew

PINGING = TenantSettings(keepalive=KeepaliveSettings(enabled=True))
DAY = timedelta(days=1)


@dataclass
class PingWorld:
    """`expected` are the devices that must get exactly one ping on the present day."""

    deps: Deps
    clock: FixedClock
    chance: random.Random
    tenant: str
    expected: set[str] = field(default_factory=set)

    def begin(self, devices: int) -> None:
        self.deps.tenants.create(replace(a_tenant(id=self.tenant, firebase_project_id=f"{self.tenant}-app"), settings=PINGING))
        plans = [RegistrationPlan(a_device(id=f"d{number}", owners=())) for number in range(devices)]
        assert self.deps.devices.save(self.tenant, plans)
        self.settle()

    def live_a_day(self, steps: int) -> None:
        """Let everybody be due, and ticks make their calls in any order, among replies and refreshes."""
        self.clock.at += DAY
        self.expected = {device.id for device in self.deps.keepalive.find_due(self.tenant, self.clock.at, 999)}
        with crew(self.chance) as ticks:
            for _ in range(steps):
                self._act(ticks)
            ticks.finish()
        self.settle()
        self.check()

    def settle(self) -> None:
        """What the next minutes do."""
        for _ in range(TRIES):
            ping_due_devices(self.deps, "later")
        assert list(self.deps.keepalive.find_due(self.tenant, self.clock.at, 1)) == []
        assert list(self.deps.keepalive.find_new(self.tenant, 1)) == []

    def check(self) -> None:
        """Everybody who was due got one ping today and nobody two, and a device's times tell of the pings that there are."""
        pings = self.pings()
        today = Counter(name for name, at in pings if at.date() == self.clock.at.date())
        assert dict(today) == dict.fromkeys(self.expected, 1)
        latest = {name: max(at for other, at in pings if other == name) for name, _ in pings}
        for name in (f"d{number}" for number in range(99)):
            for device in self.deps.devices.get(self.tenant, [name]):
                assert device.keepalive.last == latest.get(name)
                assert device.keepalive.state is KeepaliveState.PLANNED

    def pings(self) -> list[tuple[str, datetime]]:
        """Who was pinged when, as the notifications say it."""
        page = self.deps.notifications.list(self.tenant, NotificationFilter(type="keepalive"), 999, None)
        rows = [(row, self.deps.chunks.read_recipients(ChunkKey(self.tenant, row.id, 0))) for row in page.items]
        assert all(row.counts.targeted == len(recipients) for row, recipients in rows)
        return [(recipient.device_id, row.created_at) for row, recipients in rows for recipient in recipients]

    def _act(self, ticks: Crew) -> None:
        drawn = self.chance.random()
        if drawn < 0.2 and len(ticks.workers) < 3:
            ticks.hire(self._tick)
        elif drawn < 0.3:
            self._change(f"d{self.chance.randrange(99)}")
        else:
            ticks.advance(deaths=0.05)

    def _tick(self, worker: Worker) -> None:
        watched = {name: worker.watched(getattr(self.deps, name)) for name in ("keepalive", "tasks", "tenants", "templates")}
        ping_due_devices(replace(self.deps, **watched), "tick")

    def _change(self, device_id: str) -> None:
        if self.chance.random() < 0.5:
            self.deps.keepalive.update(self.tenant, device_id, lambda device: heard_of(device, self.clock.at))
        else:
            self.deps.devices.update(self.tenant, device_id, lambda device: replace(device, app_version=str(self.chance.random())))
