"""The header of a tenant's audience: which generation of shards is read, up to when it is complete, who may write it, and what is kept of older ones.

| field | rule |
|---|---|
| lease, epoch | one compactor at a time; each raises the epoch, and meeting a higher one it stops at once |
| watermarks | of each bucket: all changes of its devices before then are in every generation that is current or pinned |
| generations | shard count of each one that has documents: the current one, older ones until nothing pins them, one that is being made |
| pins | the generation that a broadcast reads, which goes on being compacted until the broadcast has ended |
| superseded | since when a generation is not the current one (of one that is being made: since it was begun) |
| began_at | since when there is a pass that has not come to its end: one that nobody goes on with is found by this |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from fanfare.domain.buckets import BUCKETS

LEASE = timedelta(seconds=60)
"""Longer than the worst gap between two renewals; so long does a broadcast wait at most for a compaction that died."""
RENEW_AFTER = timedelta(seconds=25)
CLOCK_SKEW = timedelta(seconds=5)
OVERLAP = timedelta(minutes=2)
"""So much later than its own time may a change become visible: the commit that holds it is under way, or our clock is ahead of the server's."""
KEPT = timedelta(minutes=10)
"""How long a generation is kept that nothing pins any more: a fan-out or a delivery may have read the header before it was superseded."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class LostLease(Exception):
    """Somebody else compacts this audience now; whoever meets this has nothing more to write."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who compacts, and until when nobody else may."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Audience:
    """The state of a tenant's audience. `devices` is the number of rows when they were counted last, `is_counted` whether none changed since.

    `newest` is the highest number that a generation ever had: none is used twice. `next_check_at` is when somebody looks after pins and generations.
    `revision` is the store's mark of the state that was read, by which a write is guarded.
    """

    tenant: str
    generation: int = 1
    shards: int = 1
    newest: int = 1
    epoch: int = 0
    devices: int = 0
    is_counted: bool = True
    watermarks: tuple[datetime, ...] = (BEGINNING,) * BUCKETS
    generations: Mapping[int, int] = field(default_factory=lambda: {1: 1})
    pins: Mapping[str, int] = field(default_factory=dict)
    superseded: Mapping[int, datetime] = field(default_factory=dict)
    lease: Lease | None = None
    began_at: datetime | None = None
    compacted_at: datetime | None = None
    next_check_at: datetime | None = None
    revision: object = field(default=None, compare=False, repr=False)

    @property
    def watermark(self) -> datetime:
        """All changes before then are in."""
        return min(self.watermarks)

    @property
    def live_generations(self) -> dict[int, int]:
        """The shard counts of the generations that are compacted: the current one first, then those that are pinned."""
        pinned = sorted(set(self.pins.values()) - {self.generation})
        return {number: self.generations[number] for number in (self.generation, *pinned) if number in self.generations}


def take_lease(audience: Audience, owner: str, now: datetime) -> Audience | None:
    """Become the compactor, under a new epoch; None while somebody else is."""
    if is_compacted(audience, now):
        return None
    begun = replace(audience, lease=Lease(owner, now + LEASE), epoch=audience.epoch + 1, began_at=audience.began_at or now)
    return _checked(begun, now)


def is_compacted(audience: Audience, now: datetime) -> bool:
    """Tell whether somebody may be compacting at this moment."""
    return audience.lease is not None and now <= audience.lease.until + CLOCK_SKEW


def is_renewal_due(held: Audience, now: datetime) -> bool:
    """Tell whether a compactor should renew its lease before it goes on."""
    return held.lease is None or now >= held.lease.until - LEASE + RENEW_AFTER


def renew_lease(stored: Audience, held: Audience, now: datetime) -> Audience:
    """Renew a compactor's lease and store how far it has come. LostLease if it is not the compactor any more."""
    return replace(release_lease(stored, held), lease=Lease(_check_held(stored, held), now + LEASE))


