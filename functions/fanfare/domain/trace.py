"""One recipient's whole way through a notification: why it was addressed, what it was told and where, and what happened, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from fanfare.domain.chunk import Chunk
from fanfare.domain.device import Device, Retirement, target_hint
from fanfare.domain.event import EventKind, StoredEvent
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import FINAL_OUTCOMES, Outcome, Result
from fanfare.domain.progress import deliveries_of, with_progress
from fanfare.domain.receipts import StoredReceipt
from fanfare.domain.recipient import Recipient, recipient_of
from fanfare.domain.rendition import rendition_of
from fanfare.domain.webhook_delivery import WebhookDelivery

WAYS = ("device_ids", "profile_ids", "usernames", "phone_numbers", "targets", "topic", "condition", "segment", "everyone")
"""How recipients are named in a request."""
NAMED = {"topic": "topic", "condition": "condition", "segment": "segment_id"}
"""Ways whose value says to all recipients the same."""
MESSAGES = "messages"
"""The way of a recipient that a message of a bulk send names."""


class Matched(NamedTuple):
    """By which of the request's words a recipient was addressed, and by which value, where one was asked for by name."""

    by: str
    value: str | None


class Told(NamedTuple):
    """What a recipient is told: the template, its version and the locale that it is worded in; all None without a template."""

    template: str | None = None
    version: int | None = None
    locale: str | None = None


NOTHING_TOLD = Told()
_BY_RECIPIENT = frozenset({EventKind.NOTIFICATION_SENT, EventKind.NOTIFICATION_FAILED, EventKind.NOTIFICATION_DELIVERED, EventKind.NOTIFICATION_READ})


class SentTo(NamedTuple):
    """The target that is used: its kind and last characters. `is_as_sent`: it is the row that was sent to, and not the device as it is now."""

    kind: str
    hint: str
    is_as_sent: bool


class Step(NamedTuple):
    """Something that happened to the message, and in a word what."""

    at: datetime
    name: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class ToldWebhook:
    """An event that tells of the recipient, and its delivery to a webhook."""

    event_id: str
    kind: EventKind
    happened_at: datetime
    delivery: WebhookDelivery


@dataclass(frozen=True, slots=True)
class DeviceTrace:
    """One recipient's way. `retirement` is set where this notification's answer retired the device's target, `receipt` is what its app reported.

    `sent_to` is None where neither the row nor the device is kept any more.
    """

    notification: Notification
    device_id: str
    result: Result
    matched: Matched
    told: Told = NOTHING_TOLD
    sent_to: SentTo | None = None
    chunk: Chunk | None = None
    retirement: Retirement | None = None
    receipt: StoredReceipt | None = None
    webhooks: tuple[ToldWebhook, ...] = ()


def trace_of(
    notification: Notification, chunk: Chunk | None, recipients: Sequence[Recipient], device_id: str, device: Device | None
) -> DeviceTrace | None:
    """Put together what is known of one recipient; None for a device that was not addressed."""
    result = dict(deliveries_of(recipients, chunk.results if chunk else {})).get(device_id)
    if result is None:
        return None
    retirement = device.retirement if device is not None else None
    here = retirement is not None and retirement.notification_id == notification.id
    begun = chunk if chunk is not None and chunk.attempt else None
    row = next((row for row in recipients if row.device_id == device_id), None)
    trace = DeviceTrace(with_progress(notification, chunk), device_id, result, matched_by(notification, result), chunk=begun)
    present = row or (recipient_of(device, result.username) if device is not None and device.target.value else None)
    if present is not None:
        sent_to = SentTo(present.target.kind.value, target_hint(present.target), row is not None)
        trace = replace(trace, told=_told(notification, present), sent_to=sent_to)
    return replace(trace, retirement=retirement if here else None)


def tells_of(event: StoredEvent, device_id: str) -> bool:
    """Tell whether an event of a notification is about a recipient, or about the notification as a whole.

    A broadcast has hundreds of events of hundreds of recipients: their bodies, which we have encoded, are searched and not parsed.
    """
    return event.kind not in _BY_RECIPIENT or f'"device_id":"{device_id}"'.encode("ascii") in event.body


def matched_by(notification: Notification, result: Result) -> Matched:
    """By what a recipient was addressed."""
    to = notification.request.get("to") or {}
    by = next((way for way in WAYS if to.get(way)), MESSAGES)
    value = result.username if by == "usernames" else to.get(NAMED.get(by, ""))
    return Matched(by, value if isinstance(value, str) else None)


def _told(notification: Notification, row: Recipient) -> Told:
    wording = row.content.wording if row.content is not None else notification.wording
    return Told(wording.template, wording.version, rendition_of(wording, row).locale) if wording is not None else NOTHING_TOLD


def steps_of(trace: DeviceTrace) -> list[Step]:
    """What happened to the message, in the order in which it did; what has no time of its own is told by the rest of the trace."""
    result, chunk, receipt = trace.result, trace.chunk, trace.receipt
    steps = [Step(trace.notification.created_at, "accepted", trace.matched.by)]
    if chunk is not None:
        steps.append(Step(chunk.started_at, "first_attempt"))
    if result.since is not None:
        steps.append(Step(result.since, "failed_first", result.detail if result.outcome is not Outcome.SENT else None))
    if chunk is not None and chunk.completed_at is not None and result.outcome in FINAL_OUTCOMES:
        steps.append(Step(chunk.completed_at, result.outcome.value, result.detail))
    if trace.retirement is not None:
        steps.append(Step(trace.retirement.at, "target_retired", trace.retirement.code))
    if receipt is not None:
        steps.append(Step(receipt.delivered_at, "delivered"))
        steps += [Step(receipt.read_at, "read")] if receipt.read_at is not None else []
    steps += [
        Step(told.delivery.completed_at, "webhook", f"{told.kind.value} {told.delivery.state.value}")
        for told in trace.webhooks
        if told.delivery.completed_at is not None
    ]
    return sorted(steps, key=lambda step: step.at)
