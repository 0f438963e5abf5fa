"""A chunk: at most 500 recipients that one call of `send` delivers, and the claim that lets only one call do it at a time.

| state | a call of `send` | what brings it on |
|---|---|---|
| none | claims it | the task, or the sweep |
| claimed, lease running | is told to wait | |
| claimed, lease over | takes it over | the queue's retry, or the sweep |
| retrying, well before due_at | has nothing to do | |
| retrying, at most 5 s before due_at | is told to wait: a nudge may be early by as much as clocks differ | |
| retrying, due | takes it over | the due task, or the sweep |
| parked | takes it over, and parks it again while the tenant is held | the tick, once the breaker closes or the quarantine ends |
| held (paused) | has nothing to do before its messages expire, then ends it | resuming it; the sweep, once they have expired |
| done, cancelled | has nothing to do | |

A notification of many chunks is resumed and cancelled by its own state alone, which a call reads first: it then may `Take` what else would wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from fanfare.domain.broadcast_progress import NOTHING, Sums, difference, sums_of
from fanfare.domain.metrics import Counters, Family, add, named, observe
from fanfare.domain.notification import Counts
from fanfare.domain.outcome import Result

LEASE = timedelta(seconds=45)
"""Longer than the worst gap between two checkpoints, shorter than anybody's patience."""
CLOCK_SKEW = timedelta(seconds=5)


class ChunkState(StrEnum):
    """Where a chunk stands; `DONE` and `CANCELLED` are final."""

    CLAIMED = "claimed"
    RETRYING = "retrying"
    PARKED = "parked"
    HELD = "held"
    DONE = "done"
    CANCELLED = "cancelled"


FINAL_STATES = frozenset({ChunkState.DONE, ChunkState.CANCELLED})


class Stop(StrEnum):
    """What somebody asked of a chunk while a call was sending it: the call finds it with its next checkpoint, at the latest with its end."""

    CANCEL = "cancel"
    PAUSE = "pause"