def release_lease(stored: Audience, held: Audience) -> Audience:
    """Let somebody else compact; how far this one came is stored. LostLease if it is not the compactor any more."""
    _check_held(stored, held)
    watermarks = tuple(map(max, stored.watermarks, held.watermarks))
    return replace(stored, watermarks=watermarks, is_counted=stored.is_counted and held.is_counted, lease=None)


def finish_pass(stored: Audience, held: Audience, devices: int, now: datetime) -> Audience:
    """End a pass that has looked at all buckets, its rows counted. LostLease if it is not the compactor any more."""
    ended = replace(release_lease(stored, held), devices=devices, is_counted=True, began_at=None, compacted_at=now)
    return ended if _has_something_to_check(ended) else replace(ended, next_check_at=None)


def begin_generation(stored: Audience, held: Audience, factor: int, now: datetime) -> Audience:
    """Reserve the number `newest` for a generation of `factor` times as many shards; nothing reads it before it is published."""
    newest = stored.newest + 1
    generations = {**stored.generations, newest: stored.shards * factor}
    reserved = replace(renew_lease(stored, held, now), newest=newest, generations=generations, superseded={**stored.superseded, newest: now})
    return _checked(reserved, now)


def publish_generation(stored: Audience, held: Audience, now: datetime) -> Audience:
    """Make the generation that was reserved last the current one; its shards are all written. It may be so already: a lost answer asks again."""
    renewed = renew_lease(stored, held, now)
    if stored.generation == held.newest:
        return renewed
    superseded = {number: at for number, at in stored.superseded.items() if number != held.newest}
    return replace(renewed, generation=held.newest, shards=stored.generations[held.newest], superseded={**superseded, stored.generation: now})


def with_watermark(held: Audience, bucket: int, watermark: datetime) -> Audience:
    """Note that all of a bucket's changes before then are in; a watermark never falls."""
    raised = tuple(max(watermark, mark) if number == bucket else mark for number, mark in enumerate(held.watermarks))
    return replace(held, watermarks=raised)


def pin_generation(audience: Audience, notification_id: str, now: datetime) -> Audience | None:
    """Pin the current generation for a broadcast; None if the broadcast has pinned one already, which it keeps."""
    if notification_id in audience.pins:
        return None
    return _checked(replace(audience, pins={**audience.pins, notification_id: audience.generation}), now)


def release_pins(audience: Audience, notification_ids: Iterable[str]) -> Audience | None:
    """Release the pins of broadcasts that have ended; None if there are none."""
    ended = set(notification_ids)
    left = {pinned: generation for pinned, generation in audience.pins.items() if pinned not in ended}
    return replace(audience, pins=left) if len(left) < len(audience.pins) else None


def droppable_generations(audience: Audience, now: datetime) -> dict[int, int]:
    """The generations, with their shard counts, that nothing reads or will read: superseded for ten minutes, not pinned, not being made."""
    read = {*audience.pins.values(), audience.generation}
    may_be_made = is_compacted(audience, now)
    return {
        number: audience.generations[number]
        for number, at in audience.superseded.items()
        if at + KEPT <= now and number not in read and not (may_be_made and number > audience.generation)
    }


def forget_generations(audience: Audience, dropped: Iterable[int], now: datetime) -> Audience:
    """Forget generations whose documents are deleted, and settle when somebody must look again."""
    gone = set(dropped)
    left = replace(
        audience,
        generations={number: shards for number, shards in audience.generations.items() if number not in gone},
        superseded={number: at for number, at in audience.superseded.items() if number not in gone},
    )
    return replace(left, next_check_at=now + KEPT if _has_something_to_check(left) else None)


def _has_something_to_check(audience: Audience) -> bool:
    return bool(audience.pins or audience.superseded or audience.began_at)


def _check_held(stored: Audience, held: Audience) -> str:
    if stored.lease is None or held.lease is None or (stored.epoch, stored.lease.owner) != (held.epoch, held.lease.owner):
        raise LostLease
    return stored.lease.owner


def _checked(audience: Audience, now: datetime) -> Audience:
    """With a time at which somebody looks after its pins and generations."""
    return replace(audience, next_check_at=audience.next_check_at or now + KEPT)
