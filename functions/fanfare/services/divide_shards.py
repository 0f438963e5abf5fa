"""More shards for an audience that has grown: a new generation is made of the old one's shards, and published when it is whole."""

from __future__ import annotations

from collections.abc import Sequence

from fanfare.domain.batches import split
from fanfare.domain.compaction import divide
from fanfare.domain.errors import Unavailable
from fanfare.services.tenure import Interrupted, Tenure


def divide_shards(tenure: Tenure, factor: int) -> None:
    """Make a generation of `factor` times as many shards and let everybody read it.

    Its number is its own, so nobody else writes it; broken off, it is left to cleanup and the next attempt begins again under another number.
    LostLease if somebody else compacts now, Interrupted if the instance ends.
    """
    audience = tenure.audience
    tenure.begin_generation(factor)
    for numbers in split(range(audience.shards), max(1, tenure.sizes.shards // factor)):
        if tenure.deps.lifecycle.is_stopping():
            raise Interrupted
        tenure.keep()
        _divide(tenure, audience.generation, numbers, audience.shards * factor)
    tenure.publish_generation()
    tenure.deps.log.info("shards_divided", tenant=audience.tenant, generation=tenure.audience.generation, shards=tenure.audience.shards)


def _divide(tenure: Tenure, generation: int, numbers: Sequence[int], shards: int) -> None:
    store, audience = tenure.deps.audience, tenure.audience
    pieces = [piece for stored in store.read_stored(audience.tenant, generation, numbers) for piece in divide(stored, shards)]
    if store.write_shards(audience.tenant, audience.newest, audience.epoch, pieces):
        # Nobody else writes this generation: only a hand can have.
        raise Unavailable("A shard of a new generation is there already.")
