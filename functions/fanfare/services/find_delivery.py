"""Where one recipient of a notification stands: in which chunk, among which rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fanfare.domain.batches import split
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.chunk_rows import is_of_audience, recipients_of
from fanfare.domain.notification import Notification, chunk_numbers
from fanfare.domain.recipient import Recipient
from fanfare.domain.shard import shard_of
from fanfare.ports import Deps

AT_ONCE = 10
"""So many chunks are looked through by one call: each holds the results of 500 recipients."""
Found = tuple[Sequence[Recipient], Chunk | None]


def find_delivery(deps: Deps, notification: Notification, first: Chunk | None, device_id: str) -> Found:
    """The chunk that a device is in, if it has begun, and its rows, if they are kept. Of many chunks, shards are known by the id, others searched."""
    if notification.layout is None:
        return deps.chunks.read_recipients(ChunkKey(notification.tenant, notification.id, 0)), first
    if not notification.chunk_count:
        return (), None
    if is_of_audience(notification):
        return _in_shard(deps, notification, device_id)
    return _search(deps, notification, device_id)


def _in_shard(deps: Deps, notification: Notification, device_id: str) -> Found:
    key = ChunkKey(notification.tenant, notification.id, shard_of(device_id, notification.chunk_count))
    [chunk] = deps.chunks.get_many([key])
    if chunk is not None and chunk.results:
        return (), chunk
    found = deps.chunks.read_chunk(key, notification.layout.generation if notification.layout else None)
    done = chunk is not None and chunk.completed_at is not None
    return (recipients_of(*found, {}) if found is not None and not done else ()), chunk


def _search(deps: Deps, notification: Notification, device_id: str) -> Found:
    for keys in _groups(notification):
        chunks = deps.chunks.get_many(keys)
        for key, chunk in zip(keys, chunks, strict=True):
            if chunk is not None and device_id in chunk.results:
                return (), chunk
            rows = deps.chunks.read_recipients(key) if lacks_results(chunk) else ()
            if any(row.device_id == device_id for row in rows):
                return rows, chunk
    return (), None


def lacks_results(chunk: Chunk | None) -> bool:
    """Tell whether somebody in a chunk may have no result: nobody has begun it, or it was stopped."""
    return chunk is None or len(chunk.results) < chunk.counts.targeted or not chunk.counts.targeted


def _groups(notification: Notification) -> Iterable[Sequence[ChunkKey]]:
    keys = [ChunkKey(notification.tenant, notification.id, number) for number in chunk_numbers(notification)]
    return split(keys, AT_ONCE)
