"""Who listens to a tenant's events: an event that nobody wants is not written.

It stands in the tenant's document, which every instance knows, at most sixty seconds old: events begin that long after the first listener has come.

- A webhook wants its kinds while it is active.
- A stream or a poll wants its kinds for a week after it was last heard of; it says so again at most every twelve hours.
- An app that listens in Firestore wants the public documents of its notifications, likewise, for longer than its token lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fanfare.domain.event import EventKind

READER_STAYS = timedelta(days=7)
RENEWED_WITHIN = READER_STAYS - timedelta(hours=12)
PUBLIC = "public"
"""The name among the readers of apps that listen in Firestore; all others are kinds of events."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Who listens: the kinds of each active webhook, and until when readers want what."""

    webhooks: Mapping[str, frozenset[EventKind]] = field(default_factory=dict)
    readers: Mapping[str, datetime] = field(default_factory=dict)


NOBODY = Listening()


def webhooks_for(listening: Listening, kind: EventKind) -> tuple[str, ...]:
    """The webhooks that want a kind, in the order of their ids."""
    return tuple(sorted(name for name, kinds in listening.webhooks.items() if kind in kinds))


def is_wanted(listening: Listening, kind: EventKind, now: datetime) -> bool:
    """Tell whether an event of this kind is to be written."""
    return is_read(listening, kind, now) or any(kind in kinds for kinds in listening.webhooks.values())


def is_read(listening: Listening, reader: str, now: datetime) -> bool:
    """Tell whether a reader (a kind, or PUBLIC) was heard of lately."""
    until = listening.readers.get(reader)
    return until is not None and now < until


def with_readers(listening: Listening, readers: Iterable[str], now: datetime) -> Listening | None:
    """Note that readers were heard of; None if that is known well enough. Those that were not heard of any more are left out."""
    wanted = set(readers)
    if all(is_read(listening, reader, now + RENEWED_WITHIN) for reader in wanted):
        return None
    kept = {reader: until for reader, until in listening.readers.items() if now < until}
    return replace(listening, readers={**kept, **dict.fromkeys(sorted(wanted), now + READER_STAYS)})


def with_webhook(listening: Listening, webhook_id: str, kinds: frozenset[EventKind]) -> Listening:
    """Note what a webhook wants; nothing, and it is left out."""
    others = {name: wanted for name, wanted in listening.webhooks.items() if name != webhook_id}
    return replace(listening, webhooks={**others, webhook_id: kinds} if kinds else others)
