"""What a write of many devices says of each of its commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry
from fanfare.domain.device import Device
from fanfare.domain.event import Event


class Told(NamedTuple):
    """What is said to the audit log, to whoever listens, and to the numbers of a day."""

    audit: AuditEntry | None
    announce: Announcer | None
    day: date | None = None

    def entry(self, device_ids: Sequence[str]) -> AuditEntry | None:
        """The audit entry of a commit of these devices."""
        return replace(self.audit, resource_ids=tuple(device_ids)) if self.audit else None

    def events(self, before: Sequence[Device | None], after: Sequence[Device | None]) -> Sequence[Event]:
        """The events of a commit of these devices."""
        return self.announce(before, after) if self.announce else ()
