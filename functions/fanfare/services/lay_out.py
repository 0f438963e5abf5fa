"""Laying a broadcast out over the audience: which generation of shards, how many chunks, in which stages."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from fanfare.domain.fanning import Advanced, Fanout, Packing, Phase, begin_sending, end_empty
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Notification
from fanfare.domain.pace import pace_of, stages_of
from fanfare.domain.segment_reading import segments_of
from fanfare.domain.shard import count_matching
from fanfare.services.broadcast_turn import Turn
from fanfare.services.pack_zones import begin_zones

SAMPLE = 16
DENSE_BELOW = 0.2
"""A segment that matches less than this share of its sample is packed anew: its shards would make mostly empty chunks."""
LEAST_SHARDS_TO_PACK = 4


class _Pinned(NamedTuple):
    """The audience as this broadcast sees it; `matching` of the `sampled` rows belong to its segment."""

    generation: int
    shards: int
    devices: int
    sampled: int
    matching: int

    @property
    def share(self) -> float:
        """The part of the audience that is meant, by the sample."""
        return self.matching / self.sampled if self.sampled else 0.0

    @property
    def is_empty(self) -> bool:
        """Whether it is certain that nobody is reached."""
        return self.devices == 0 or (self.shards <= SAMPLE and self.matching == 0)


def lay_out(turn: Turn) -> None:
    """Pin the audience and decide how it is sent to; ends the turn where nobody is reached."""
    if turn.notification.local_time is not None:
        begin_zones(turn, turn.notification.local_time)
        return
    pinned, now = _pin(turn), turn.deps.clock.now()
    if pinned.is_empty:
        turn.end(lambda notification, fanout: Advanced(fanout, end_empty(notification, now)), None)
        turn.deps.audience.unpin(turn.notification.tenant, turn.notification.id)
        return
    if pinned.shards >= LEAST_SHARDS_TO_PACK and pinned.share < DENSE_BELOW:
        packing = Packing(pinned.generation, pinned.shards)
        turn.store(lambda _, fanout: Advanced(replace(fanout, phase=Phase.PACKING, packing=packing)))
        return

    def store(notification: Notification, fanout: Fanout) -> Advanced:
        stages = stages_of(pinned.shards, pace_of(notification.request).ramp)
        layout = Layout(Source.AUDIENCE, pinned.generation, stages)
        expected = max(1, round(pinned.share * pinned.devices / pinned.shards))
        laid_out = replace(begin_sending(notification, now), layout=layout, chunk_count=pinned.shards)
        return Advanced(replace(fanout, phase=Phase.NUDGING, expected=expected), laid_out)

    turn.store(store)


def _pin(turn: Turn) -> _Pinned:
    """Pin a generation, and look at some of its shards: devices are spread over them by a hash, so any of them are a fair sample."""
    tenant, deps = turn.notification.tenant, turn.deps
    audience = deps.audience.pin(tenant, turn.notification.id, deps.clock.now())
    generation = audience.pins[turn.notification.id]
    shards = audience.generations[generation]
    segments, at = segments_of(turn.notification.request), turn.notification.planned_at
    if not segments:
        return _Pinned(generation, shards, audience.devices, audience.devices, audience.devices)
    sample = deps.audience.read_shards(tenant, generation, range(min(SAMPLE, shards)))
    matching = sum(count_matching(shard, segments, at) for shard in sample)
    return _Pinned(generation, shards, audience.devices, sum(shard.count for shard in sample), matching)
