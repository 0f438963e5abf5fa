"""The events of a pass over a chunk, if somebody wants them: whose outcomes have become final, and what became of the notification by that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from fanfare.domain.chunk import Chunk, ChunkState
from fanfare.domain.chunk_events import KIND_OF, chunk_data, unannounced_of
from fanfare.domain.event import Event
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Result
from fanfare.domain.steering import Steered
from fanfare.ports import Deps
from fanfare.services.announce_status import status_events
from fanfare.services.new_events import Telling, is_any_wanted, make_events

_KINDS = tuple(KIND_OF.values())


def kept_for_later(deps: Deps, notification: Notification, stored: Chunk, results: Mapping[str, Result]) -> tuple[str, ...]:
    """What a checkpoint has to remember, so that it is announced whatever becomes of this call: whose final outcomes nobody was told of yet."""
    return unannounced_of(stored, results) if _is_told(deps, notification) else ()


def chunk_events(deps: Deps, notification: Notification, stored: Chunk, results: Mapping[str, Result]) -> tuple[Event, ...]:
    """Announce whose outcomes are final by `results` and were not announced, the chunk being stored like this: an event for each kind."""
    if not _is_told(deps, notification):
        return ()
    fresh = [(device_id, results[device_id]) for device_id in unannounced_of(stored, results)]
    events: tuple[Event, ...] = ()
    for outcome, kind in KIND_OF.items():
        told = [row for row in fresh if row[1].outcome is outcome]
        if told:
            data = partial(chunk_data, notification, stored.key.number, told)
            events += make_events(deps, notification.tenant, kind, data, notification_ids=(notification.id,), request_id=notification.request_id)
    return events


def announce_steering(telling: Telling, before: Notification, steered: Steered | None) -> Steered | None:
    """Let a decision about a notification and its chunk tell of what it does.

    A chunk that no call holds any more may keep what a call that died has not announced; one that is being sent is left to its call.
    """
    if steered is None:
        return None
    events, chunk = status_events(telling.deps, before, steered.notification), steered.chunk
    if chunk.unannounced and chunk.state is not ChunkState.CLAIMED:
        events = (*chunk_events(telling.deps, steered.notification, chunk, chunk.results), *events)
        chunk = replace(chunk, unannounced=())
    return replace(steered, chunk=chunk, events=telling.told(events))


def _is_told(deps: Deps, notification: Notification) -> bool:
    # A dry run reaches nobody.
    return not notification.validate_only and is_any_wanted(deps, notification.tenant, _KINDS)
