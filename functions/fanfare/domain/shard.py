"""An audience shard: up to five hundred devices in one blob, by columns, so that a send parses only what it looks at.

Layout: format byte 1 · 4 bytes length of the head · the head (JSON: how many rows, each column's name and length) · the columns one after another.
A filter makes one comparison for each distinct value of the columns that it names; a column that nobody asks for is never parsed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import compress
from operator import attrgetter
from typing import Any, NamedTuple

from fanfare.domain.columns import decode_column, encode_column, map_column
from fanfare.domain.device import Device
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.ownership import as_reached
from fanfare.domain.packing import UnknownFormat
from fanfare.domain.recipient import Recipient, recipient_of
from fanfare.domain.segment import Segment
from fanfare.domain.segment_columns import ColumnTest, column_tests, from_microseconds, to_microseconds
from fanfare.domain.target import Target

SHARD_FORMAT = 1
_HASH_BYTES = 4
_HEAD_AT = 5
_KINDS = {kind.value: kind for kind in TargetKind}
_PLATFORMS = {platform.value: platform for platform in Platform}


def shard_of(device_id: str, shards: int) -> int:
    """The shard that a device belongs to, among `shards` of them (a power of two, at most 2^32).

    Like the bucket it follows from the id's hash: with 16 shards or more, a bucket's devices stand in the shards that are its number modulo 16.
    """
    return int.from_bytes(hashlib.sha256(device_id.encode()).digest()[:_HASH_BYTES], "little") % shards


class ShardRow(NamedTuple):
    """What a send and a filter need of a device, as its owners who are not deleted make it; `username` is the first of theirs."""

    device_id: str
    target: Target
    platform: Platform
    locale: str | None
    username: str | None
    app_version: str | None
    os_version: str | None
    timezone: str | None
    last_seen_at: datetime
    tags: tuple[str, ...]
    topics: tuple[str, ...]
    profile_ids: tuple[str, ...]


def row_of(device: Device) -> ShardRow:
    """Take from a device what a shard holds of it."""
    reached = as_reached(device)
    return ShardRow(
        device_id=reached.id, target=reached.target, platform=reached.platform, locale=reached.locale, username=recipient_of(reached).username,
        app_version=reached.app_version, os_version=reached.os_version, timezone=reached.timezone, last_seen_at=reached.last_seen_at,
        tags=reached.tags, topics=reached.topics, profile_ids=reached.profile_ids,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shard:
    """Packed rows: `count` of them, in the order of their device ids."""

    count: int = 0
    columns: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def rows(self) -> tuple[ShardRow, ...]:
        """All of it, unpacked."""
        if not self.count:
            return ()
        columns = [self._made(name, _MAKERS[name]) if name in _MAKERS else self.values(name) for name in ShardRow._fields if name != "target"]
        columns.insert(1, self._targets())
        return tuple(ShardRow(*row) for row in zip(*columns, strict=True))

    def recipients(self) -> tuple[Recipient, ...]:
        """What a send needs of each row."""
        if not self.count:
            return ()
        columns = (
            self.values("device_id"),
            self._targets(),
            self._made("platform", _MAKERS["platform"]),
            self.values("locale"),
            self.values("username"),
        )
        return tuple(map(Recipient, *columns))

    def values(self, column: str) -> list[Any]:
        """One column, as it is packed."""
        return decode_column(self.columns[column], self.count)

    def passing(self, test: ColumnTest) -> list[bool]:
        """Which rows pass a test of one column."""
        return self._made(test.column, test.holds)

    def _made(self, column: str, make: Callable[[Any], Any]) -> list[Any]:
        return map_column(self.columns[column], self.count, make)

    def _targets(self) -> list[Target]:
        return list(map(Target, self._made("kind", _KINDS.__getitem__), self.values("target")))


def pack_shard(rows: Iterable[ShardRow]) -> bytes:
    """Pack rows, of different devices, in the order of their ids."""
    ordered = sorted(rows, key=attrgetter("device_id"))
    columns = [(name, encode_column(values)) for name, values in _columns_of(ordered).items()] if ordered else []
    head = json.dumps({"rows": len(ordered), "columns": [[name, len(column)] for name, column in columns]}, separators=(",", ":")).encode("ascii")
    return b"".join([bytes([SHARD_FORMAT]), len(head).to_bytes(_HEAD_AT - 1, "big"), head, *(column for _, column in columns)])


def unpack_shard(blob: bytes) -> Shard:
    """Open what `pack_shard` packed; no column is parsed before it is asked for. UnknownFormat if another version of the code packed it."""
    if not blob or blob[0] != SHARD_FORMAT:
        raise UnknownFormat(f"format {blob[0] if blob else 'none'} is not {SHARD_FORMAT}")
    at = _HEAD_AT + int.from_bytes(blob[1:_HEAD_AT], "big")
    head = json.loads(blob[_HEAD_AT:at])
    columns: dict[str, bytes] = {}
    for name, length in head["columns"]:
        columns[name] = blob[at : at + length]
        at += length
    return Shard(head["rows"], columns)


def select(shard: Shard, segments: Sequence[Segment], at: datetime) -> tuple[Recipient, ...]:
    """The recipients that belong to all the segments at `at`; to everyone, if there are none."""
    matching = _matching(shard, segments, at)
    return shard.recipients() if matching is None else tuple(compress(shard.recipients(), matching)) if any(matching) else ()


def select_with_zones(shard: Shard, segments: Sequence[Segment], at: datetime) -> tuple[tuple[Recipient, str | None], ...]:
    """The same recipients, each with the time zone that it says to be in."""
    matching = _matching(shard, segments, at)
    if not shard.count or (matching is not None and not any(matching)):
        return ()
    rows = zip(shard.recipients(), shard.values("timezone"), strict=True)
    return tuple(rows if matching is None else compress(rows, matching))


def count_matching(shard: Shard, segments: Sequence[Segment], at: datetime) -> int:
    """How many rows belong to all the segments at `at`."""
    matching = _matching(shard, segments, at)
    return shard.count if matching is None else sum(matching)


def count_fresh(shard: Shard, segments: Sequence[Segment], at: datetime, within: timedelta) -> tuple[int, int]:
    """How many rows belong to all the segments at `at`, and how many of these were heard of within that time."""
    if not shard.count:
        return 0, 0
    matching, earliest = _matching(shard, segments, at), to_microseconds(at - within)
    fresh = shard.passing(ColumnTest("last_seen_at", lambda seen: bool(seen >= earliest)))
    return (shard.count, sum(fresh)) if matching is None else (sum(matching), sum(map(_both, matching, fresh)))


def _matching(shard: Shard, segments: Sequence[Segment], at: datetime) -> list[bool] | None:
    """Which rows belong to all the segments; None means all of them, because nothing filters (or nothing is there)."""
    tests = [test for segment in segments for test in column_tests(segment, at)] if shard.count else []
    matching: list[bool] | None = None
    for test in tests:
        passing = shard.passing(test)
        matching = passing if matching is None else list(map(_both, matching, passing))
    return matching


def _both(one: bool, other: bool) -> bool:  # noqa: FBT001 - `map` gives them so
    return one and other


def _columns_of(rows: Sequence[ShardRow]) -> dict[str, Sequence[Any]]:
    columns: dict[str, Sequence[Any]] = dict(zip(ShardRow._fields, zip(*rows, strict=True), strict=True))
    targets: Sequence[Target] = columns["target"]
    return {
        **columns,
        "kind": [target.kind for target in targets],
        "target": [target.value for target in targets],
        "last_seen_at": [to_microseconds(seen) for seen in columns["last_seen_at"]],
    }


_MAKERS: Mapping[str, Callable[[Any], Any]] = {
    "platform": _PLATFORMS.__getitem__,
    "last_seen_at": from_microseconds,
    "tags": tuple,
    "topics": tuple,
    "profile_ids": tuple,
}
