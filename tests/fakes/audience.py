"""Audiences in memory, as packed as they are in Firestore, over the devices of another fake."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from fanfare.domain.audience import Audience, pin_generation, release_pins
from fanfare.domain.buckets import bucket_of
from fanfare.domain.compaction import Change, PackedShard, StoredShard
from fanfare.domain.errors import Unavailable
from fanfare.domain.shard import Shard, row_of, unpack_shard
from tests.fakes.devices import MemoryDeviceStore

_TRIES = 8
_Place = tuple[str, int, int]
_bucket_of = cache(bucket_of)
"""A month asks for the same devices' buckets a million times."""


class MemoryAudienceStore:
    """`headers` by tenant; `documents` by (tenant, generation, number). `per_commit` shards are written together."""

    def __init__(self, devices: MemoryDeviceStore, *, per_commit: int = 20) -> None:
        self.headers: dict[str, Audience] = {}
        self.documents: dict[_Place, tuple[bytes, StoredShard, int]] = {}
        self._devices = devices
        self._per_commit = per_commit
        self._positions: dict[int, datetime] = {}
        self._revisions = itertools.count(1)

    def get(self, tenant: str) -> Audience | None:
        return self.headers.get(tenant)

    def pin(self, tenant: str, notification_id: str, now: datetime) -> Audience:
        return self.update(tenant, lambda stored: pin_generation(stored, notification_id, now))

    def unpin(self, tenant: str, notification_id: str) -> None:
        self.update(tenant, lambda stored: release_pins(stored, [notification_id]))

    def update(self, tenant: str, decide: Callable[[Audience], Audience | None]) -> Audience:
        for _ in range(_TRIES):
            stored = self.headers.get(tenant) or Audience(tenant)
            decided = decide(stored)
            if decided is None:
                return stored
            if (self.headers.get(tenant) or Audience(tenant)).revision == stored.revision:
                self.headers[tenant] = replace(decided, revision=next(self._revisions))
                return self.headers[tenant]
        raise Unavailable("Too many writers change this audience at once.", retry_after_seconds=1)

    def read_shards(self, tenant: str, generation: int, numbers: Sequence[int]) -> list[Shard]:
        return [stored.shard for stored in self.read_stored(tenant, generation, numbers)]

    def read_stored(self, tenant: str, generation: int, numbers: Sequence[int]) -> list[StoredShard]:
        found = [self.documents.get((tenant, generation, number)) for number in numbers]
        return [document[1] if document else StoredShard(number) for document, number in zip(found, numbers, strict=True)]

    def read_changes(self, tenant: str, bucket: int, since: datetime, limit: int, after: Change | None = None) -> list[Change]:
        place = (after.updated_at, after.device_id) if after else (since, "")
        wanted = [
            (at, device_id, device)
            for device_id, at, device in self._devices.written(tenant)
            if (at, device_id) > place and _bucket_of(device_id) == bucket
        ]
        found = sorted(wanted, key=lambda written: written[:2])[:limit]
        return [Change(device_id, at, row_of(device) if device and device.active else None) for at, device_id, device in found]

    def write_shards(self, tenant: str, generation: int, epoch: int, shards: Sequence[PackedShard]) -> list[int]:
        refused: list[int] = []
        for start in range(0, len(shards), self._per_commit):
            group = shards[start : start + self._per_commit]
            stored = self.read_stored(tenant, generation, [shard.stored.number for shard in group])
            if [shard.stored.revision for shard in group] != [found.revision for found in stored]:
                refused += [shard.stored.number for shard in group]
                continue
            for shard in group:
                number = shard.stored.number
                written = StoredShard(number, unpack_shard(shard.blob), epoch, next(self._revisions))
                self.documents[tenant, generation, number] = (shard.blob, written, shard.rows)
        return refused

    def count_devices(self, tenant: str, generation: int) -> int:
        return sum(rows for (owner, of, _), (_, _, rows) in self.documents.items() if (owner, of) == (tenant, generation))

    def delete_shards(self, tenant: str, generation: int, numbers: Sequence[int]) -> None:
        for number in numbers:
            self.documents.pop((tenant, generation, number), None)

    def find_to_check(self, now: datetime, limit: int) -> list[str]:
        due = [
            (header.next_check_at, header.tenant)
            for header in self.headers.values()
            if header.next_check_at is not None and header.next_check_at <= now
        ]
        return [tenant for _, tenant in sorted(due)[:limit]]

    def find_changed(self, bucket: int, since: datetime, limit: int) -> list[tuple[str, datetime]]:
        written = [(at, tenant) for tenant, device_id, at in self._devices.written_everywhere() if at >= since and _bucket_of(device_id) == bucket]
        return [(tenant, at) for at, tenant in sorted(written)[:limit]]

    def get_positions(self) -> Mapping[int, datetime]:
        return dict(self._positions)

    def set_positions(self, positions: Mapping[int, datetime]) -> None:
        self._positions = dict(positions)
