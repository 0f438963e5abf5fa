"""How far a broadcast has been turned into tasks: one call at a time, every step resumable, whatever is lost on the way.

| phase | what is done | goes on with |
|---|---|---|
| preparing | the audience is pinned, and a sample of it tells how many match | packing or nudging |
| packing | matching rows are copied into dense `recipients/{n}`, group of shards by group | nudging |
| nudging | the chunks of a stage get their slots and tasks, a page at a time | waiting; watching after the last stage |
| waiting | the stage is judged, once all is known of it or ten minutes after its last slot; or the next one's instant is waited for | nudging it |
| watching | everything was nudged; what was lost is nudged again | |

A task may be repeated and a call may die anywhere: the position is stored after a page's tasks were created, so that it is nudged twice rather than
never, and a claim keeps each chunk from being sent twice. Whatever was nudged and refused, lost or held is found by a scan of the chunks' states.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from fanfare.domain.audit import AuditEntry
from fanfare.domain.chunk import CLOCK_SKEW, FINAL_STATES, ChunkState
from fanfare.domain.event import Event
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import FINAL_STATUSES, FIRST_CHECK, Notification, NotificationStatus, StatusReason
from fanfare.domain.zone_packing import ZonePacking

LEASE = timedelta(seconds=45)
"""Longer than a page of a thousand tasks takes, and renewed with each page."""
PAGE = 1_000
JUDGE_AFTER = timedelta(minutes=10)
LOOK_AGAIN = timedelta(minutes=10)


class Phase(StrEnum):
    """Where a fan-out stands."""

    PREPARING = "preparing"
    PACKING = "packing"
    NUDGING = "nudging"
    WAITING = "waiting"
    WATCHING = "watching"


class Again(StrEnum):
    """Which chunks that had a task once get another one: what is not final, what is held, or what nobody has begun."""

    OPEN = "open"
    HELD = "held"
    UNBEGUN = "unbegun"


@dataclass(frozen=True, slots=True)
class Rescan:
    """Nudging again: which chunks, and from which number on."""

    wanted: Again
    position: int = 0


@dataclass(frozen=True, slots=True)
class Packing:
    """How far rows were copied: those of the shards before `read` are in the first `written` documents, `rows` of them.

    `ends` are the shards at which the groups end that are being written now, each one document. They are stored before the first of them is written:
    a call that repeats this writes the same devices under the same number, even if a shard was compacted meanwhile.
    """

    generation: int
    shards: int
    read: int = 0
    written: int = 0
    rows: int = 0
    ends: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fanout:
    """The stored state of a broadcast's fan-out: the stage that is nudged or judged, and the next chunk to nudge.

    `expected` is how many messages a chunk has, about. `judge_at` is when a stage is judged that is not over, or the next one's instant, `look_at`
    when to look for chunks that nobody has begun.
    """

    owner: str
    lease_until: datetime
    phase: Phase = Phase.PREPARING
    stage: int = 0
    position: int = 0
    expected: int = 1
    judge_at: datetime | None = None
    look_at: datetime | None = None
    rescan: Rescan | None = None
    packing: Packing | None = None
    zones: ZonePacking | None = None


@dataclass(frozen=True, slots=True)
class Advanced:
    """What a step stores in one commit: the fan-out's state, and the notification and an audit entry where they change, with the events of it."""

    fanout: Fanout
    notification: Notification | None = None
    audit: AuditEntry | None = None
    events: tuple[Event, ...] = ()


def new_fanout(notification: Notification, owner: str, now: datetime) -> Fanout:
    """The first call's: an audience must be laid out, a notification's own recipients are."""
    fanout = Fanout(owner, now + LEASE)
    if notification.layout is None or notification.layout.source is Source.AUDIENCE:
        return fanout
    expected = max(1, -(-notification.counts.targeted // max(1, notification.chunk_count)))
    return replace(fanout, phase=Phase.NUDGING, expected=expected)


def is_leased(fanout: Fanout, now: datetime) -> bool:
    """Tell whether a call may be at work on the broadcast."""
    return now < fanout.lease_until + CLOCK_SKEW


def renew(fanout: Fanout, now: datetime) -> Fanout:
    """Keep a fan-out for another lease."""
    return replace(fanout, lease_until=now + LEASE)


def release(fanout: Fanout, now: datetime) -> Fanout:
    """Let the next call begin at once."""
    return replace(fanout, lease_until=now - CLOCK_SKEW)


def is_fanned_out(notification: Notification) -> bool:
    """Tell whether there may be anything to fan out: it has, or may have, many chunks, is accepted and has not ended."""
    over = notification.status in FINAL_STATUSES or notification.status is NotificationStatus.ACCEPTING
    return notification.layout is not None and not over


def begin_sending(notification: Notification, now: datetime) -> Notification:
    """A notification whose chunks are about to be nudged; one that was paused meanwhile stays so."""
    status = NotificationStatus.SENDING if notification.status is NotificationStatus.QUEUED else notification.status
    return replace(notification, status=status, started_at=notification.started_at or now)


def end_empty(notification: Notification, now: datetime) -> Notification:
    """A broadcast that reaches nobody is completed at once."""
    return replace(
        notification,
        status=NotificationStatus.COMPLETED,
        status_reason=StatusReason.NO_RECIPIENTS,
        started_at=notification.started_at or now,
        completed_at=now,
        next_check_at=None,
        paused=False,
    )


def after_page(fanout: Fanout, nudged: int, last_slot: datetime, layout: Layout) -> Fanout:
    """What a fan-out is once so many more chunks have their tasks."""
    at = last_slot if fanout.look_at is None else max(last_slot, fanout.look_at - FIRST_CHECK)
    moved = replace(fanout, position=fanout.position + nudged, look_at=at + FIRST_CHECK)
    if moved.position < layout.stages[moved.stage]:
        return moved
    if moved.stage == len(layout.stages) - 1:
        return replace(moved, phase=Phase.WATCHING)
    return replace(moved, phase=Phase.WAITING, judge_at=layout.due_of(moved.stage + 1) or at + JUDGE_AFTER)


def next_stage(fanout: Fanout, layout: Layout) -> Fanout:
    """What a fan-out is once the next stage may begin."""
    stage = fanout.stage + 1
    return replace(fanout, phase=Phase.NUDGING, stage=stage, position=layout.chunks_of(stage).start, judge_at=None)


def is_wanted(wanted: Again, state: ChunkState | None) -> bool:
    """Tell whether a chunk in this state (None: nobody has begun it) is to be nudged again."""
    if wanted is Again.UNBEGUN:
        return state is None
    return state is ChunkState.HELD if wanted is Again.HELD else state not in FINAL_STATES


def next_check(fanout: Fanout, again_at: datetime | None) -> datetime | None:
    """When the sweep should look whether a call was lost: a minute after the one that was asked for, and when chunks are looked for at the latest."""
    calls = (again_at, fanout.judge_at if fanout.phase is Phase.WAITING else None)
    checks = [*(at + FIRST_CHECK for at in calls if at is not None), *([fanout.look_at] if fanout.look_at is not None else [])]
    return min(checks, default=None)
