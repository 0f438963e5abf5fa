"""Which receipts apps speak of, and whether they may.

| who | may report |
|---|---|
| an app by the tokens of messages alone | of the device that each token names |
| a client | of its tenant's devices; of a topic's message for a device that it names |
| a user of the app | of the user's own devices; of a topic's message likewise |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.call import Call
from fanfare.domain.device import Device
from fanfare.domain.errors import FieldError
from fanfare.domain.receipt import Receipt, read_receipt
from fanfare.domain.receipts import ReceiptKey, Report
from fanfare.ports import Deps


class Refused(StrEnum):
    """Why a report is not taken. `INVALID` is forged, foreign, or of somebody else's device: nobody learns which."""

    INVALID = "invalid"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    NEEDS_DEVICE = "needs_device"
    NAMES_DEVICE = "names_device"
    NEEDS_CALLER = "needs_caller"


_SAID: Mapping[Refused, tuple[str, str]] = {
    Refused.INVALID: ("token", "is not valid"),
    Refused.EXPIRED: ("token", "is of a message whose receipts are not taken any more"),
    Refused.UNKNOWN: ("token", "is of a message that is not kept any more"),
    Refused.NEEDS_DEVICE: ("device_id", "must name a device of the caller: the token of a topic's message names none"),
    Refused.NAMES_DEVICE: ("device_id", "must be left out: the token names the device"),
    Refused.NEEDS_CALLER: ("token", "is of a topic's message, whose receipt needs an ID token or a client"),
}
Known = dict[int, ReceiptKey]
"""Which receipt each report of a batch is about, by its place."""


def identify_receipts(deps: Deps, call: Call, reports: Sequence[Report]) -> tuple[Known, dict[int, Refused]]:
    """Tell which receipts reports are about, and why the others are refused: by their tokens, and by who the caller is."""
    key, found, refused = deps.receipt_keys.receipt_key(call.tenant), Known(), dict[int, Refused]()
    topical: set[int] = set()
    for index, report in enumerate(reports):
        proven = read_receipt(key, report.token)
        device_id = (proven.device_id or report.device_id) if proven is not None else None
        reason = _refusal(call, report, proven)
        if reason is not None:
            refused[index] = reason
        elif proven is not None and device_id is not None:
            found[index] = ReceiptKey(proven.notification_id, device_id)
            if proven.device_id is None:
                topical.add(index)
    for index in _not_of_caller(deps, call, found, topical):
        refused[index] = Refused.NEEDS_DEVICE if index in topical else Refused.INVALID
        del found[index]
    return found, refused


def _refusal(call: Call, report: Report, proven: Receipt | None) -> Refused | None:
    if proven is None:
        return Refused.INVALID
    if proven.device_id is not None:
        return Refused.NAMES_DEVICE if report.device_id is not None else None
    if call.receipt is not None:
        return Refused.NEEDS_CALLER
    return Refused.NEEDS_DEVICE if report.device_id is None else None


def _not_of_caller(deps: Deps, call: Call, keys: Known, topical: set[int]) -> list[int]:
    """The reports about devices that the caller may not speak for. Where the token names the device, only a user's must be looked at."""
    doubted = [index for index in keys if call.user is not None or index in topical]
    if not doubted:
        return []
    devices = {device.id: device for device in deps.devices.get(call.tenant, list(dict.fromkeys(keys[index].device_id for index in doubted)))}
    profile_id = _profile_of(deps, call)
    return [index for index in doubted if not _may_speak_for(call, devices.get(keys[index].device_id), profile_id)]


def _profile_of(deps: Deps, call: Call) -> str | None:
    if call.user is None:
        return None
    own = Address(AddressKind.EXTERNAL, call.user)
    profile = deps.profiles.find(call.tenant, [own]).get(own)
    return profile.id if profile is not None else None


def _may_speak_for(call: Call, device: Device | None, profile_id: str | None) -> bool:
    if device is None or device.is_deleted:
        return False
    return call.user is None or profile_id in device.profile_ids


def refusal_error(index: int, reason: Refused) -> FieldError:
    """Say at which field of a batch a report is refused, and why."""
    field, message = _SAID[reason]
    return FieldError(f"receipts.{index}.{field}", message)
