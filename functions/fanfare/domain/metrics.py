"""What the whole fleet has done, in numbers that only grow: their names, and how times are put into histograms.

A number's name is its family, with a dot and a label where the family has one: `retried`, `failed.UNREGISTERED`. A time is counted in the bucket of
the least bound that it does not exceed, by the bound in milliseconds: `send_delay.500`, `send_delay.inf`; all of them are summed in `send_delay.ms`.
Nothing is of a tenant: a label has few values, or each scrape would bring thousands of series.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

Counters = Mapping[str, int]
"""Numbers by name; what is none is left out."""

NO_PLATFORM = "none"
"""What FCM fans out itself, and what is of a device that is not known any more."""
OTHER = "OTHER"
BOUNDS_MS = (250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000)
"""The upper bounds of the histograms' buckets. Counted times stand under them for ever: a bound may be added, none may be moved."""
ABOVE = "inf"
TOTAL_MS = "ms"
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,62}")


class Family(StrEnum):
    """Numbers of one meaning."""

    ACCEPTED = "accepted"
    MESSAGES = "messages"
    SENT = "sent"
    FAILED = "failed"
    RETRIED = "retried"
    RETIRED = "retired"
    DELIVERED = "delivered"
    READ = "read"
    WEBHOOKS = "webhooks"
    SEND_DELAY = "send_delay"
    DELIVERY_DELAY = "delivery_delay"


@dataclass(frozen=True, slots=True)
class Described:
    """A family as it is published: its metric's name without its type's endings, what it counts, and what its label is called (None: it has none)."""

    name: str
    meaning: str
    label: str | None = None


COUNTED: Mapping[Family, Described] = {
    Family.ACCEPTED: Described("fanfare_notifications_accepted", "Notifications that were accepted; dry runs count nowhere."),
    Family.MESSAGES: Described("fanfare_messages_accepted", "Messages of accepted notifications: one for each recipient."),
    Family.SENT: Described("fanfare_messages_sent", "Messages that FCM accepted.", "platform"),
    Family.FAILED: Described("fanfare_messages_failed", "Messages that failed for good; one that a replay sends afterwards counts in both.", "code"),
    Family.RETRIED: Described("fanfare_messages_retried", "Attempts at a message after its first one."),
    Family.RETIRED: Described("fanfare_targets_retired", "Devices whose target was retired: FCM declared it dead, or nobody used it.", "reason"),
    Family.DELIVERED: Described("fanfare_messages_delivered", "Messages of which a receipt says that they arrived.", "platform"),
    Family.READ: Described("fanfare_messages_read", "Messages of which a receipt says that they were read.", "platform"),
    Family.WEBHOOKS: Described("fanfare_webhook_deliveries", "Deliveries of an event to a webhook that have ended.", "outcome"),
}
TIMED: Mapping[Family, Described] = {
    Family.SEND_DELAY: Described("fanfare_message_send_delay_seconds", "From the instant a message was to be sent to the beginning of its sending."),
    Family.DELIVERY_DELAY: Described("fanfare_message_delivery_delay_seconds", "From the beginning of a message's sending to its arrival."),
}


def named(family: Family, label: str) -> str:
    """The name of a family's number with a label."""
    return f"{family.value}.{label}"


def code_label(code: str) -> str:
    """An error code as a label; what FCM says in no code's form has one label together."""
    return code if _CODE.fullmatch(code) else OTHER


def observe(family: Family, time: timedelta, messages: int = 1) -> Counters:
    """Count a time that so many messages took; less than none, by clocks that differ, is none."""
    if not messages:
        return {}
    millis = max(0, round(time / timedelta(milliseconds=1)))
    place = bisect_left(BOUNDS_MS, millis)
    bound = str(BOUNDS_MS[place]) if place < len(BOUNDS_MS) else ABOVE
    return present({named(family, bound): messages, named(family, TOTAL_MS): millis * messages})


def present(counters: Mapping[str, int]) -> Counters:
    """Without what is none."""
    return {name: number for name, number in counters.items() if number}


def add(parts: Iterable[Counters]) -> Counters:
    """Several together."""
    together: Counter[str] = Counter()
    for part in parts:
        together.update(part)
    return present(together)


def rises(after: Counters, before: Counters) -> Counters:
    """What has grown, and by how much: what became less had happened all the same, and stays counted."""
    return {name: number - before.get(name, 0) for name, number in after.items() if number > before.get(name, 0)}
