"""Apps report that messages have come and were read: what is news is noted, with the events that tell of it.

Who may report what says `identify_receipts.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fanfare.domain.batches import split
from fanfare.domain.call import Call
from fanfare.domain.errors import InvalidRequest, Unavailable
from fanfare.domain.event import Event
from fanfare.domain.receipts import EVENT_KINDS, Moment, ReceiptChange, ReceiptEvent, ReceiptKey, Report, StoredReceipt, bounded, note, told_of
from fanfare.domain.setting_rules import RETENTION_DAYS
from fanfare.ports import Deps
from fanfare.services.identify_receipts import Known, Refused, identify_receipts, refusal_error
from fanfare.services.new_events import make_events, nudge_deliveries

RECEIPTS_PER_COMMIT = 400
"""With its two events a commit then holds fewer than 450 documents."""
_TRIES = 8


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


def take_receipts(deps: Deps, call: Call, reports: Sequence[Report], *, skip_refused: bool) -> Taken:
    """Note what apps report. InvalidRequest names every report that is refused, nothing is stored then; with `skip_refused` the others are noted."""
    keys, rejected = identify_receipts(deps, call, reports)
    stored, created = _read(deps, call.tenant, keys, reports)
    _refuse_late(deps, call.tenant, keys, created, rejected)
    if rejected and not skip_refused:
        raise InvalidRequest.of(refusal_error(index, reason) for index, reason in sorted(rejected.items()))
    said = _said(deps.clock.now(), reports, keys, created)
    for piece in split(list(said), RECEIPTS_PER_COMMIT):
        _store(deps, call, {key: said[key] for key in piece}, created, stored)
    return Taken(len(keys), [Rejected(index, reason) for index, reason in sorted(rejected.items())])


def _read(deps: Deps, tenant: str, keys: Known, reports: Sequence[Report]) -> tuple[Mapping[ReceiptKey, StoredReceipt], dict[ReceiptKey, datetime]]:
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


def _refuse_late(deps: Deps, tenant: str, keys: Known, created: Mapping[ReceiptKey, datetime], rejected: dict[int, Refused]) -> None:
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


def _said(now: datetime, reports: Sequence[Report], keys: Known, created: Mapping[ReceiptKey, datetime]) -> _Said:
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
