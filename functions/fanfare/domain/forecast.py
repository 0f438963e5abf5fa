"""When a notification would be sent, in which steps and by how many operations, if somebody asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from fanfare.domain.cost import ASSUMED, CHUNK, Operations, broadcast_operations, direct_operations, packing_operations
from fanfare.domain.pace import Pace, stages_of
from fanfare.domain.pacing import Flow, Pacing, plan_fan_out, plan_slots

_PREVIEW = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a ramp: how far it reaches in percent of the chunks, whole chunks as they are, and how many devices it adds."""

    percent: float
    chunks: int
    devices: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a notification would come to; `messages` are those that are posted to FCM."""

    starts_at: datetime
    finishes_at: datetime
    operations: Operations
    messages: int
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a broadcast is laid out for: `matching` of an audience's `devices`, in so many `shards`; `is_packed` if their rows are copied first."""

    matching: int
    devices: int
    shards: int
    is_packed: bool = False

    @property
    def chunks(self) -> int:
        """How many chunks are sent; none to nobody."""
        return ceil(self.matching / CHUNK) if self.is_packed or not self.matching else self.shards


def forecast_direct(messages: int, read: int, now: datetime) -> Forecast:
    """A send to named devices or people, of which `read` documents are read: at once, one chunk for each 500."""
    chunks = ceil(messages / CHUNK)
    return Forecast(now, now + _chunk_time(messages, chunks), direct_operations(read, messages, chunks), messages)


def forecast_fan_out(pacing: Pacing, subscribers: int | None, now: datetime) -> Forecast:
    """A message that FCM fans out itself, after those of the tenant that wait before it; `subscribers` where they are known."""
    at, after = plan_fan_out(pacing, subscribers or 0, now)
    return Forecast(at, after.course.next_at, direct_operations(0, 1, 1), 1)


def forecast_broadcast(pacing: Pacing, reach: Reach, pace: Pace, now: datetime, *, quota_per_minute: int) -> Forecast:
    """A broadcast, after what is queued already. Every stage of a ramp is taken to begin when the one before it has ended and passes its guard."""
    chunks = reach.chunks
    each = ceil(reach.matching / chunks) if chunks else 0
    flow, duration = Flow(_PREVIEW, chunks, pace), _chunk_time(reach.matching, chunks)
    starts_at, at, begun = now, now, 0
    for end in stages_of(chunks, pace.ramp):
        slots, pacing = plan_slots(pacing, (each,) * (end - begun), at, quota_per_minute=quota_per_minute, flow=flow, within=None)
        starts_at = starts_at if begun else slots[0]
        at, begun = slots[-1] + duration, end
    return Forecast(starts_at, at, _operations(reach), reach.matching, steps_of(reach, pace))


def steps_of(reach: Reach, pace: Pace) -> tuple[Step, ...]:
    """The stages of a ramp, none without one. Chunks are never divided: with fewer than a hundred, the first stage is larger than asked."""
    ends = stages_of(reach.chunks, pace.ramp) if len(pace.ramp) > 1 else ()
    begins = (0, *ends[:-1])
    return tuple(
        Step(round(100 * end / reach.chunks, 1), end - begin, _share(reach, end) - _share(reach, begin))
        for begin, end in zip(begins, ends, strict=False)
    )


def _share(reach: Reach, chunks: int) -> int:
    return reach.matching * chunks // reach.chunks


def _operations(reach: Reach) -> Operations:
    sending = broadcast_operations(reach.matching, reach.chunks)
    return sending + packing_operations(reach.devices, reach.shards, reach.matching, reach.chunks) if reach.is_packed else sending


def _chunk_time(messages: int, chunks: int) -> timedelta:
    """How long a chunk takes from its start to its end."""
    waves = ceil(messages / chunks / ASSUMED.streams) if chunks else 0
    return timedelta(seconds=waves * ASSUMED.fcm_seconds + (ASSUMED.database_seconds_a_chunk if chunks else 0))
