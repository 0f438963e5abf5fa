"""Copying the few rows that a segment matches out of a big audience into dense recipients of the notification's own.

A chunk costs the same whether it has five recipients or five hundred, and a shard of which little matches is a chunk with few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from fanfare.domain.batches import split
from fanfare.domain.fanning import Advanced, Fanout, Packing, Phase, begin_sending, end_empty
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Counts, Notification
from fanfare.domain.pace import pace_of, stages_of
from fanfare.domain.recipient import Recipient
from fanfare.domain.segment_reading import segments_of
from fanfare.domain.send_request import MOST_RECIPIENTS
from fanfare.domain.shard import select
from fanfare.services.broadcast_turn import Turn

AT_ONCE = 20
"""So many shards are read in one call, says the store."""
PAGE_SHARDS = 200
PAGE_ROWS = 5_000
MOST_PAGES = 20
"""What one call of a function has time for."""


class Page(NamedTuple):
    """Groups of whole shards: where each ends, and its rows."""

    read: int
    ends: tuple[int, ...]
    groups: tuple[tuple[Recipient, ...], ...]


def pack_audience(turn: Turn) -> bool:
    """Copy page by page; True once all is copied and laid out, else the turn has ended: another call goes on, or nobody is reached."""
    for _ in range(MOST_PAGES):
        packing = _packing_of(turn)
        if packing.read == packing.shards:
            return _lay_out(turn)
        if turn.deps.lifecycle.is_stopping():
            break
        _pack_page(turn, packing)
    turn.end(lambda _, fanout: Advanced(fanout), turn.deps.clock.now())
    return False


def _pack_page(turn: Turn, packing: Packing) -> None:
    """Settle which shards go together, write them, and note that they are written: whoever repeats it writes the same."""
    page = _read_again(turn, packing) if packing.ends else _read_page(turn, packing)
    if not packing.ends and page.ends:
        packing = replace(packing, ends=page.ends)
        turn.store(lambda _, fanout: Advanced(replace(fanout, packing=packing)))
    turn.deps.recipients.write(turn.notification.tenant, turn.notification.id, packing.written, page.groups)
    rows = packing.rows + sum(map(len, page.groups))
    done = replace(packing, read=page.read, written=packing.written + len(page.groups), rows=rows, ends=())
    turn.store(lambda _, fanout: Advanced(replace(fanout, packing=done)))


def _read_page(turn: Turn, packing: Packing) -> Page:
    """Read on until there is enough to write, and put whole shards together as long as they fit into one chunk."""
    groups: list[list[Recipient]] = []
    ends: list[int] = []
    read, rows = packing.read, 0
    for matching in _matching(turn, packing, range(packing.read, min(packing.read + PAGE_SHARDS, packing.shards))):
        read, rows = read + 1, rows + len(matching)
        if groups and len(groups[-1]) + len(matching) <= MOST_RECIPIENTS:
            groups[-1] += matching
            ends[-1] = read
        elif matching:
            groups.append(list(matching))
            ends.append(read)
        if rows >= PAGE_ROWS:
            break
    return Page(read, tuple(ends), tuple(map(tuple, groups)))


def _read_again(turn: Turn, packing: Packing) -> Page:
    """Read the groups that an earlier call had settled; what it had written of them already stays as it is."""
    starts = (packing.read, *packing.ends[:-1])
    groups = (
        tuple(row for matching in _matching(turn, packing, range(start, end)) for row in matching)
        for start, end in zip(starts, packing.ends, strict=True)
    )
    return Page(packing.ends[-1], packing.ends, tuple(groups))


def _matching(turn: Turn, packing: Packing, numbers: range) -> Iterator[Sequence[Recipient]]:
    segments, at = segments_of(turn.notification.request), turn.notification.planned_at
    for some in split(list(numbers), AT_ONCE):
        for shard in turn.deps.audience.read_shards(turn.notification.tenant, packing.generation, some):
            yield select(shard, segments, at)


def _packing_of(turn: Turn) -> Packing:
    if turn.fanout.packing is None:
        raise ValueError("Nothing is being packed.")
    return turn.fanout.packing


def _lay_out(turn: Turn) -> bool:
    packing, now = _packing_of(turn), turn.deps.clock.now()
    if packing.rows == 0:
        turn.end(lambda notification, fanout: Advanced(fanout, end_empty(notification, now)), None)
        turn.deps.audience.unpin(turn.notification.tenant, turn.notification.id)
        return False

    def store(notification: Notification, fanout: Fanout) -> Advanced:
        layout = Layout(Source.RECIPIENTS, stages=stages_of(packing.written, pace_of(notification.request).ramp))
        laid_out = replace(
            begin_sending(notification, now), layout=layout, chunk_count=packing.written, counts=Counts(packing.rows, unsent=packing.rows)
        )
        expected = -(-packing.rows // packing.written)
        return Advanced(replace(fanout, phase=Phase.NUDGING, expected=expected, packing=None), laid_out)

    turn.store(store)
    # Its rows are its own now: the generation need not be kept for it.
    turn.deps.audience.unpin(turn.notification.tenant, turn.notification.id)
    return True
