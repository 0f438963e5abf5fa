"""Pings of devices: which of a page are pinged, what they are told, and what becomes of a device whose app replies.

A ping is a message like any other, to at most 500 devices: data alone, `type` keepalive and the `username` of the device's first owner. It lives for a
day, which is when the next one comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fanfare.domain.batches import split_by_weight
from fanfare.domain.call import ActorKind
from fanfare.domain.device import Device
from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.keepalive import PING_TYPE, is_answered, plan_ping, replied
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.message import Priority
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus
from fanfare.domain.recipient import Recipient, recipient_of
from fanfare.domain.send_request import message_of
from fanfare.domain.template import Template
from fanfare.domain.template_text import Syntax
from fanfare.domain.variables import USERNAME
from fanfare.domain.wording import Wording

PING_SECONDS = 86_400
MOST_PINGED = 500
HEAVIEST_PAGE = 600 * 1024
"""Bytes of recipients: their document holds 700 KiB."""
_AROUND = 200
"""What a row holds beside its target and its username, generously."""
FUNCTION = "keepalive"
"""The name of the function that pings, which stands where another notification names a client."""


@dataclass(frozen=True, slots=True)
class PingPage:
    """Devices as they are to be stored, those of them that are pinged, and whether others wait."""

    devices: tuple[Device, ...]
    pinged: tuple[Recipient, ...]
    has_more: bool


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


def ping_of(tenant: str, template: Template | None, recipients: int, *, notification_id: str, request_id: str, now: datetime) -> Notification:
    """The notification that pings so many devices; of the tenant's template of that name it takes the priority, high without one."""
    request = {"type": PING_TYPE, "silent": True, "priority": _priority_of(template).value, "ttl_seconds": PING_SECONDS, "data": {"type": PING_TYPE}}
    return Notification(
        id=notification_id,
        tenant=tenant,
        client_id=FUNCTION,
        message=message_of(request),
        ttl_seconds=PING_SECONDS,
        request=request,
        request_hash=hash_identifier(FUNCTION, notification_id),
        request_id=request_id,
        status=NotificationStatus.QUEUED,
        counts=Counts(targeted=recipients, unsent=recipients),
        created_at=now,
        planned_at=now,
        next_check_at=now + FIRST_CHECK,
        type=PING_TYPE,
        actor_kind=ActorKind.FUNCTION,
        wording=_wording(template),
    )


def heard_of(device: Device, now: datetime) -> Device | None:
    """A device whose app has replied; None if that says nothing new. It counts as seen, once a day: the packed audience learns of nothing else."""
    if is_answered(device.keepalive, now):
        return None
    is_new_day = device.last_seen_at.astimezone(UTC).date() < now.astimezone(UTC).date()
    return replace(device, keepalive=replied(device.keepalive, now), last_seen_at=now if is_new_day else device.last_seen_at)


def _priority_of(template: Template | None) -> Priority:
    if template is None or not template.active or template.defect is not None:
        return Priority.HIGH
    return Priority(template.message.get("priority") or Priority.HIGH)


def _wording(template: Template | None) -> Wording:
    """Who is told what: each its own username, the only thing that differs."""
    said: dict[str, Any] = {"data": {USERNAME: f"{{{{{USERNAME}}}}}"}}
    version = template.version if template is not None else 0
    return Wording(PING_TYPE, version, Syntax.DOUBLE, said, {}, {}, variables={}, personal=True)
