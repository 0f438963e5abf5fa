"""Counting a notification of many chunks: each chunk adds what it has come to, and takes back what it had added before.

The sums of a stage are spread over up to sixteen parts, by chunk number, so that no document is written by all chunks. What is added is always the
difference between what a chunk counts now and what it has `counted` before, in the commit that stores both: retries, replays, holds and
cancellations keep the sums equal to the chunks, whatever their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from fanfare.domain.layout import Layout
from fanfare.domain.message import Platform
from fanfare.domain.metrics import Counters, Family, present
from fanfare.domain.notification import Counts
from fanfare.domain.outcome import Outcome, Result, count_retries

PARTS = 16
COUNTED = ("targeted", "sent", "failed", "retrying", "unsent")
_BY_PLATFORM = (Outcome.SENT, Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class Sums:
    """What chunks have come to: how many are final, recipients by outcome, failures by code, and what was sent and failed by platform.

    `measures` are numbers of the fleet that nothing else of it says (metrics.py).
    """

    done: int = 0
    counts: Counts = field(default_factory=Counts)
    errors: Mapping[str, int] = field(default_factory=dict)
    platforms: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    measures: Counters = field(default_factory=dict)


NOTHING = Sums()


class Part(NamedTuple):
    """The chunks of a stage that are counted together: those of one number modulo 16."""

    stage: int
    number: int

    @property
    def name(self) -> str:
        """What it is stored under."""
        return f"{self.stage}-{self.number}"


@dataclass(frozen=True, slots=True)
class Progress:
    """The sums of each stage, in their order."""

    stages: tuple[Sums, ...] = ()

    @property
    def total(self) -> Sums:
        """The sums of all stages."""
        return add_sums(self.stages)


def sums_of(results: Collection[Result], counts: Counts, *, is_final: bool) -> Sums:
    """What one chunk counts."""
    errors: Counter[str] = Counter()
    platforms: dict[str, Counter[str]] = {}
    for (outcome, detail, platform), number in Counter(_keys(results)).items():
        if outcome is Outcome.FAILED:
            errors[detail] += number
        if outcome in _BY_PLATFORM and platform is not None:
            platforms.setdefault(platform.value, Counter())[outcome.value] += number
    measures = present({Family.RETRIED.value: count_retries(results)})
    return Sums(int(is_final), counts, dict(errors), {name: dict(numbers) for name, numbers in platforms.items()}, measures)


def _keys(results: Iterable[Result]) -> list[tuple[Outcome, str, Platform | None]]:
    """What results are counted by; a message id is no code."""
    return [(row.outcome, row.detail if row.outcome is Outcome.FAILED else "", row.platform) for row in results]


def difference(after: Sums, before: Sums) -> Sums:
    """What is to be added, so that `before` becomes `after`; less than nothing where something became less."""
    return _combined((after, 1), (before, -1))


def add_sums(sums: Iterable[Sums]) -> Sums:
    """Several sums together."""
    return _combined(*((one, 1) for one in sums))


def _combined(*signed: tuple[Sums, int]) -> Sums:
    counts = {name: sum(sign * getattr(one.counts, name) for one, sign in signed) for name in COUNTED}
    names = {name for one, _ in signed for name in one.platforms}
    platforms = {name: _summed((one.platforms.get(name, {}), sign) for one, sign in signed) for name in names}
    return Sums(
        sum(sign * one.done for one, sign in signed),
        Counts(**counts),
        _summed((one.errors, sign) for one, sign in signed),
        {name: numbers for name, numbers in platforms.items() if numbers},
        _summed((one.measures, sign) for one, sign in signed),
    )


def _summed(signed: Iterable[tuple[Mapping[str, int], int]]) -> dict[str, int]:
    numbers: Counter[str] = Counter()
    for mapping, sign in signed:
        for name, number in mapping.items():
            numbers[name] += sign * number
    return {name: number for name, number in numbers.items() if number}


def part_of(layout: Layout, number: int) -> Part:
    """Where a chunk is counted."""
    return Part(layout.stage_of(number), number % PARTS)


def parts_of(layout: Layout, stage: int) -> list[Part]:
    """The parts of a stage that have chunks."""
    numbers = layout.chunks_of(stage)
    return [Part(stage, number) for number in range(PARTS) if size_of(layout, Part(stage, number))] if numbers else []


def size_of(layout: Layout, part: Part) -> int:
    """How many chunks a part has."""
    numbers = layout.chunks_of(part.stage)
    first = numbers.start + (part.number - numbers.start) % PARTS
    return len(range(first, numbers.stop, PARTS))


def is_stage_done(layout: Layout, stage: int, progress: Progress) -> bool:
    """Tell whether all chunks of a stage are final."""
    return progress.stages[stage].done == len(layout.chunks_of(stage))


def is_all_done(layout: Layout, progress: Progress) -> bool:
    """Tell whether all chunks are final; never of what is not laid out."""
    return bool(layout.stages) and all(is_stage_done(layout, stage, progress) for stage in range(len(layout.stages)))
