"""How many devices filters reach, counted in the packed audience: no device is read."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from fanfare.domain.audience import BEGINNING, Audience
from fanfare.domain.batches import split
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.segment import Segment
from fanfare.domain.shard import Shard, count_fresh
from fanfare.ports import Deps
from fanfare.services.compact_audience import compact_audience

MOST_SHARDS = 256
"""About 100,000 devices. Of a bigger audience so many shards stand for all: a tenth of it is counted to within 2 %, nineteen times in twenty."""
SHARDS_A_CALL = 20
AT_ONCE = 4
REACHABLE_WITHIN = timedelta(days=30)
"""FCM calls a registration stale that was not heard of for a month (firebase.google.com/docs/cloud-messaging/manage-tokens)."""
SMALL = 16
"""An audience of so many shards is brought up to date before it is counted, if it is older than a minute."""
FRESH = timedelta(minutes=1)
SOON = 250
"""So many changed devices in one of the sixteen buckets are compacted while the caller waits; more of them are left to a task."""


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """How many active devices belong to segments, and how many of them were heard of within 30 days.

    `estimated` if a sample was counted and scaled. Every change before `as_of` is in; None until the first compaction has seen all devices.
    """

    count: int
    reachable: int
    estimated: bool
    as_of: datetime | None


def count_audience(deps: Deps, tenant: str, segments: Sequence[Segment], request_id: str) -> AudienceCount:
    """Count the devices that belong to all the segments; everyone, if there are none."""
    audience = _present_audience(deps, tenant, request_id)
    if audience is None:
        return AudienceCount(0, 0, estimated=False, as_of=None)
    numbers = sample_of(audience.shards)
    now = deps.clock.now()

    def count(some: Sequence[int]) -> list[tuple[int, int]]:
        return [count_fresh(shard, segments, now, REACHABLE_WITHIN) for shard in _read(deps, audience, some)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        counted = [pair for pairs in pool.map(count, split(numbers, SHARDS_A_CALL)) for pair in pairs]
    matching, fresh = (sum(column) * audience.shards // len(numbers) for column in zip(*counted, strict=True))
    as_of = audience.watermark if audience.watermark > BEGINNING else None
    return AudienceCount(matching, fresh, estimated=len(numbers) < audience.shards, as_of=as_of)


def sample_of(shards: int) -> Sequence[int]:
    """The numbers of the shards that are counted: all, or 256 spread evenly. Which shard a device is in says nothing about it but its bucket.

    Shards of a bucket have equal remainders by 16, and each bucket is compacted by itself; so the sample takes every remainder equally often.
    """
    step = max(1, shards // MOST_SHARDS)
    remainders = min(step, BUCKETS)
    return [number * step + number * remainders // BUCKETS % remainders for number in range(shards // step)]


def _present_audience(deps: Deps, tenant: str, request_id: str) -> Audience | None:
    """The header, of a small audience not older than a minute: whoever has just registered some devices finds them counted.

    None where there is none yet, and too many devices are waiting for the first one.
    """
    found = deps.audience.get(tenant)
    if found is not None and not _is_behind(found, deps.clock.now()):
        return found
    since = found.watermarks[0] if found is not None else BEGINNING
    if len(deps.audience.read_changes(tenant, 0, since, SOON)) < SOON:
        compact_audience(deps, tenant, request_id)
        return deps.audience.get(tenant)
    deps.tasks.enqueue_compaction(tenant, request_id)
    return found


def _is_behind(audience: Audience, now: datetime) -> bool:
    return audience.compacted_at is None or (audience.shards <= SMALL and now - audience.compacted_at > FRESH)


def _read(deps: Deps, audience: Audience, numbers: Sequence[int]) -> Sequence[Shard]:
    return deps.audience.read_shards(audience.tenant, audience.generation, numbers)
