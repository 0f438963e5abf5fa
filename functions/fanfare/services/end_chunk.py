"""Storing the end of a pass over a chunk, and nudging what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fanfare.domain.broadcast_progress import part_of
from fanfare.domain.chunk import Chunk, ChunkState, ChunkTask
from fanfare.domain.dead_letter import DeadLetter, dead_letter_of
from fanfare.domain.delivery import ChunkPlan
from fanfare.domain.event import Event
from fanfare.domain.notification import Notification
from fanfare.ports import Deps
from fanfare.services.announce_chunk import chunk_events
from fanfare.services.announce_status import status_events
from fanfare.services.complete_broadcast import end_part
from fanfare.services.new_events import nudge_deliveries


@dataclass(frozen=True, slots=True)
class Begun:
    """What the end of a pass changes: the notification and the chunk as this call read or wrote them last."""

    notification: Notification
    chunk: Chunk


def store_end(deps: Deps, begun: Begun, plan: ChunkPlan, request_id: str, generation: int | None = None) -> bool:
    """Store a pass's end with its events, and nudge what comes next; False if the claim was lost, or the chunk was told something else meanwhile."""
    chunk = plan.chunk
    letter = dead_letter_of(chunk, deps.clock.now()) if chunk.state is ChunkState.DONE else None
    events = _events(deps, begun, plan)
    if not _conclude(deps, replace(plan, chunk=replace(chunk, unannounced=())), letter, events, request_id):
        return False
    if letter is not None:
        key = chunk.key
        deps.log.warning("dead_lettered", tenant=key.tenant, notification=key.notification_id, chunk=key.number, reason=letter.reason)
    nudge_deliveries(deps, events)
    if plan.due_at is not None:
        _nudge(deps, plan, plan.due_at, request_id, generation)
    log_end(deps, chunk)
    return True


def store_unbegun(deps: Deps, plan: ChunkPlan, request_id: str) -> bool:
    """Store a chunk of many that nobody has claimed and that nothing is sent of; False if somebody has claimed it."""
    layout, chunk = plan.notification.layout, plan.chunk
    done = deps.progress.create_ended(chunk, part_of(layout, chunk.key.number)) if layout is not None else None
    if layout is None or done is None:
        return False
    log_end(deps, chunk)
    end_part(deps, plan.notification, part_of(layout, chunk.key.number), done, request_id)
    return True


def _events(deps: Deps, begun: Begun, plan: ChunkPlan) -> tuple[Event, ...]:
    """What a pass's end tells. Of many chunks none knows what it makes of their notification."""
    told = chunk_events(deps, plan.notification, begun.chunk, plan.chunk.results)
    return told if plan.notification.layout is not None else (*told, *status_events(deps, begun.notification, plan.notification))


def _conclude(deps: Deps, plan: ChunkPlan, letter: DeadLetter | None, events: Sequence[Event], request_id: str) -> bool:
    layout, chunk = plan.notification.layout, plan.chunk
    if layout is None:
        return deps.chunks.conclude(chunk, plan.notification, letter, events=events)
    part = part_of(layout, chunk.key.number)
    done = deps.progress.conclude(chunk, part, letter, events=events)
    if done is not None:
        end_part(deps, plan.notification, part, done, request_id)
    return done is not None


def _nudge(deps: Deps, plan: ChunkPlan, due_at: datetime, request_id: str, generation: int | None) -> None:
    if plan.notification.layout is None:
        deps.tasks.enqueue_send(plan.chunk.key, request_id, due_at)
    else:
        deps.tasks.enqueue_chunks([ChunkTask(plan.chunk.key, due_at, generation)], request_id)


def log_end(deps: Deps, chunk: Chunk) -> None:
    """Say what a chunk has come to."""
    counts = chunk.counts
    deps.log.info(
        "chunk_delivered",
        notification=chunk.key.notification_id,
        chunk=chunk.key.number,
        attempt=chunk.attempt,
        state=chunk.state.value,
        reason=chunk.reason,
        sent=counts.sent,
        failed=counts.failed,
        retrying=counts.retrying,
        unsent=counts.unsent,
        seconds=_seconds(chunk.started_at, deps.clock.now()),
    )


def _seconds(started: datetime, now: datetime) -> float:
    return round((now - started).total_seconds(), 3)
