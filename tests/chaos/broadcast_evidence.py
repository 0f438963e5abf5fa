"""What is found after a tormented broadcast: the API's account of it, and FCM's and Firestore's of each device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.outcome import Outcome, Result
from fanfare.ports import Deps
from tests.bench.population import PLATFORMS
from tests.bench.workload import device_id, token
from tests.chaos.evidence import Record, record_of
from tests.chaos.simulator import Simulator

_AT_ONCE = 20
"""Chunks of one call: each has its results with it."""


@dataclass(frozen=True, slots=True)
class Look:
    """What Firestore said while `send` was dead: who stood there as sent, by which message, and the claims that nobody was left to work on."""

    sent: Mapping[str, str]
    claims: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Case:
    """One device, seen from all sides: `results` of the chunks that name it, `known` the messages by which it stood as sent at some kill."""

    device_id: str
    is_dead: bool
    platform: str
    results: Sequence[Result]
    record: Record | None
    known: frozenset[str]

    @property
    def names(self) -> Sequence[str]:
        """The messages that FCM accepted for it, the oldest first."""
        return self.record.names if self.record else ()


@dataclass(frozen=True, slots=True)
class BroadcastEvidence:
    """Everything that the judge looks at.

    `endings` are the times of completion that were ever seen. `paused` is how many messages FCM had accepted some seconds after the pause, and at its
    end. `strangers` are targets that FCM was sent and nobody has.
    """

    notification_id: str
    status: Mapping[str, Any]
    cases: Sequence[Case]
    strangers: Sequence[str]
    chunks: Sequence[Chunk | None]
    endings: frozenset[datetime]
    is_pinned: bool
    paused: tuple[int, int]


def look(deps: Deps, tenant: str, notification_id: str, chunks: int) -> Look:
    """Read every chunk of a notification."""
    found = [chunk for chunk in read_chunks_of(deps, tenant, notification_id, chunks) if chunk is not None]
    sent = {name: result.detail for chunk in found for name, result in chunk.results.items() if result.outcome is Outcome.SENT}
    claims = {(chunk.key.number, chunk.attempt) for chunk in found if chunk.state is ChunkState.CLAIMED}
    return Look(sent, frozenset(claims))


def read_chunks_of(deps: Deps, tenant: str, notification_id: str, chunks: int) -> list[Chunk | None]:
    """The chunks in the order of their numbers; None for one that nobody has begun."""
    keys = [ChunkKey(tenant, notification_id, number) for number in range(chunks)]
    return [chunk for first in range(0, chunks, _AT_ONCE) for chunk in deps.chunks.get_many(keys[first : first + _AT_ONCE])]


def cases_of(
    recipients: int, dead: frozenset[int], chunks: Sequence[Chunk | None], looks: Sequence[Look], simulator: Simulator
) -> tuple[list[Case], list[str]]:
    """Bring the accounts of each device together; also the targets that FCM was sent and that belong to none of them."""
    records = {row["target"]: record_of(row) for row in simulator.records("") if row["attempts"]}
    results: dict[str, list[Result]] = {}
    known: dict[str, set[str]] = {}
    for chunk in filter(None, chunks):
        for name, result in chunk.results.items():
            results.setdefault(name, []).append(result)
    for seen in looks:
        for name, message in seen.sent.items():
            known.setdefault(name, set()).add(message)
    cases = []
    for number in range(recipients):
        name, platform = device_id(number), PLATFORMS[number % len(PLATFORMS)].value
        cases.append(Case(name, number in dead, platform, results.get(name, ()), records.pop(token(number), None), frozenset(known.get(name, ()))))
    return cases, list(records)
