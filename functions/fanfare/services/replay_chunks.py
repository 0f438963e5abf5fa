"""Sending again to whoever failed in chunks of many, in fresh slots and with a new life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fanfare.domain.audit import AuditEntry
from fanfare.domain.broadcast_steering import replay_broadcast
from fanfare.domain.chunk import Chunk, ChunkTask
from fanfare.domain.dead_letter import DeadLetter, count_replayable, plan_replay
from fanfare.domain.errors import Conflict
from fanfare.domain.notification import Notification
from fanfare.ports import Deps
from fanfare.services.nudge_chunks import reserve_slots

PAGE = 20
"""So many chunks are sent again by one commit: their results stay below its 3 MiB."""
_TRIES = 3


def replay_chunks(deps: Deps, request_id: str, letters: Sequence[DeadLetter], audit: AuditEntry) -> Sequence[DeadLetter]:
    """Replay dead letters of one notification, at most a page of them; returns those that were.

    One whose chunk is under way, or has nothing left to replay, is left out. Conflict if the notification was cancelled, or others are at it.
    """
    for _ in range(_TRIES if letters else 0):
        key = letters[0].key
        notification = deps.notifications.get(key.tenant, key.notification_id)
        chunks = [chunk for chunk in deps.chunks.get_many([letter.key for letter in letters]) if chunk is not None and count_replayable(chunk)]
        if notification is None or not chunks:
            return []
        again = replay_broadcast(notification, deps.clock.now())
        tasks, planned = _plan(deps, notification, chunks)
        wanted = {chunk.key for chunk in planned}
        replayed = [replace(letter, replayed_at=deps.clock.now()) for letter in letters if letter.key in wanted]
        if deps.progress.replay(again, planned, replayed, audit):
            deps.tasks.enqueue_chunks(tasks, request_id)
            return replayed
    if letters:
        raise Conflict("These dead letters are being replayed already.")
    return []


def _plan(deps: Deps, notification: Notification, chunks: Sequence[Chunk]) -> tuple[list[ChunkTask], list[Chunk]]:
    slots = reserve_slots(deps, notification, [count_replayable(chunk) for chunk in chunks])
    last = slots[-1] if slots else deps.clock.now()
    pairs = [(chunk, slots[number] if number < len(slots) else last) for number, chunk in enumerate(chunks)]
    plans = [(plan_replay(chunk, notification, slot), slot) for chunk, slot in pairs]
    planned = [(plan.chunk, slot) for plan, slot in plans if plan is not None]
    return [ChunkTask(chunk.key, slot) for chunk, slot in planned], [chunk for chunk, _ in planned]
