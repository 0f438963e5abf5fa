"""One tenant's devices and its audience, to which anything may happen: what the tests of compaction share, in memory and on the emulator."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from fanfare.domain.buckets import bucket_of
from fanfare.domain.compaction import Sizes
from fanfare.domain.device import InactiveReason
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.shard import ShardRow, row_of, shard_of
from fanfare.ports import Deps
from fanfare.services.compact_audience import compact_audience
from tests.factories import TENANT_ID, a_device
from tests.interleaving import Crew, Worker, crew

SMALL = Sizes(mean=3, rows=5, bytes=100_000, page=4, query=2, shards=2)
BUSY = (3, 7)
IDS = [name for name in (f"device-{number}" for number in range(200)) if bucket_of(name) in BUSY]
"""Devices of two buckets alone, so that pages are full and compactors meet."""
REWRITES = ("change", "revert", "retire", "erase", "retire and restore")


@dataclass(slots=True)
class World:
    """`sleep` lets leases end and what was written come to lie behind the next watermark; `stayed` says of each pin who was there and never left."""

    deps: Deps
    chance: random.Random
    sleep: Callable[[], object]
    tenant: str = TENANT_ID
    ids: list[str] = field(default_factory=list)
    stayed: dict[str, set[str]] = field(default_factory=dict)
    ever_left: set[str] = field(default_factory=set)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.ids = self.chance.sample(IDS, self.chance.choice([2, 6, 20]))

    def act(self) -> None:
        """Do anything to any device."""
        acts: list[Callable[[str], None]] = [self.register, self.register, self.register, self.change, self.change, self.retire, self.erase]
        self.chance.choice(acts)(self.chance.choice(self.ids))

    def register(self, device_id: str) -> None:
        if self.deps.devices.get(self.tenant, [device_id]):
            self.deps.devices.update(self.tenant, device_id, lambda device: replace(device, active=True, inactive_reason=None))
        else:
            self.deps.devices.save(self.tenant, [RegistrationPlan(a_device(id=device_id))])

    def change(self, device_id: str, tag: str = "") -> None:
        tags = (tag or self.chance.choice(["a", "b", "c"]),)
        self.deps.devices.update(self.tenant, device_id, lambda device: replace(device, tags=tags))

    def retire(self, device_id: str) -> None:
        retired = {"active": False, "inactive_reason": InactiveReason.UNREGISTERED}
        self.deps.devices.update(self.tenant, device_id, lambda device: replace(device, **retired))
        self._left(device_id)

    def erase(self, device_id: str) -> None:
        self.deps.devices.erase(self.tenant, [device_id])
        self._left(device_id)

    def rewrite(self, device_id: str, how: str) -> None:
        """Write a device anew in one of the `REWRITES`; `revert` makes it what it was at first."""
        match how:
            case "change":
                self.change(device_id, "new")
            case "revert":
                self.deps.devices.update(self.tenant, device_id, lambda device: replace(device, tags=()))
            case "erase":
                self.erase(device_id)
            case _:
                self.retire(device_id)
                if how == "retire and restore":
                    self.register(device_id)

    def pin(self) -> None:
        name = f"notification-{next(self.numbers)}"
        pinned = self.deps.audience.pin(self.tenant, name, self.deps.clock.now())
        self.stayed[name] = set(self.rows(pinned.generation, pinned.shards)) - self.ever_left

    def unpin(self) -> None:
        if self.stayed:
            name = self.chance.choice(sorted(self.stayed))
            self.deps.audience.unpin(self.tenant, name)
            del self.stayed[name]

    def compact(self) -> bool:
        """Compact without anybody between."""
        return compact_audience(self.deps, self.tenant, "request", sizes=SMALL)

    def compactor(self, worker: Worker) -> object:
        """Compact with others between any two calls of the store."""
        deps = replace(self.deps, audience=cast("Any", worker.watched(self.deps.audience, _is_idle)))
        return compact_audience(deps, self.tenant, "request", sizes=SMALL)

    def live(self, compactors: Crew) -> None:
        """Let one thing happen."""
        draw = self.chance.random()
        if draw < 0.25:
            self.act()
        elif draw < 0.35 and len(compactors.workers) < 3:
            compactors.hire(self.compactor)
        elif draw < 0.45:
            self.sleep()
        elif draw < 0.50:
            self.compact()
        elif draw < 0.53:
            self.chance.choice([self.pin, self.pin, self.unpin])()
        else:
            compactors.advance(deaths=0.02)

    def rows(self, generation: int, shards: int) -> dict[str, ShardRow]:
        read = self.deps.audience.read_shards(self.tenant, generation, range(shards))
        for number, shard in enumerate(read):
            assert all(shard_of(row.device_id, shards) == number for row in shard.rows()), "each row stands in its own shard"
        return {row.device_id: row for shard in read for row in shard.rows()}

    def check(self) -> None:
        """The property: the shards hold the active devices as they are, and what broadcasts read holds nobody else and lacks nobody who stayed."""
        self.sleep()
        assert self.compact()
        header = self.deps.audience.get(self.tenant)
        truth = {device.id: row_of(device) for device in self.deps.devices.get(self.tenant, IDS) if device.active}
        assert header is not None
        assert self.rows(header.generation, header.shards) == truth
        assert header.devices == len(truth) <= SMALL.mean * header.shards
        for name, generation in header.pins.items():
            pinned = self.rows(generation, header.generations[generation])
            assert pinned.items() <= truth.items(), "a broadcast under way sends to nobody who has left, and to no old target"
            assert pinned.keys() >= self.stayed[name], "and misses nobody who has stayed"

    def _left(self, device_id: str) -> None:
        # One that comes back joins anew, and in a full shard of a superseded generation there is no room for who joins.
        self.ever_left.add(device_id)
        for stayed in self.stayed.values():
            stayed.discard(device_id)


def overtake(world: World, calls: int, rewrite: str) -> bool:
    """A compactor that has seen a change stops before one of its calls, while the device is rewritten and others compact; then it goes on.

    False if it has fewer calls than that.
    """
    for device_id in IDS[:6]:
        world.register(device_id)
    for _ in range(2):
        world.compact()
        world.sleep()
    world.change(IDS[0], "old")
    with crew(world.chance) as compactors:
        compactors.hire(world.compactor)
        for _ in range(calls):
            compactors.advance(deaths=0)
        if not compactors.workers:
            return False
        world.rewrite(IDS[0], rewrite)
        for _ in range(2):
            world.sleep()
            world.compact()
        compactors.finish()
    return True


def _is_idle(method: str, given: tuple[Any, ...]) -> bool:
    """Whether a call can only find nothing: the other buckets have no devices."""
    return method == "read_changes" and given[1] not in BUSY
