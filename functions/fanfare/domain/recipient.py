"""One row of a chunk: what a send and a filter need of a device, and nothing else.

Rows, targets, answers, verdicts and results are named tuples: a chunk makes five hundred of each, and a frozen dataclass costs three times as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fanfare.domain.content import Content
from fanfare.domain.device import Device
from fanfare.domain.message import Platform
from fanfare.domain.target import Target, anonymous_device_id


class Recipient(NamedTuple):
    """One destination. `platform` is None and `device_id` empty where FCM fans out itself (a topic or a condition).

    `content` is what it alone, or it and some others, are told; None where it is told what the notification tells everybody.
    """

    device_id: str
    target: Target
    platform: Platform | None
    locale: str | None = None
    username: str | None = None
    content: Content | None = None


def recipient_of(device: Device, username: str | None = None) -> Recipient:
    """Take from a device what a chunk needs; `username` is the one it was addressed by."""
    return Recipient(device.id, device.target, device.platform, device.locale, username or _first_username(device))


def anonymous_recipient(target: Target, platform: Platform) -> Recipient:
    """Address a target that the caller gave itself; nothing of it is stored but the notification's recipients."""
    return Recipient(anonymous_device_id(target), target, platform)


def fanned_out_recipient(target: Target) -> Recipient:
    """Address a topic or a condition: one message, which FCM multiplies."""
    return Recipient("", target, None)


def distinct(recipients: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Keep the first row of each target: one notification reaches a target once."""
    seen: dict[Target, Recipient] = {}
    for recipient in recipients:
        seen.setdefault(recipient.target, recipient)
    return tuple(seen.values())


def _first_username(device: Device) -> str | None:
    return next((owner.username for owner in device.owners if owner.username), None)
