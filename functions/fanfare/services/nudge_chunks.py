"""Giving the chunks of a broadcast their slots and their tasks, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fanfare.domain.chunk import ChunkKey, ChunkTask
from fanfare.domain.fanning import PAGE, Advanced, Fanout, Phase, after_page, begin_sending
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Notification
from fanfare.domain.pace import pace_of
from fanfare.domain.pacing import BULK_LANE, HORIZON, Flow, Pacing, plan_slots
from fanfare.domain.tenant_settings import DEFAULT_QUOTA_PER_MINUTE
from fanfare.ports import Deps
from fanfare.services.broadcast_turn import Turn

MOST_MOVES = 2
"""So often is a chunk that comes too late for its slot given another one; then it is sent whenever it comes."""
QUEUE_WAIT = timedelta(seconds=10)


def reserve_slots(deps: Deps, notification: Notification, counts: Sequence[int], *, total: int | None = None) -> tuple[datetime, ...]:
    """Reserve slots for chunks of so many messages; fewer than asked for, where the others are too far ahead.

    `total` is how many chunks are spread out together: all of the notification's unless it is given.
    """
    tenant = deps.tenants.get(notification.tenant)
    quota = tenant.settings.quota_per_minute if tenant is not None else DEFAULT_QUOTA_PER_MINUTE
    flow, now = Flow(notification.id, total or notification.chunk_count, pace_of(notification.request)), deps.clock.now()

    def decide(pacing: Pacing) -> tuple[tuple[datetime, ...], Pacing]:
        return plan_slots(pacing, counts, now, quota_per_minute=quota, flow=flow)

    return deps.pacing.reserve(notification.tenant, BULK_LANE, decide)


def nudge_page(turn: Turn) -> None:
    """Nudge the next chunks of the present stage, at most a thousand, and end the turn; also where the stage's instant has not come."""
    layout, now = turn.notification.layout or Layout(Source.RECIPIENTS), turn.deps.clock.now()
    due = layout.due_of(turn.fanout.stage)
    if due is not None and due > now:
        turn.end(lambda _, fanout: Advanced(fanout), due)
        return
    end = layout.stages[turn.fanout.stage]
    numbers = range(turn.fanout.position, min(turn.fanout.position + PAGE, end))
    together = len(layout.chunks_of(turn.fanout.stage)) if due is not None else None
    slots = reserve_slots(turn.deps, turn.notification, [turn.fanout.expected] * len(numbers), total=together)
    if slots and not enqueue_chunks(turn, numbers[: len(slots)], slots):
        # The queue takes nothing at all: the position stays, and the same page is nudged again.
        turn.end(lambda _, fanout: Advanced(fanout), now + QUEUE_WAIT)
        return

    def store(notification: Notification, fanout: Fanout) -> Advanced:
        begun = begin_sending(notification, now) if due is not None else None
        return Advanced(after_page(fanout, len(slots), slots[-1], layout) if slots else fanout, begun)

    turn.end(store, _again_at(turn, numbers, slots, layout))


def _again_at(turn: Turn, numbers: range, slots: Sequence[datetime], layout: Layout) -> datetime | None:
    """When the next call is needed: at once for the next page, much later for what is far ahead, and in time for the next stage."""
    now = turn.deps.clock.now()
    if len(slots) < len(numbers):
        return now + HORIZON / 2
    nudged = after_page(turn.fanout, len(slots), slots[-1], layout)
    return now if nudged.phase is Phase.NUDGING else nudged.judge_at


def enqueue_chunks(turn: Turn, numbers: Sequence[int], slots: Sequence[datetime], *, moves: int = 0) -> int:
    """Give chunks their tasks; returns how many the queue took."""
    notification = turn.notification
    generation = notification.layout.generation if notification.layout else None
    tasks = [
        ChunkTask(ChunkKey(notification.tenant, notification.id, number), slot, generation, moves)
        for number, slot in zip(numbers, slots, strict=True)
    ]
    took = turn.deps.tasks.enqueue_chunks(tasks, turn.request_id)
    if took < len(tasks):
        # They are found by their missing documents, a minute after the last slot.
        turn.deps.log.warning("chunks_refused", notification=notification.id, refused=len(tasks) - took)
    return took
