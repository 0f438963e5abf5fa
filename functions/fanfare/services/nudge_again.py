"""Nudging chunks again that need it: those that a pause held, that nobody has begun, or that are to be ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile

from fanfare.domain.chunk import ChunkState
from fanfare.domain.fanning import LOOK_AGAIN, PAGE, Advanced, Again, Phase, Rescan, is_wanted
from fanfare.domain.layout import Layout
from fanfare.domain.notification import FIRST_CHECK, chunk_numbers
from fanfare.domain.pacing import HORIZON
from fanfare.services.broadcast_turn import Turn
from fanfare.services.nudge_chunks import MOST_MOVES, QUEUE_WAIT, enqueue_chunks, reserve_slots


def rescan(turn: Turn, wanted: Again) -> None:
    """Nudge a page of the chunks that need it again, and end the turn; what is to be ended at once waits for no slot."""
    scan = turn.fanout.rescan if turn.fanout.rescan and turn.fanout.rescan.wanted is wanted else Rescan(wanted, _first(turn, wanted))
    page, following = _page(turn, scan)
    numbers = [number for number, state in _states(turn, page) if is_wanted(wanted, state)]
    slots, now = _slots_again(turn, wanted, len(numbers)), turn.deps.clock.now()
    if slots and not enqueue_chunks(turn, numbers[: len(slots)], slots, moves=MOST_MOVES if wanted is Again.OPEN else 0):
        turn.end(lambda _, fanout: Advanced(replace(fanout, rescan=scan)), now + QUEUE_WAIT)
        return
    is_far_ahead = len(slots) < len(numbers)
    position = numbers[len(slots)] if is_far_ahead else following
    left = Rescan(wanted, position) if position is not None else None
    look_at = slots[-1] + FIRST_CHECK if slots else _look_again(turn)
    again_at = now + HORIZON / 2 if is_far_ahead else _after_scan(turn, wanted, is_done=left is None)
    turn.end(lambda _, fanout: Advanced(replace(fanout, rescan=left, look_at=look_at)), again_at)


def _first(turn: Turn, wanted: Again) -> int:
    """Where a scan begins: what nobody has begun of an earlier stage than the one that is waited with was found after that one."""
    layout = turn.notification.layout
    is_later = layout is not None and wanted is Again.UNBEGUN and _next_due(turn) is not None
    return layout.chunks_of(turn.fanout.stage).start if layout is not None and is_later else 0


def _page(turn: Turn, scan: Rescan) -> tuple[Sequence[int], int | None]:
    """The next numbers of a scan, and the one after them: of all chunks where all are to be ended, else of those that had a task."""
    numbers: Iterable[int] = chunk_numbers(turn.notification, scan.position)
    if scan.wanted is not Again.OPEN:
        end = turn.fanout.position
        numbers = takewhile(lambda number: number < end, numbers)
    page = list(islice(numbers, PAGE + 1))
    return page[:PAGE], page[PAGE] if len(page) > PAGE else None


def _states(turn: Turn, page: Sequence[int]) -> list[tuple[int, ChunkState | None]]:
    notification = turn.notification
    found: dict[int, ChunkState] = {}
    for numbers in _ranges(page, notification.layout):
        found.update(turn.deps.broadcasts.chunk_states(notification.tenant, notification.id, numbers))
    return [(number, found.get(number)) for number in page]


def _ranges(page: Sequence[int], layout: Layout | None) -> list[range]:
    """A page as ranges without a gap."""
    if not page or layout is None:
        return []
    return [range(numbers.start, min(numbers.stop, page[-1] + 1)) for numbers in layout.numbers(page[0]) if numbers.start <= page[-1]]


def _slots_again(turn: Turn, wanted: Again, number: int) -> tuple[datetime, ...]:
    if wanted is Again.OPEN:
        return (turn.deps.clock.now(),) * number
    return reserve_slots(turn.deps, turn.notification, [turn.fanout.expected] * number)


def _look_again(turn: Turn) -> datetime:
    """When to look for lost chunks where none was found: while the next zone is waited for there is nothing new to lose."""
    later, following = turn.deps.clock.now() + LOOK_AGAIN, _next_due(turn)
    return later if following is None else max(later, following + FIRST_CHECK)


def _after_scan(turn: Turn, wanted: Again, *, is_done: bool) -> datetime | None:
    """When to go on: at once where pages of the scan or of the broadcast are left."""
    if not is_done or turn.fanout.phase is Phase.NUDGING:
        return turn.deps.clock.now()
    if turn.fanout.phase is not Phase.WAITING:
        return None
    following = _next_due(turn)
    is_asked_for = following is not None and following > turn.deps.clock.now() and wanted is Again.UNBEGUN
    return None if is_asked_for else turn.fanout.judge_at


def _next_due(turn: Turn) -> datetime | None:
    """The instant that is waited for, where the stages are those of a local time."""
    layout = turn.notification.layout
    return turn.fanout.judge_at if layout is not None and layout.dues and turn.fanout.phase is Phase.WAITING else None
