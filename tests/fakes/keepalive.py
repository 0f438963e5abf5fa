"""When devices are pinged, in memory, beside the stores whose devices and notifications these are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from fanfare.domain.audit import Trail
from fanfare.domain.device import Device
from fanfare.domain.errors import Unavailable
from fanfare.domain.keepalive import KeepaliveState
from fanfare.domain.notification import Notification
from fanfare.domain.pings import FleetCounts
from fanfare.domain.recipient import Recipient
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.notifications import MemoryNotificationStore

_TRIES = 8


class MemoryKeepaliveStore:
    def __init__(self, devices: MemoryDeviceStore, notifications: MemoryNotificationStore, audit: MemoryAuditStore | None = None) -> None:
        self._devices, self._notifications, self._audit = devices, notifications, audit or MemoryAuditStore()

    def find_due(self, tenant: str, now: datetime, limit: int) -> list[Device]:
        due = [(device.keepalive.next, device.id, device) for device in self._active(tenant, KeepaliveState.PLANNED) if device.keepalive.next]
        return [device for at, _, device in sorted(due, key=lambda row: row[:2]) if at <= now][:limit]

    def find_new(self, tenant: str, limit: int) -> list[Device]:
        return self._active(tenant, KeepaliveState.NEW)[:limit]

    def save(self, tenant: str, devices: Sequence[Device], ping: Notification | None, recipients: Sequence[Recipient]) -> bool:
        with self._devices.lock, self._notifications.lock:
            if not all(self._devices.is_unchanged(tenant, device) for device in devices):
                return False
            if ping is not None and self._notifications.accept(ping, recipients) is not None:
                return False
            for device in devices:
                self._devices.put_keepalive(tenant, device)
        return True

    def update(self, tenant: str, device_id: str, decide: Callable[[Device], Device | None], audit: Trail | None = None) -> Device | None:
        for _ in range(_TRIES):
            before = next(iter(self._devices.get(tenant, [device_id])), None)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            with self._devices.lock, self._notifications.lock:
                if self._devices.is_unchanged(tenant, before):
                    self._devices.put_keepalive(tenant, after)
                    if audit is not None:
                        self._audit.record(tenant, audit(before, after))
                    return after
        raise Unavailable("Too many writers change this at once.", retry_after_seconds=1)

    def count(self, tenant: str, replied_since: datetime) -> FleetCounts:
        planned, stopped = (self._active(tenant, state) for state in (KeepaliveState.PLANNED, KeepaliveState.STOPPED))
        replied = [device for device in planned if device.keepalive.reply is not None and device.keepalive.reply >= replied_since]
        return FleetCounts(len(replied), len(planned) - len(replied), len(stopped))

    def _active(self, tenant: str, state: KeepaliveState) -> list[Device]:
        return [device for owner, device in self._devices.everything() if owner == tenant and device.active and device.keepalive.state is state]
