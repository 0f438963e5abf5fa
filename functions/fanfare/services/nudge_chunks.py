"""Giving the chunks of a broadcast their slots and their tasks, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fanfare.domain.chunk import ChunkKey, ChunkTask
from fanfare.domain.fanning import LOOK_AGAIN, PAGE, Advanced, Again, Fanout, Phase, Rescan, after_page, is_wanted
from fanfare.domain.notification import FIRST_CHECK, Notification
from fanfare.domain.pace import pace_of
from fanfare.domain.pacing import BULK_LANE, HORIZON, Flow, Pacing, plan_slots
from fanfare.domain.tenant_settings import DEFAULT_QUOTA_PER_MINUTE
from fanfare.ports import Deps
from fanfare.services.broadcast_turn import Turn

MOST_MOVES = 2
"""So often is a chunk that comes too late for its slot given another one; then it is sent whenever it comes."""
QUEUE_WAIT = timedelta(seconds=10)


def reserve_slots(deps: Deps, notification: Notification, counts: Sequence[int]) -> tuple[datetime, ...]:
    """Reserve slots for chunks of so many messages; fewer than asked for, where the others are too far ahead."""
    tenant = deps.tenants.get(notification.tenant)
    quota = tenant.settings.quota_per_minute if tenant is not None else DEFAULT_QUOTA_PER_MINUTE
    flow, now = Flow(notification.id, notification.chunk_count, pace_of(notification.request)), deps.clock.now()

    def decide(pacing: Pacing) -> tuple[tuple[datetime, ...], Pacing]:
        return plan_slots(pacing, counts, now, quota_per_minute=quota, flow=flow)

    return deps.pacing.reserve(notification.tenant, BULK_LANE, decide)


def nudge_page(turn: Turn) -> None:
    """Nudge the next chunks of the present stage, at most a thousand, and end the turn."""
    stages = turn.notification.layout.stages if turn.notification.layout else ()
    end = stages[turn.fanout.stage]
    numbers = range(turn.fanout.position, min(turn.fanout.position + PAGE, end))
    slots = reserve_slots(turn.deps, turn.notification, [turn.fanout.expected] * len(numbers))
    if slots and not _enqueue(turn, numbers[: len(slots)], slots):
        # The queue takes nothing at all: the position stays, and the same page is nudged again.
        turn.end(lambda _, fanout: Advanced(fanout), turn.deps.clock.now() + QUEUE_WAIT)
        return

    def store(_: Notification, fanout: Fanout) -> Advanced:
        return Advanced(after_page(fanout, len(slots), slots[-1], stage_end=end, stages=len(stages)) if slots else fanout)

    turn.end(store, _again_at(turn, numbers, slots, end, is_last=turn.fanout.stage == len(stages) - 1))


def _again_at(turn: Turn, numbers: range, slots: Sequence[datetime], end: int, *, is_last: bool) -> datetime | None:
    """When the next call is needed: at once for the next page, much later for what is far ahead, and in time to judge a stage that goes slowly."""
    now = turn.deps.clock.now()
    if len(slots) < len(numbers):
        return now + HORIZON / 2
    if numbers.stop < end:
        return now
    nudged = after_page(turn.fanout, len(slots), slots[-1], stage_end=end, stages=turn.fanout.stage + 1 + (not is_last))
    return None if is_last else nudged.judge_at


def rescan(turn: Turn, wanted: Again) -> None:
    """Nudge a page of the chunks that need it again, and end the turn; what is to be ended at once waits for no slot."""
    scan = turn.fanout.rescan if turn.fanout.rescan and turn.fanout.rescan.wanted is wanted else Rescan(wanted)
    end = turn.notification.chunk_count if wanted is Again.OPEN else turn.fanout.position
    page = range(scan.position, min(scan.position + PAGE, end))
    states = turn.deps.broadcasts.chunk_states(turn.notification.tenant, turn.notification.id, page)
    numbers = [number for number in page if is_wanted(wanted, states.get(number))]
    slots = _slots_again(turn, wanted, len(numbers))
    now = turn.deps.clock.now()
    if slots and not _enqueue(turn, numbers[: len(slots)], slots, moves=MOST_MOVES if wanted is Again.OPEN else 0):
        turn.end(lambda _, fanout: Advanced(replace(fanout, rescan=scan)), now + QUEUE_WAIT)
        return
    position = numbers[len(slots)] if len(slots) < len(numbers) else page.stop
    is_done = position >= end
    look_at = slots[-1] + FIRST_CHECK if slots else now + LOOK_AGAIN
    left = None if is_done else Rescan(wanted, position)
    turn.end(lambda _, fanout: Advanced(replace(fanout, rescan=left, look_at=look_at)), _after_scan(turn, len(slots) < len(numbers), is_done=is_done))


def _slots_again(turn: Turn, wanted: Again, number: int) -> tuple[datetime, ...]:
    if wanted is Again.OPEN:
        return (turn.deps.clock.now(),) * number
    return reserve_slots(turn.deps, turn.notification, [turn.fanout.expected] * number)


def _after_scan(turn: Turn, far_ahead: bool, *, is_done: bool) -> datetime | None:  # noqa: FBT001 - whether slots were missing
    """When to go on: at once where pages of the scan or of the broadcast are left."""
    now = turn.deps.clock.now()
    if far_ahead:
        return now + HORIZON / 2
    if not is_done or turn.fanout.phase is Phase.NUDGING:
        return now
    return turn.fanout.judge_at if turn.fanout.phase is Phase.WAITING else None


def _enqueue(turn: Turn, numbers: Sequence[int], slots: Sequence[datetime], moves: int = 0) -> int:
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
