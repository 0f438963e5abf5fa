"""When devices are pinged, as a Protocol of its own: a ping is stored with the times that follow from it, in one commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.audit import Trail
from fanfare.domain.device import Device
from fanfare.domain.notification import Notification
from fanfare.domain.pings import FleetCounts
from fanfare.domain.recipient import Recipient


class KeepaliveStore(Protocol):
    """The keepalive of the devices of `DeviceStore`. Nothing here moves a device's `updated_at`, unless it also was seen on a new day."""

    def find_due(self, tenant: str, now: datetime, limit: int) -> Sequence[Device]:
        """Find at most `limit` active devices that are planned for `now` or earlier, the longest due first."""
        ...

    def find_new(self, tenant: str, limit: int) -> Sequence[Device]:
        """Find at most `limit` active devices for which no time is chosen yet."""
        ...

    def save(self, tenant: str, devices: Sequence[Device], ping: Notification | None, recipients: Sequence[Recipient]) -> bool:
        """Store the keepalive of devices as they were read, with the notification that pings some of them, in one commit.

        False: one of them has changed meanwhile, and nothing was stored.
        """
        ...

    def update(self, tenant: str, device_id: str, decide: Callable[[Device], Device | None], audit: Trail | None = None) -> Device | None:
        """Apply a pure decision about its keepalive and when it was seen to a device (None leaves it); returns its state, None if there is none."""
        ...

    def count(self, tenant: str, replied_since: datetime) -> FleetCounts:
        """Count the active devices by how they reply; an answer to the same question may be 60 seconds old."""
        ...
