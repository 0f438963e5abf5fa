"""Notifications of many chunks on the fakes: laid out, and their tasks played by the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from fanfare.domain.broadcast_progress import Progress, add_sums, sums_of
from fanfare.domain.chunk import FINAL_STATES, Busy, Chunk, ChunkKey, ChunkTask, Finished
from fanfare.domain.compaction import PackedShard, StoredShard
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import FIRST_CHECK, Counts, NotificationStatus
from fanfare.domain.outcome import Outcome
from fanfare.domain.recipient import recipient_of
from fanfare.domain.send_request import message_of
from fanfare.domain.shard import pack_shard, row_of, shard_of
from fanfare.services.deliver_chunk import deliver_task
from tests.factories import TENANT_ID, a_notification
from tests.unit.services.delivering import ANDROID, KEY, World, a_world

GENERATION = 2
ID = KEY.notification_id


def key(number: int) -> ChunkKey:
    """One of the notification's chunks."""
    return ChunkKey(TENANT_ID, ID, number)


def a_bulk(*chunks: Sequence[int], stages: tuple[int, ...] = (), world: World | None = None, **fields: Any) -> World:
    """A bulk notification whose chunks go to these numbered devices."""
    world = world or a_world(*[ANDROID] * max((number for chunk in chunks for number in chunk), default=1))
    rows = [[recipient_of(world.device(number)) for number in chunk] for chunk in chunks]
    targeted = sum(map(len, rows))
    _store(world, Layout(Source.RECIPIENTS, None, stages or (len(chunks),)), len(chunks), Counts(targeted, unsent=targeted), fields)
    world.deps.recipients.write(TENANT_ID, ID, 0, rows)
    return world


def a_broadcast(devices: int = 20, shards: int = 4, *, stages: tuple[int, ...] = (), world: World | None = None, **fields: Any) -> World:
    """A broadcast over the shards of an audience, laid out and pinned."""
    world = world or a_world(*[ANDROID] * devices)
    pack(world, shards)
    world.deps.audience.pin(TENANT_ID, ID, world.clock.now())
    _store(world, Layout(Source.AUDIENCE, GENERATION, stages or (shards,)), shards, Counts(), fields)
    return world


def pack(world: World, shards: int = 4, generation: int = GENERATION) -> None:
    """Bring the audience up to date in a generation of so many shards, which becomes the current one; no other is kept."""
    audience = world.deps.audience
    for place in list(audience.documents):
        del audience.documents[place]
    header = audience.update(
        TENANT_ID,
        lambda stored: replace(stored, generation=generation, newest=generation, shards=shards, generations={generation: shards}, devices=shards),
    )
    devices = [device for device in world.deps.devices.list_stored(TENANT_ID, 10_000, None).items if device.active]
    rows = [[row_of(device) for device in devices if shard_of(device.id, shards) == number] for number in range(shards)]
    packed = [PackedShard(StoredShard(number), len(found), pack_shard(found)) for number, found in enumerate(rows)]
    assert audience.write_shards(TENANT_ID, generation, header.epoch, packed) == []


def _store(world: World, layout: Layout, chunks: int, counts: Counts, fields: Mapping[str, Any]) -> None:
    now, request = world.clock.now(), fields.get("request", {"to": {"everyone": True}, "title": "Hello"})
    usual: dict[str, Any] = {
        "message": message_of(request), "request": request, "status": NotificationStatus.SENDING, "started_at": now, "created_at": now,
        "planned_at": now, "next_check_at": now + FIRST_CHECK, "layout": layout, "chunk_count": chunks, "counts": counts,
    }  # fmt: skip
    assert world.deps.notifications.accept(a_notification(**usual | dict(fields)), ()) is None


def send(world: World, number: int, *, slot: datetime | None = None, generation: int | None = None, moves: int = 0) -> Busy | Finished:
    """The task of one chunk, in its slot."""
    layout = world.notification().layout
    generation = generation if generation is not None or layout is None else layout.generation
    return deliver_task(world.deps, ChunkTask(key(number), slot or world.clock.now(), generation, moves), "request-1")


def send_all(world: World) -> None:
    """The tasks of all chunks, one after the other."""
    for number in range(world.notification().chunk_count):
        send(world, number)


def members(world: World, number: int) -> list[int]:
    """The numbered devices of a shard."""
    shards = world.notification().chunk_count
    return [
        device
        for device in range(1, 1_000)
        if shard_of(f"device-{device}", shards) == number and world.deps.devices.get(TENANT_ID, [f"device-{device}"])
    ]


def progress(world: World) -> Progress:
    """What was counted."""
    return world.deps.progress.read_progress(world.notification())


def stored_chunks(world: World) -> list[Chunk]:
    """The chunks that have begun."""
    numbers = range(world.notification().chunk_count)
    return [chunk for chunk in world.deps.chunks.get_many([key(number) for number in numbers]) if chunk is not None]


def check_sums(world: World) -> None:
    """The sums of the notification are those of its chunks, once none is under way."""
    chunks = stored_chunks(world)
    expected = add_sums(sums_of(chunk.results.values(), chunk.counts, is_final=chunk.state in FINAL_STATES) for chunk in chunks)
    total, kept_apart = progress(world).total, add_sums(chunk.counted for chunk in chunks if chunk.counted is not None)
    # How long messages waited is no longer to be told from a chunk's results after a replay.
    assert replace(total, measures={}) == replace(expected, measures={})
    assert total.measures == kept_apart.measures
    assert total.measures.get("retried", 0) == expected.measures.get("retried", 0)
    for chunk in chunks:
        kept = [result.outcome for result in chunk.results.values()]
        assert chunk.counts.sent == kept.count(Outcome.SENT)
        assert chunk.counts.failed == kept.count(Outcome.FAILED)


def fanouts(world: World) -> int:
    """How often `fanout` was asked for since this was asked last."""
    number = len(world.tasks.fanouts)
    world.tasks.fanouts.clear()
    return number


def change_notification(world: World, **fields: Any) -> None:
    """What somebody else stores of the notification."""
    world.deps.notifications.update(TENANT_ID, ID, lambda stored: replace(stored, **fields))
