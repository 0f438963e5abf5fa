"""Writing a page of changed devices into the shards of every generation that is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from fanfare.domain.audience import LostLease
from fanfare.domain.batches import split
from fanfare.domain.compaction import Change, PackedShard, StoredShard, by_shard, factor_for, merge, merge_bounded
from fanfare.domain.errors import Unavailable
from fanfare.services.divide_shards import divide_shards
from fanfare.services.tenure import Tenure

TRIES = 8
"""So often is a shard merged anew that somebody else had written meanwhile: only a compactor that was overtaken does so, and notices."""


@dataclass(frozen=True, slots=True)
class _Generation:
    """Where changes go, how they are merged into a shard there, and how many times as many shards there must be for what comes of it."""

    number: int
    shards: int
    merge: Callable[[StoredShard, Sequence[Change]], PackedShard]
    measure: Callable[[Sequence[PackedShard]], int]


def merge_changes(tenure: Tenure, changes: Sequence[Change]) -> None:
    """Merge changes of one bucket; where a shard would grow too large, all of them are divided first. LostLease if somebody else compacts now."""
    if not changes:
        return
    tenure.audience = replace(tenure.audience, is_counted=False)
    while (factor := _merge_into(tenure, _current(tenure), changes)) > 1:
        divide_shards(tenure, factor)
    for generation in _superseded(tenure):
        _merge_into(tenure, generation, changes)


def _current(tenure: Tenure) -> _Generation:
    shards, sizes = tenure.audience.shards, tenure.sizes
    return _Generation(tenure.audience.generation, shards, merge, lambda merged: factor_for(merged, shards, sizes))


def _superseded(tenure: Tenure) -> list[_Generation]:
    """The older generations that broadcasts under way read."""
    sizes = tenure.sizes
    older = [(number, shards) for number, shards in tenure.audience.live_generations.items() if number != tenure.audience.generation]
    return [_Generation(number, shards, lambda stored, changes: merge_bounded(stored, changes, sizes), lambda _: 1) for number, shards in older]


def _merge_into(tenure: Tenure, generation: _Generation, changes: Sequence[Change]) -> int:
    """Merge as far as the generation's shards can take it: returns how many times as many of them there must be (1: all is merged)."""
    placed = by_shard(changes, generation.shards)
    for numbers in split(list(placed), tenure.sizes.shards):
        factor = _merge_batch(tenure, generation, placed, numbers)
        if factor > 1:
            return factor
    return 1


def _merge_batch(tenure: Tenure, generation: _Generation, placed: Mapping[int, Sequence[Change]], numbers: Sequence[int]) -> int:
    store, tenant = tenure.deps.audience, tenure.audience.tenant
    for _ in range(TRIES):
        tenure.keep()
        stored = store.read_stored(tenant, generation.number, numbers)
        if any(shard.epoch > tenure.audience.epoch for shard in stored):
            raise LostLease
        # Even a shard that stays as it is must be written: the epoch in it keeps out who was overtaken.
        merged = [generation.merge(shard, placed[shard.number]) for shard in stored]
        factor = generation.measure(merged)
        if factor > 1:
            return factor
        numbers = store.write_shards(tenant, generation.number, tenure.audience.epoch, merged)
        if not numbers:
            return 1
        tenure.renew()
    raise Unavailable("Too many writers change this audience at once.", retry_after_seconds=1)
