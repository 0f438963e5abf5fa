"""An app replies to a ping: its device is not silent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from fanfare.domain.audit import trail
from fanfare.domain.call import Call
from fanfare.domain.device import Device
from fanfare.domain.errors import NotFound
from fanfare.domain.keepalive import PING_TYPE
from fanfare.domain.pings import heard_of
from fanfare.domain.receipt import Receipt, read_receipt
from fanfare.domain.target import Target
from fanfare.ports import Deps
from fanfare.services.devices import find_device, get_device
from fanfare.services.own_devices import check_own


@dataclass(frozen=True, slots=True)
class Replying:
    """Which device replies: exactly one of its target, its id and the receipt of a ping to it."""

    target: Target | None = None
    device_id: str | None = None
    receipt: str | None = None


def note_reply(deps: Deps, call: Call, replying: Replying) -> None:
    """Store that a device has replied; to say it again is harmless. NotFound if the caller has no such device, or the receipt is not of a ping.

    Who calls by a receipt can speak for its own device alone, whatever else it says.
    """
    device, now = _find(deps, call, replying), deps.clock.now()
    stored = deps.keepalive.update(call.tenant, device.id, partial(heard_of, now=now), trail("device.replied", call.actor, now))
    if stored is None:
        raise NotFound.of("device")


def _find(deps: Deps, call: Call, replying: Replying) -> Device:
    receipt = call.receipt
    if receipt is None and replying.receipt is not None:
        receipt = read_receipt(deps.receipt_keys.receipt_key(call.tenant), replying.receipt) or _NOBODYS
    if receipt is not None:
        device = _pinged(deps, call.tenant, receipt)
    elif replying.target is not None:
        device = find_device(deps, call.tenant, replying.target)
    else:
        device = get_device(deps, call.tenant, replying.device_id or "")
    check_own(deps, call, device)
    return device


_NOBODYS = Receipt("", None)


def _pinged(deps: Deps, tenant: str, receipt: Receipt) -> Device:
    """The device of a receipt, if what it received was a ping."""
    ping = deps.notifications.get(tenant, receipt.notification_id) if receipt.device_id else None
    if ping is None or ping.type != PING_TYPE:
        raise NotFound.of("device")
    return get_device(deps, tenant, receipt.device_id or "")
