"""A tenant with an audience of several shards and a broadcast to fan out, on the fakes; the queue is played by the test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from fanfare.domain.broadcast_progress import Progress, Sums
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.compaction import PackedShard, StoredShard
from fanfare.domain.fanning import Fanout
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus
from fanfare.domain.shard import pack_shard, row_of, shard_of
from fanfare.ports import Deps
from fanfare.services.fan_out import fan_out
from tests.factories import NOW, TENANT_ID, a_device, a_notification, a_tenant
from tests.fakes import FixedClock, FixedLifecycle, MemoryTenantStore, RecordingLog, RecordingTaskQueue, fake_deps
from tests.unit.services.seeding import add_devices

ID = "notification-1"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LOTS = {"ramp": [10, 100]}


class ScriptedProgress:
    """What a test says has become of each stage."""

    def __init__(self) -> None:
        self.stages: list[Sums] = []

    def read_progress(self, notification: Notification) -> Progress:
        stages = len(notification.layout.stages) if notification.layout else 0
        return Progress(tuple((self.stages + [Sums()] * stages)[:stages]))

    def settle(self, tenant: str, notification_id: str, decide: Any, *, announce: Any = None) -> None:
        return None


@dataclass(frozen=True)
class Fanning:
    """The fakes that a fan-out works on."""

    clock: FixedClock
    tasks: RecordingTaskQueue
    log: RecordingLog
    lifecycle: FixedLifecycle
    progress: ScriptedProgress
    deps: Deps

    def call(self) -> object:
        """One task of `fanout`."""
        return fan_out(self.deps, TENANT_ID, ID, "request-1")

    def run(self, most: int = 100) -> int:
        """Call for each task that the queue holds and that is due by now; returns how many calls it took."""
        calls, seen = 0, 0
        self.call()
        while calls < most and len(self.tasks.fanouts) > seen:
            task = self.tasks.fanouts[seen]
            seen += 1
            if task.work == "notification" and (task.due_at is None or task.due_at <= self.clock.now()):
                calls += 1
                self.call()
        return calls + 1

    def notification(self) -> Notification:
        found = self.deps.notifications.get(TENANT_ID, ID)
        assert found is not None
        return found

    def fanout(self) -> Fanout | None:
        found = self.deps.broadcasts.advance(TENANT_ID, ID, lambda *_: None)
        assert found is not None
        return found[1]

    def nudged(self) -> list[int]:
        return [task.key.number for task in self.tasks.chunks]

    def steer(self, **fields: Any) -> None:
        """What somebody else stores of the notification."""
        self.deps.broadcasts.advance(TENANT_ID, ID, lambda notification, fanout: _told(notification, fanout, fields))

    def begin(self, *numbers: int, state: ChunkState = ChunkState.CLAIMED) -> None:
        """Let calls of `send` bring chunks into a state."""
        for number in numbers:
            claim = self.deps.chunks.claim(ChunkKey(TENANT_ID, ID, number), "owner", self.clock.now())
            assert isinstance(claim, Chunk)
            self.deps.chunks.save_chunk(replace(claim, state=state))


def _told(notification: Notification, fanout: Fanout | None, fields: dict[str, Any]) -> Any:
    from fanfare.domain.fanning import Advanced  # noqa: PLC0415 - a test's own detail

    assert fanout is not None
    return Advanced(fanout, replace(notification, **fields))


def a_broadcast(devices: int = 40, shards: int = 8, *, tags: Any = lambda _: (), **request: Any) -> Fanning:
    """A broadcast to as many devices, packed into as many shards."""
    clock, tasks, log, lifecycle, progress = FixedClock(), RecordingTaskQueue(), RecordingLog(), FixedLifecycle(), ScriptedProgress()
    tenants = MemoryTenantStore()
    deps = fake_deps(clock=clock, tasks=tasks, log=log, lifecycle=lifecycle, progress=progress, tenants=tenants)
    tenants.create(a_tenant())
    if devices:
        add_devices(deps, *(a_device(id=f"device-{number}", tags=tags(number)) for number in range(devices)))
        pack(deps, shards)
    raw = {"to": {"everyone": True}, "title": "Hello", **request}
    deps.notifications.accept(a_queued_broadcast(request=raw), ())
    return Fanning(clock, tasks, log, lifecycle, progress, deps)


def pack(deps: Deps, shards: int) -> None:
    """Put all devices into the shards of a second generation."""
    devices = deps.devices.list_stored(TENANT_ID, 10_000, None).items
    header = deps.audience.update(TENANT_ID, lambda first: replace(first, generation=2, newest=2, shards=shards, generations={2: shards}))
    packed = []
    for number in range(shards):
        rows = [row_of(device) for device in devices if shard_of(device.id, shards) == number]
        packed.append(PackedShard(StoredShard(number), len(rows), pack_shard(rows)))
    assert deps.audience.write_shards(TENANT_ID, header.generation, header.epoch, packed) == []


def a_queued_broadcast(**fields: Any) -> Notification:
    """As the API accepts it."""
    usual: dict[str, Any] = {
        "status": NotificationStatus.QUEUED, "counts": Counts(), "chunk_count": 0, "layout": Layout(Source.AUDIENCE),
        "next_check_at": NOW + FIRST_CHECK,
    }  # fmt: skip
    return a_notification(**usual | fields)
