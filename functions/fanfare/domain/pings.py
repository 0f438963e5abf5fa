"""Pages of devices: which of them are pinged, when next, and what becomes of a device whose app replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fanfare.domain.batches import split_by_weight
from fanfare.domain.device import Device
from fanfare.domain.keepalive import is_answered, plan_ping, replied
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.recipient import Recipient, recipient_of

MOST_PINGED = 500
HEAVIEST_PAGE = 600 * 1024
"""Bytes of recipients: their document holds 700 KiB."""
_AROUND = 200
"""What a row holds beside its target and its username, generously."""


@dataclass(frozen=True, slots=True)
class PingPage:
    """Devices as they are to be stored, those of them that are pinged, and whether others wait."""

    devices: tuple[Device, ...]
    pinged: tuple[Recipient, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """How the active devices of a tenant reply.

    `replied`: within the silence that the tenant allows. `silent`: pinged every day, and did not. `stopped`: pinged no more, for the
    last reply was too long ago.
    """

    replied: int = 0
    silent: int = 0
    stopped: int = 0


def plan_page(devices: Sequence[Device], settings: KeepaliveSettings, now: datetime, chances: Sequence[float], *, held: bool) -> PingPage:
    """Decide about as many of the devices as one notification and one commit hold; each has a random number from 0 to 1 of its own."""
    page = next(split_by_weight(devices, _weight_of, most=MOST_PINGED, heaviest=HEAVIEST_PAGE), ())
    planned: list[Device] = []
    pinged: list[Recipient] = []
    for device, chance in zip(page, chances, strict=False):
        plan = plan_ping(device.keepalive, settings, device.timezone, now, chance, held=held)
        if plan is not None:
            planned.append(replace(device, keepalive=plan.keepalive))
            pinged += [recipient_of(device)] if plan.is_pinged else []
    return PingPage(tuple(planned), tuple(pinged), len(page) < len(devices))


def _weight_of(device: Device) -> int:
    return len(device.target.value) + _AROUND + max((4 * len(owner.username or "") for owner in device.owners), default=0)


def heard_of(device: Device, now: datetime) -> Device | None:
    """A device whose app has replied; None if that says nothing new. It counts as seen, once a day: the packed audience learns of nothing else."""
    if is_answered(device.keepalive, now):
        return None
    is_new_day = device.last_seen_at.astimezone(UTC).date() < now.astimezone(UTC).date()
    return replace(device, keepalive=replied(device.keepalive, now), last_seen_at=now if is_new_day else device.last_seen_at)