class Take(StrEnum):
    """Which chunks a claim may take: what is due, also what is held (nobody pauses it any more), or whatever is not final (all is to be ended)."""

    DUE = "due"
    HELD = "held"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ChunkKey:
    """Which chunk: what a task carries, and nothing more."""

    tenant: str
    notification_id: str
    number: int


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """A nudge for one chunk of many: when its slot is, in which generation of the audience its rows stand (None: in the notification's own).

    `moves` is how often it has come too late for its slot and was given another one.
    """

    key: ChunkKey
    slot: datetime
    generation: int | None = None
    moves: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """The stored state of a chunk's delivery. `results` are keyed by device id, because a shard may be rewritten between two attempts.

    `planned_at` is set by a replay, whose messages begin a new life then, and by the first claim of a chunk of many, whose slot may be late.
    `counted` is what a chunk of many has added to the sums of its notification; None where nothing was added yet, or where there are no sums.
    `unannounced` are recipients whose final outcomes a checkpoint stored and no event told of yet (chunk_events.py); none if nobody listens.
    `owner` names the claim, not the instance: each claim has one of its own.
    `revision` is the store's mark of the state that was read or written last; the next write is guarded by it.
    """

    key: ChunkKey
    state: ChunkState
    owner: str
    lease_until: datetime
    started_at: datetime
    attempt: int = 1
    next_check_at: datetime | None = None
    due_at: datetime | None = None
    planned_at: datetime | None = None
    stop: Stop | None = None
    reason: str | None = None
    counts: Counts = field(default_factory=Counts)
    completed_at: datetime | None = None
    errors: tuple[Mapping[str, str], ...] = ()
    results: Mapping[str, Result] = field(default_factory=dict)
    counted: Sums | None = None
    unannounced: tuple[str, ...] = ()
    revision: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """The claim is ours: write this chunk."""

    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Busy:
    """Another call holds the lease, or the retry is due in a moment; ask again after this many seconds."""

    retry_after_seconds: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is left to do, at least not now."""


def new_claim(key: ChunkKey, owner: str, now: datetime, planned_at: datetime | None = None) -> Chunk:
    """Make the first claim of a chunk."""
    until = now + LEASE
    return Chunk(key, ChunkState.CLAIMED, owner, lease_until=until, started_at=now, next_check_at=until + CLOCK_SKEW, planned_at=planned_at)


def decide_claim(chunk: Chunk, owner: str, now: datetime, take: Take = Take.DUE) -> Claimed | Busy | Finished:
    """Decide whether a call may take over a chunk that was claimed before."""
    if chunk.state in FINAL_STATES or (chunk.state is ChunkState.HELD and take is Take.DUE and not _is_check_due(chunk, now)):
        return Finished()
    if chunk.state is ChunkState.RETRYING and take is not Take.ALL and chunk.due_at is not None and now < chunk.due_at:
        # Dropped, a nudge that is early by a millisecond would leave the chunk to the sweep of a minute later.
        return Busy(max(1, math.ceil((chunk.due_at - now).total_seconds()))) if chunk.due_at - now <= CLOCK_SKEW else Finished()
    if is_leased(chunk, now):
        return Busy(max(1, int((chunk.lease_until + CLOCK_SKEW - now).total_seconds()) + 1))
    # A chunk that was paused before anybody claimed it begins now.
    started_at = chunk.started_at if chunk.attempt else now
    taken = replace(chunk, state=ChunkState.CLAIMED, owner=owner, attempt=chunk.attempt + 1, started_at=started_at, reason=None, due_at=None)
    return Claimed(renew_lease(taken, now))


def _is_check_due(chunk: Chunk, now: datetime) -> bool:
    return chunk.next_check_at is not None and chunk.next_check_at <= now


def is_leased(chunk: Chunk, now: datetime) -> bool:
    """Tell whether a call may be at work on the chunk."""
    return chunk.state is ChunkState.CLAIMED and now < chunk.lease_until + CLOCK_SKEW


def is_claim_of(stored: Chunk, owner: str) -> bool:
    """Tell whether the stored chunk is still held by the claim of this owner.

    Every claim draws an owner id of its own and is worked on by one call, so an unknown revision of it was written by that very call, a checkpoint
    whose answer was lost and that the database applied later, or it tells the call to stop. Its results are the call's own, which remembers them.
    """
    return stored.state is ChunkState.CLAIMED and stored.owner == owner


def renew_lease(chunk: Chunk, now: datetime) -> Chunk:
    """Keep a claimed chunk for another lease."""
    until = now + LEASE
    return replace(chunk, lease_until=until, next_check_at=until + CLOCK_SKEW)


def give_back(chunk: Chunk, now: datetime) -> Chunk:
    """End a lease early, so that another call can go on at once: the instance is being shut down."""
    return replace(chunk, lease_until=now - CLOCK_SKEW, next_check_at=now)


def count_chunk(chunk: Chunk) -> tuple[Chunk, Sums]:
    """A chunk of many as it is to be stored with its sums, and what these change by."""
    before = chunk.counted or NOTHING
    found = sums_of(chunk.results.values(), chunk.counts, is_final=chunk.state in FINAL_STATES)
    counted = replace(found, measures={**found.measures, **_waited(chunk, before)})
    return replace(chunk, counted=counted), difference(counted, before)


def _waited(chunk: Chunk, before: Sums) -> Counters:
    """How long after their slot the messages were sent that were sent so far: those of a replay, whose life begins anew, had no slot."""
    known = {name: number for name, number in before.measures.items() if name.startswith(named(Family.SEND_DELAY, ""))}
    if chunk.planned_at is None or chunk.planned_at > chunk.started_at:
        return known
    return add([known, observe(Family.SEND_DELAY, chunk.started_at - chunk.planned_at, max(0, chunk.counts.sent - before.counts.sent))])
