"""What cleanup removes, and when (docs/retention.md says it in words).

Everything here is an instant: what ended, was deleted or was heard of at that instant or before is due. A tenant sets the days (`retention_days`);
what a tenant can't set is a constant below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from fanfare.domain.call import Actor
from fanfare.domain.dead_letter import AnyLetter

RECIPIENTS_KEPT = timedelta(days=7)
"""How long the rows of a notification are kept after its end, unless a dead letter may still be replayed to them."""
CHUNKS_AFTER = timedelta(days=1)
"""So much longer than the recipients are their results kept at the least."""
KEY_KEPT = timedelta(days=2)
"""At the least: answers under an Idempotency-Key are kept for a day and sealed."""
KEY_MARGIN = timedelta(hours=1)
"""So much later than a key's retirement may an instance have sealed something with it: it knew the tenant as it was, and our clocks differ."""


class Kind(StrEnum):
    """What cleanup removes, or (idle targets) retires."""

    IDLE_TARGETS = "idle_targets"
    INACTIVE_DEVICES = "inactive_devices"
    DELETED_DEVICES = "deleted_devices"
    TOMBSTONES = "tombstones"
    PROFILES = "profiles"
    RECIPIENTS = "recipients"
    CHUNKS = "chunks"
    RECEIPTS = "receipts"
    DEAD_LETTERS = "dead_letters"
    NOTIFICATIONS = "notifications"
    DELIVERIES = "deliveries"
    EVENTS = "events"
    AUDIT = "audit"
    DATA_KEYS = "data_keys"


class Place(NamedTuple):
    """Up to which ended notification a kind has been looked at: when that one ended, and its id."""

    at: datetime
    id: str


class Ended(NamedTuple):
    """A notification that has come to its end, of one chunk or of many.

    `viewers` are the profiles whose apps may listen to it, each to a document of its own.
    `revision` is the store's mark of the state that was read, by which its removal is guarded: a replay may come at any time.
    """

    id: str
    at: datetime
    has_failures: bool = False
    is_large: bool = False
    revision: object = None
    viewers: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Where it stands in the order of their ends."""
        return Place(self.at, self.id)


class DueLetter(NamedTuple):
    """A dead letter that is due; `revision` as above."""

    letter: AnyLetter
    revision: object = None


@dataclass(frozen=True, slots=True)
class Cleaning:
    """One tenant's cleanup: what is due at `now`, by kind, and who does it."""

    tenant: str
    now: datetime
    due: Mapping[Kind, datetime]
    actor: Actor


class Swept(NamedTuple):
    """What one page of a kind came to: how many were removed, and whether there may be more."""

    removed: int
    more: bool


def due_before(retention_days: Mapping[str, int], now: datetime) -> Mapping[Kind, datetime]:
    """The instant before which each kind is due; kinds with rules of their own are missing."""

    def ago(kind: str) -> datetime:
        return now - timedelta(days=retention_days[kind])

    return {
        Kind.INACTIVE_DEVICES: ago("inactive_devices"),
        Kind.DELETED_DEVICES: ago("deleted"),
        Kind.PROFILES: ago("deleted"),
        Kind.RECIPIENTS: now - RECIPIENTS_KEPT,
        # Later than the recipients: a task that comes this late finds nobody to send to, rather than nobody who was sent to.
        Kind.CHUNKS: min(ago("chunks"), now - RECIPIENTS_KEPT - CHUNKS_AFTER),
        Kind.RECEIPTS: ago("receipts"),
        Kind.DEAD_LETTERS: ago("dead_letters"),
        Kind.NOTIFICATIONS: ago("notifications"),
        # With their events, without which they could not be repeated.
        Kind.DELIVERIES: ago("events"),
        Kind.EVENTS: ago("events"),
        Kind.AUDIT: ago("audit"),
        Kind.DATA_KEYS: now - KEY_KEPT,
    }


def is_replay_over(completed_at: datetime | None, before: datetime) -> bool:
    """Tell whether a notification has ended by `before`: the recipients of its dead letters may go with these. One under way has no end."""
    return completed_at is not None and completed_at <= before
