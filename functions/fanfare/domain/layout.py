"""How a notification of many chunks is laid out: where the rows of chunk n stand, and which chunks are sent together before anybody judges.

A notification of one chunk has no layout: its rows are `recipients/0`, and it carries its counts itself.

A stage is a part of a ramp, which is judged before the next one begins, or, where the layout has `dues`, the people to whom a local time comes at one
instant, which is waited for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """Where the rows of a chunk stand: in the notification's own `recipients/{n}`, or in shard n of a generation of the tenant's audience."""

    RECIPIENTS = "recipients"
    AUDIENCE = "audience"


@dataclass(frozen=True, slots=True)
class Layout:
    """`stages` are the chunk numbers at which each stage ends. Empty: it is not laid out yet.

    `generation` is pinned when an audience is laid out, and None where the rows are the notification's own. `dues` are the instants from which each
    stage is sent. `starts` are the numbers at which each stage begins, where these leave gaps; else it begins where the one before it ends.
    """

    source: Source
    generation: int | None = None
    stages: tuple[int, ...] = ()
    dues: tuple[datetime, ...] = ()
    starts: tuple[int, ...] = ()

    def stage_of(self, number: int) -> int:
        """Which stage a chunk belongs to, from 0."""
        return bisect_right(self.stages, number)

    def chunks_of(self, stage: int) -> range:
        """The numbers of a stage's chunks."""
        if self.starts:
            return range(self.starts[stage], self.stages[stage])
        return range(self.stages[stage - 1] if stage else 0, self.stages[stage])

    def numbers(self, start: int = 0) -> Iterator[range]:
        """The numbers of all chunks from one on, in their order, without the gaps; it is one range where there are none."""
        if not self.starts:
            whole = [range(min(start, self.stages[-1]), self.stages[-1])] if self.stages else []
        else:
            whole = [range(max(start, numbers.start), numbers.stop) for numbers in map(self.chunks_of, range(len(self.stages)))]
        return (numbers for numbers in whole if numbers)

    def holds(self, number: int) -> bool:
        """Tell whether there is a chunk of this number."""
        stage = self.stage_of(number)
        return stage < len(self.stages) and number in self.chunks_of(stage)

    def due_of(self, stage: int) -> datetime | None:
        """From when a stage is sent; None where it does not wait for an instant, or where there is no such stage."""
        return self.dues[stage] if stage < len(self.dues) else None
