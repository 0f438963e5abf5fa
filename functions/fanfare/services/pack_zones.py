"""Copying whom a broadcast is meant for out of the audience, into chunks for each instant at which its local time comes to somebody.

The shards are read once, whatever the number of zones (domain/zone_packing.py says how a page survives being repeated).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from fanfare.domain.batches import split
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.chunk_limits import close_chunks
from fanfare.domain.fanning import Advanced, Fanout, Phase, end_empty
from fanfare.domain.local_time import LocalTime, group_by_place, instants_anywhere, places_in_time
from fanfare.domain.notification import Counts, Notification
from fanfare.domain.recipient import Recipient
from fanfare.domain.segment_reading import segments_of
from fanfare.domain.send_request import MOST_RECIPIENTS
from fanfare.domain.shard import select_with_zones
from fanfare.domain.zone_packing import ZonePacking, begin_packing, chunk_count, finish_page, first_number, layout_of, settle_page
from fanfare.services.broadcast_turn import Turn

AT_ONCE = 20
"""So many shards are read in one call, says the store."""
PAGE_ROWS = 40_000
"""A page ends a chunk of each instant, full or not: of a small one, most would be small."""
MOST_PAGES = 5
"""What one call of a function has time for."""


class _Page(NamedTuple):
    """Shards up to `until`: the rows of each instant in chunks, and how many rows the local time had come to too long ago."""

    until: int
    chunks: dict[int, list[Sequence[Recipient]]]
    rows: int
    missed: int


def begin_zones(turn: Turn, local: LocalTime) -> None:
    """Pin the audience and fix all instants: another instance may know another database of zones."""
    tenant, deps, name = turn.notification.tenant, turn.deps, turn.notification.id
    audience = deps.audience.pin(tenant, name, deps.clock.now())
    generation = audience.pins[name]
    packing = begin_packing(generation, audience.generations[generation], instants_anywhere(local))
    turn.store(lambda _, fanout: Advanced(replace(fanout, phase=Phase.PACKING, zones=packing)))


def pack_zones(turn: Turn) -> None:
    """Copy page by page until all is copied and laid out; else the turn has ended: another call goes on, or nobody is reached."""
    for _ in range(MOST_PAGES):
        packing, local = turn.fanout.zones, turn.notification.local_time
        if packing is None or local is None:
            raise ValueError("Nothing is being packed.")
        if packing.read == packing.shards:
            _lay_out(turn, packing)
            return
        if turn.deps.lifecycle.is_stopping():
            break
        _pack_page(turn, packing, local)
    turn.end(lambda _, fanout: Advanced(fanout), turn.deps.clock.now())


def _pack_page(turn: Turn, packing: ZonePacking, local: LocalTime) -> None:
    """Settle a page, write it, and note that it is written."""
    placed = _close(turn, packing) if packing.is_settled else frozenset()
    page = _read_page(turn, packing, local, placed)
    settled = settle_page(packing, page.until, {place: len(chunks) for place, chunks in page.chunks.items()})
    turn.store(lambda _, fanout: Advanced(replace(fanout, zones=settled)))
    for place, chunks in page.chunks.items():
        turn.deps.recipients.write(turn.notification.tenant, turn.notification.id, first_number(place) + packing.settled[place], chunks)
    done = finish_page(settled, len(placed) + page.rows, page.missed)
    turn.store(lambda _, fanout: Advanced(replace(fanout, zones=done)))


def _close(turn: Turn, packing: ZonePacking) -> frozenset[str]:
    """Close the numbers of a page that an earlier call has settled: who stands in them, and nobody writes there any more."""
    tenant, name = turn.notification.tenant, turn.notification.id
    for numbers in packing.being_written():
        turn.deps.recipients.write(tenant, name, numbers.start, [()] * len(numbers))
    keys = [ChunkKey(tenant, name, number) for numbers in packing.being_written() for number in numbers]
    return frozenset(row.device_id for key in keys for row in turn.deps.chunks.read_recipients(key))


def _read_page(turn: Turn, packing: ZonePacking, local: LocalTime, placed: frozenset[str]) -> _Page:
    """Read on until there is enough to write, or up to where the page was settled."""
    until = packing.until if packing.is_settled else packing.shards
    rows: list[tuple[Recipient, str | None]] = []
    read = packing.read
    segments, at = segments_of(turn.notification.request), turn.notification.planned_at
    for numbers in split(range(packing.read, until), AT_ONCE):
        for shard in turn.deps.audience.read_shards(turn.notification.tenant, packing.generation, numbers):
            rows += select_with_zones(shard, segments, at)
        read += len(numbers)
        if len(rows) >= PAGE_ROWS and not packing.is_settled:
            break
    groups = group_by_place((row for row in rows if row[0].device_id not in placed), places_in_time(local, packing.dues))
    earliest = local.earliest(turn.notification.created_at)
    missed = sum(len(group) for place, group in groups.items() if packing.dues[place] < earliest)
    chunks = {place: list(close_chunks(group)) for place, group in groups.items() if packing.dues[place] >= earliest}
    return _Page(read, chunks, sum(len(chunk) for closed in chunks.values() for chunk in closed), missed)


def _lay_out(turn: Turn, packing: ZonePacking) -> None:
    """Say which stages there are, and let go of the audience: its rows are the notification's own now."""
    layout, now, deps = layout_of(packing), turn.deps.clock.now(), turn.deps
    if packing.missed:
        deps.log.warning("zones_missed", tenant=turn.notification.tenant, notification=turn.notification.id, recipients=packing.missed)

    def store(notification: Notification, fanout: Fanout) -> Advanced:
        laid_out = replace(notification, layout=layout, chunk_count=chunk_count(layout), counts=Counts(packing.rows, unsent=packing.rows))
        begun = replace(fanout, phase=Phase.NUDGING, expected=min(packing.rows, MOST_RECIPIENTS), position=layout.starts[0], zones=None)
        return Advanced(begun, laid_out)

    if packing.rows:
        turn.store(store)
    else:
        turn.end(lambda notification, fanout: Advanced(fanout, end_empty(notification, now)), None)
    deps.audience.unpin(turn.notification.tenant, turn.notification.id)
