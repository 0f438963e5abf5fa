"""How far an audience was copied out of its shards for a local time: read once, written to as many groups of chunks as there are instants.

Each instant has a range of numbers of its own, so that every page of the shards appends to all of them. A page is settled before it is written:
which shards it reads, and how many chunks of each instant it may write. Shards are rewritten meanwhile, and a device may have moved to another zone:
whoever repeats a page first closes the numbers that were settled, by creating those that are missing without rows. After that nobody writes there any
more, and who stands in them is not written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from fanfare.domain.layout import Layout, Source

STRIDE = 100_000
"""The numbers of one instant: at 500 rows a chunk, for fifty million recipients of one zone."""


@dataclass(frozen=True, slots=True)
class ZonePacking:
    """Of the `shards` of a generation `read` are copied; those before `until` are being copied now, if it is beyond.

    `dues` are all instants, in their order. `written` counts the chunks of each that hold what was read, `settled` also those of the page that is
    being copied. `rows` counts what is in them, `missed` whom the local time had come to too long ago.
    """

    generation: int
    shards: int
    dues: tuple[datetime, ...]
    written: tuple[int, ...]
    settled: tuple[int, ...]
    read: int = 0
    until: int = 0
    rows: int = 0
    missed: int = 0

    @property
    def is_settled(self) -> bool:
        """Tell whether an earlier call may have written some of the next page."""
        return self.until > self.read

    def being_written(self) -> list[range]:
        """The numbers that the page under way may have written."""
        counts = enumerate(zip(self.written, self.settled, strict=True))
        return [range(first_number(place) + old, first_number(place) + new) for place, (old, new) in counts if new > old]


def begin_packing(generation: int, shards: int, dues: tuple[datetime, ...]) -> ZonePacking:
    """Nothing is read yet."""
    none = (0,) * len(dues)
    return ZonePacking(generation, shards, dues, written=none, settled=none)


def first_number(place: int) -> int:
    """Where the numbers of an instant begin."""
    return place * STRIDE


def settle_page(packing: ZonePacking, until: int, chunks: Mapping[int, int]) -> ZonePacking:
    """Say what is about to be written: shards up to `until`, and so many more chunks of each instant."""
    settled = tuple(count + chunks.get(place, 0) for place, count in enumerate(packing.settled))
    return replace(packing, until=until, settled=settled)


def finish_page(packing: ZonePacking, rows: int, missed: int) -> ZonePacking:
    """Note that a page was written: so many rows."""
    return replace(packing, read=packing.until, written=packing.settled, rows=packing.rows + rows, missed=packing.missed + missed)


def layout_of(packing: ZonePacking) -> Layout:
    """The stages of what was copied: one for each instant that somebody is sent to at."""
    used = [place for place, count in enumerate(packing.written) if count]
    return Layout(
        Source.RECIPIENTS,
        stages=tuple(first_number(place) + packing.written[place] for place in used),
        dues=tuple(packing.dues[place] for place in used),
        starts=tuple(map(first_number, used)),
    )


def chunk_count(layout: Layout) -> int:
    """How many chunks a layout has."""
    return sum(map(len, layout.numbers()))
