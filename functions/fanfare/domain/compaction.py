"""What compaction decides: how changes go into a shard, when there must be more shards, how far a bucket's watermark may rise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fanfare.domain.audience import OVERLAP
from fanfare.domain.shard import Shard, ShardRow, pack_shard, shard_of

MOST_SHARDS = 1 << 20


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large things may be.

    Beyond a `mean` of rows in all shards, or `rows` or `bytes` in one (a document holds 1 MiB), there must be more shards. `page` changes of a bucket
    go into the shards before the next ones are read, `query` at a time; `shards` are read in one call.
    """

    mean: int = 400
    rows: int = 500
    bytes: int = 700 * 1024
    page: int = 20_000
    query: int = 2_000
    shards: int = 20


USUAL_SIZES = Sizes()


@dataclass(frozen=True, slots=True)
class Change:
    """A device that was written: its row now, or None if it is not in the audience: inactive, deleted, erased, or broken by a hand."""

    device_id: str
    updated_at: datetime
    row: ShardRow | None
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class StoredShard:
    """A shard as it was read: by whose epoch it was written, and the store's mark of its state; `revision` is None where there is no document."""

    number: int
    shard: Shard = field(default_factory=Shard)
    epoch: int = 0
    revision: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PackedShard:
    """A shard as it is to be written over `stored`."""

    stored: StoredShard
    rows: int
    blob: bytes = field(repr=False)


def merge(stored: StoredShard, changes: Iterable[Change]) -> PackedShard:
    """Put changed devices into a shard."""
    rows = {row.device_id: row for row in stored.shard.rows()}
    for change in changes:
        rows.pop(change.device_id, None)
        if change.row is not None:
            rows[change.device_id] = change.row
    return PackedShard(stored, len(rows), pack_shard(rows.values()))


def merge_bounded(stored: StoredShard, changes: Sequence[Change], sizes: Sizes) -> PackedShard:
    """Put changed devices into a shard of a superseded generation, which is never divided: where not all have room, those do that were in it.

    A broadcast under way that reads it misses nobody by this whom it was meant for when it began.
    """
    merged, known = merge(stored, changes), set(stored.shard.values("device_id")) if stored.shard.count else set()
    joining = [change for change in changes if change.row is not None and change.device_id not in known]
    while joining and (merged.rows > sizes.rows or len(merged.blob) > sizes.bytes):
        joining = joining[: len(joining) // 2]
        kept = {change.device_id for change in joining} | known
        merged = merge(stored, [change for change in changes if change.device_id in kept])
    return merged


def by_shard(changes: Iterable[Change], shards: int) -> dict[int, list[Change]]:
    """Changes by the shard that each of them belongs to, in the shards' order."""
    placed: dict[int, list[Change]] = {}
    for change in changes:
        placed.setdefault(shard_of(change.device_id, shards), []).append(change)
    return dict(sorted(placed.items()))


def divide(stored: StoredShard, shards: int) -> list[PackedShard]:
    """Divide a shard among those that its rows belong to where there are `shards` of them."""
    rows: dict[int, list[ShardRow]] = {}
    for row in stored.shard.rows():
        rows.setdefault(shard_of(row.device_id, shards), []).append(row)
    return [PackedShard(StoredShard(number), len(held), pack_shard(held)) for number, held in sorted(rows.items())]


def factor_for(merged: Sequence[PackedShard], shards: int, sizes: Sizes) -> int:
    """How many times as many shards there must be before these are written: 1, or the power of two that makes room for the mean again.

    A few shards don't tell the mean of all, which is looked at when a pass has counted them; so it is one that is too large which tells.
    """
    fullest = max(shard.rows for shard in merged)
    largest = max(len(shard.blob) for shard in merged)
    factor = 1
    if fullest > sizes.rows or largest > sizes.bytes:
        while shards * factor < MOST_SHARDS and (fullest > sizes.mean * factor or largest > sizes.bytes * factor):
            factor *= 2
    return factor


def factor_for_mean(devices: int, shards: int, sizes: Sizes = USUAL_SIZES) -> int:
    """How many times as many shards there must be for so many devices: 1, or a power of two."""
    factor = 1
    while shards * factor < MOST_SHARDS and devices > sizes.mean * shards * factor:
        factor *= 2
    return factor


def watermark_after(started_at: datetime, last: datetime | None) -> datetime:
    """How far a bucket is complete: up to the last change of a page behind which there may be more, or (None) up to shortly before the pass began."""
    complete = started_at - OVERLAP
    return complete if last is None else min(last, complete)
