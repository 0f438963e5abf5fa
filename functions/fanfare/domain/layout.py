"""How a notification of many chunks is laid out: where the rows of chunk n stand, and which chunks are sent together before anybody judges.

A notification of one chunk has no layout: its rows are `recipients/0`, and it carries its counts itself.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Where the rows of a chunk stand: in the notification's own `recipients/{n}`, or in shard n of a generation of the tenant's audience."""

    RECIPIENTS = "recipients"
    AUDIENCE = "audience"


@dataclass(frozen=True, slots=True)
class Layout:
    """`stages` are the chunk numbers at which each stage ends; the last is the number of chunks. Empty: it is not laid out yet.

    `generation` is pinned when an audience is laid out, and None where the rows are the notification's own.
    """

    source: Source
    generation: int | None = None
    stages: tuple[int, ...] = ()

    def stage_of(self, number: int) -> int:
        """Which stage a chunk belongs to, from 0."""
        return bisect_right(self.stages, number)

    def chunks_of(self, stage: int) -> range:
        """The numbers of a stage's chunks."""
        return range(self.stages[stage - 1] if stage else 0, self.stages[stage])
