"""Somebody who listens to a tenant's events, and what was told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.event import LISTENABLE, Event, EventKind
from fanfare.domain.listening import Listening
from fanfare.domain.outcome import FINAL_OUTCOMES, Outcome, Result
from fanfare.ports import Deps
from tests.factories import TENANT_ID
from tests.fakes import MemoryNotificationStore

WEBHOOK = "webhook-1"
SENT, FAILED = EventKind.NOTIFICATION_SENT, EventKind.NOTIFICATION_FAILED
COMPLETED, PAUSED, CANCELLED = EventKind.NOTIFICATION_COMPLETED, EventKind.NOTIFICATION_PAUSED, EventKind.NOTIFICATION_CANCELLED
KINDS = {Outcome.SENT: SENT, Outcome.FAILED: FAILED}


def listen(deps: Deps, *kinds: EventKind) -> None:
    """Let a webhook want these kinds, all of them if none is named."""
    listening = Listening(webhooks={WEBHOOK: frozenset(kinds) or LISTENABLE})
    assert deps.tenants.update(TENANT_ID, lambda stored: replace(stored, listening=listening))


def told(deps: Deps, *kinds: EventKind) -> list[Event]:
    """The events of these kinds, all of them if none is named, in the order in which they were stored."""
    events: Any = deps.events
    return [event for event in events.told if not kinds or event.kind in kinds]


def kinds_told(deps: Deps) -> list[EventKind]:
    return [event.kind for event in told(deps)]


def announced(deps: Deps) -> Counter[tuple[EventKind, int, str]]:
    """How often which outcome of a device in a chunk was told."""
    rows = [(event, row) for event in told(deps, SENT, FAILED) for row in event.data["recipients"]]
    return Counter((event.kind, event.data["chunk"], row["device_id"]) for event, row in rows)


class WitnessingNotificationStore(MemoryNotificationStore):
    """Counts, by what is written of chunks, how often each outcome became final."""

    def __init__(self, audit: Any = None) -> None:
        super().__init__(audit)
        self.finalities: Counter[tuple[EventKind, int, str]] = Counter()

    def _put_chunk(self, chunk: Chunk) -> Chunk:
        before = self._chunks.get(chunk.key)
        for device_id, result in chunk.results.items():
            if result.outcome in FINAL_OUTCOMES and not _is_final(before.results.get(device_id) if before else None):
                self.finalities[KINDS[result.outcome], chunk.key.number, device_id] += 1
        return super()._put_chunk(chunk)

    def unannounced(self) -> dict[ChunkKey, tuple[str, ...]]:
        return {key: chunk.unannounced for key, chunk in self._chunks.items() if chunk.unannounced}


def _is_final(result: Result | None) -> bool:
    return result is not None and result.outcome in FINAL_OUTCOMES
