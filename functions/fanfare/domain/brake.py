"""The brake: when an implausible share of targets dies the same way at once, it is not the targets that are wrong.

One policy: at least 50 results, of one chunk or of the tenant's sends that an instance made within ten minutes, and more than half of them retiring
with the same answer. Then nothing is retired and the tenant is quarantined until somebody has looked: a wrong credential would otherwise empty its
audience within minutes. What was seen before the release of a quarantine no longer counts: somebody has judged it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fanfare.domain.classification import Kind

FEWEST_RESULTS = 50
PLAUSIBLE_SHARE = 0.5
WINDOW = timedelta(minutes=10)
MOST_HELD_CHUNKS = 100


@dataclass(frozen=True, slots=True)
class Tally:
    """Answers of one pass: how many in all, and how many of each kind that retires a target."""

    at: datetime
    results: int
    retiring: Mapping[Kind, int]


@dataclass(frozen=True, slots=True)
class HeldChunk:
    """A chunk whose dying targets were not retired."""

    notification_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Why a tenant is held, since when, and the chunks whose targets wait for a decision."""

    reason: str
    since: datetime
    held: tuple[HeldChunk, ...]


def within_window(tallies: Iterable[Tally], now: datetime) -> list[Tally]:
    """The tallies that still count at `now`."""
    return [tally for tally in tallies if now - tally.at <= WINDOW]


def since_release(tallies: Iterable[Tally], released_at: datetime | None) -> list[Tally]:
    """The tallies that no release has settled; every instance remembers its own, and none is told of a release."""
    return [tally for tally in tallies if released_at is None or tally.at > released_at]


def implausible_kind(tallies: Collection[Tally]) -> Kind | None:
    """The kind of answer that too many targets died of, in one tally or in all together; None if the share is plausible."""
    results = sum(tally.results for tally in tallies)
    together: Counter[Kind] = Counter()
    for tally in tallies:
        together.update(tally.retiring)
    latest = list(tallies)[-1:]
    return next((kind for one in latest if (kind := _implausible(one.retiring, one.results))), None) or _implausible(together, results)


def _implausible(retiring: Mapping[Kind, int], results: int) -> Kind | None:
    if results < FEWEST_RESULTS or not retiring:
        return None
    kind, number = Counter(retiring).most_common(1)[0]
    return kind if number > results * PLAUSIBLE_SHARE else None


def add_held(quarantine: Quarantine | None, reason: str, chunk: HeldChunk, now: datetime) -> Quarantine | None:
    """Begin a quarantine or add a chunk to it; None if there is nothing to add."""
    if quarantine is None:
        return Quarantine(reason, now, (chunk,))
    if chunk in quarantine.held or len(quarantine.held) >= MOST_HELD_CHUNKS:
        return None
    return Quarantine(quarantine.reason, quarantine.since, (*quarantine.held, chunk))
