"""Apps report that messages have come and were read.

| who | may report |
|---|---|
| an app by the tokens of messages alone | of the device that each token names |
| a client | of its tenant's devices; of a topic's message for a device that it names |
| a user of the app | of the user's own devices; of a topic's message likewise |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.batches import split
from fanfare.domain.call import Call
from fanfare.domain.device import Device
from fanfare.domain.errors import FieldError, InvalidRequest, Unavailable
from fanfare.domain.event import Event
from fanfare.domain.receipt import Receipt, read_receipt
from fanfare.domain.receipts import EVENT_KINDS, Moment, ReceiptChange, ReceiptEvent, ReceiptKey, Report, StoredReceipt, bounded, note, told_of
from fanfare.domain.setting_rules import RETENTION_DAYS
from fanfare.ports import Deps
from fanfare.services.new_events import make_events, nudge_deliveries

RECEIPTS_PER_COMMIT = 400
"""With its two events a commit then holds fewer than 450 documents."""
_TRIES = 8


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


@dataclass(frozen=True, slots=True)
class Rejected:
    """A report that was not taken: its place in the batch, and why."""

    index: int
    reason: Refused


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: how many reports were taken, those included that said nothing new, and which were not."""

    accepted: int
    rejected: Sequence[Rejected]


_Known = dict[int, ReceiptKey]
"""Which receipt each report of a batch is about, by its place."""


def take_receipts(deps: Deps, call: Call, reports: Sequence[Report], *, skip_refused: bool) -> Taken:
    """Note what apps report. InvalidRequest names every report that is refused, nothing is stored then; with `skip_refused` the others are noted."""
    rejected: dict[int, Refused] = {}
    keys = _identify(deps, call, reports, rejected)
    stored, created = _read(deps, call.tenant, keys, reports)
    _refuse_late(deps, call.tenant, keys, created, rejected)
    if rejected and not skip_refused:
        raise InvalidRequest.of(_error(index, reason) for index, reason in sorted(rejected.items()))
    said = _said(deps.clock.now(), reports, keys, created)
    for piece in split(list(said), RECEIPTS_PER_COMMIT):
        _store(deps, call, {key: said[key] for key in piece}, created, stored)
    return Taken(len(keys), [Rejected(index, reason) for index, reason in sorted(rejected.items())])


def _error(index: int, reason: Refused) -> FieldError:
    field, message = _SAID[reason]
    return FieldError(f"receipts.{index}.{field}", message)


def _identify(deps: Deps, call: Call, reports: Sequence[Report], rejected: dict[int, Refused]) -> _Known:
    key, found = deps.receipt_keys.receipt_key(call.tenant), _Known()
    topical: set[int] = set()
    for index, report in enumerate(reports):
        proven = read_receipt(key, report.token)
        device_id = (proven.device_id or report.device_id) if proven is not None else None
        reason = _refusal(call, report, proven)
        if reason is not None:
            rejected[index] = reason
        elif proven is not None and device_id is not None:
            found[index] = ReceiptKey(proven.notification_id, device_id)
            if proven.device_id is None:
                topical.add(index)
    for index in _not_of_caller(deps, call, found, topical):
        rejected[index] = Refused.NEEDS_DEVICE if index in topical else Refused.INVALID
        del found[index]
    return found


def _refusal(call: Call, report: Report, proven: Receipt | None) -> Refused | None:
    if proven is None:
        return Refused.INVALID
    if proven.device_id is not None:
        return Refused.NAMES_DEVICE if report.device_id is not None else None
    if call.receipt is not None:
        return Refused.NEEDS_CALLER
    return Refused.NEEDS_DEVICE if report.device_id is None else None


def _not_of_caller(deps: Deps, call: Call, keys: _Known, topical: set[int]) -> list[int]:
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


def _read(deps: Deps, tenant: str, keys: _Known, reports: Sequence[Report]) -> tuple[Mapping[ReceiptKey, StoredReceipt], dict[ReceiptKey, datetime]]:
    """What is noted of messages that were read, and when every message was asked for, which a receipt knows too.

    Of a message that has come nothing is noted, as a rule: its receipt is created without a look at it.
    """
    read = [key for index, key in keys.items() if reports[index].event is ReceiptEvent.READ]
    delivered = {key for index, key in keys.items() if reports[index].event is ReceiptEvent.DELIVERED}
    stored = deps.receipts.get_many(tenant, [key for key in dict.fromkeys(read) if key not in delivered])
    wanted = dict.fromkeys(key.notification_id for key in keys.values() if key not in stored)
    asked = deps.receipts.created_at(tenant, list(wanted))
    created = {key: asked[key.notification_id] for key in keys.values() if key.notification_id in asked}
    return stored, created | {key: receipt.created_at for key, receipt in stored.items()}


def _refuse_late(deps: Deps, tenant: str, keys: _Known, created: Mapping[ReceiptKey, datetime], rejected: dict[int, Refused]) -> None:
    known = deps.tenants.get(tenant)
    days = (known.settings.retention_days if known is not None else RETENTION_DAYS)["receipts"]
    for index, key in list(keys.items()):
        if key not in created:
            rejected[index] = Refused.UNKNOWN
        elif deps.clock.now() >= created[key] + timedelta(days=days):
            rejected[index] = Refused.EXPIRED
        if index in rejected:
            del keys[index]


_Said = dict[ReceiptKey, list[tuple[ReceiptEvent, Moment]]]


def _said(now: datetime, reports: Sequence[Report], keys: _Known, created: Mapping[ReceiptKey, datetime]) -> _Said:
    said: _Said = defaultdict(list)
    for index, key in keys.items():
        said[key].append((reports[index].event, bounded(reports[index].at, created[key], now)))
    return said


def _store(deps: Deps, call: Call, said: _Said, created: Mapping[ReceiptKey, datetime], stored: Mapping[ReceiptKey, StoredReceipt]) -> None:
    """Store what is news, in one commit with the events that tell of it; where somebody was faster, decide again."""
    for _ in range(_TRIES):
        changes = [change for key, parts in said.items() if (change := note(key, stored.get(key), created[key], parts)) is not None]
        if not changes:
            return
        events = _events(deps, call, changes)
        if deps.receipts.save(call.tenant, changes, events):
            nudge_deliveries(deps, events)
            return
        stored = deps.receipts.get_many(call.tenant, list(said))
    raise Unavailable("Too many report of these messages at once.", retry_after_seconds=1)


def _events(deps: Deps, call: Call, changes: Sequence[ReceiptChange]) -> list[Event]:
    events: list[Event] = []
    for event, kind in EVENT_KINDS.items():
        told = told_of(changes, event)
        if told:
            names = list(dict.fromkeys(str(each["notification_id"]) for each in told))
            events += make_events(deps, call.tenant, kind, {"receipts": told}, notification_ids=names, request_id=call.request_id)
    return events
