"""When the chunks of broadcasts are sent, so that a tenant stays below FCM's quota and never meets it in a jump.

| rule | from |
|---|---|
| in any minute at most 80 % of the quota; the rest is for direct sends | 600,000 messages a minute and project, minutes not clock-aligned |
| a lane that was idle rises from 0 to its rate over 60 s, and cools as fast as it warms | "ramp from 0 to max over at least 60 s" |
| `whenever`: nothing from 2 minutes before to 2 minutes after :00 :15 :30 :45 | "avoid ±2 minutes" |
| after a 429 of the message rate the lane waits a minute and goes on at half its rate, for ten minutes | first delay of at least a minute |

The broadcasts of a tenant share a lane: the slots of one begin where those of the last one end. A slow one (spread out, or with a rate of its own)
takes a *share* beside it, or everybody would wait behind it for hours; so does one that keeps out of the quarter hours, or everybody would wait with
it. All shares together take half of the lane at the most. What is paused or cancelled gives its slots back, if nobody stands behind it.
All times are whole microseconds, and every chunk takes the time of the largest of its page: no minute of a lane or of a share holds more than it may.
Source of the rules: FCM, "Best practices when sending at scale" and "Throttling and quotas".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from fanfare.domain.pace import Pace, Urgency

BULK_LANE = "bulk"
TOPIC_LANE = "topic"
BROADCAST_PERCENT = 80
RAMP_SECONDS = 60.0
MOST_CHUNKS_PER_MINUTE = 24_000
"""A queue of Cloud Tasks dispatches 500 a second; retries and moved chunks need room too."""
HORIZON = timedelta(hours=12)
"""No slot is given further ahead: a task may be scheduled 30 days ahead at the most, and what waits in a queue can't be planned anew."""
QUARTER, DODGE = timedelta(minutes=15), timedelta(minutes=2)
LOWERED_FOR = timedelta(minutes=10)
QUOTA_WAIT = timedelta(seconds=60)
LEAST_LIMIT_PERCENT = 5
TOPIC_PER_SECOND = 10_000
"""FCM fans a topic out to about so many subscribers a second."""
_MINUTE = 60_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Course:
    """A sequence of slots: when the next is free, and how far its rate has risen by then, in seconds of the ramp (0 to 60)."""

    next_at: datetime
    warm_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """A slow broadcast beside the lane: its notification, what it takes of the lane's rate, and its own course."""

    flow: str
    per_minute: int
    course: Course


@dataclass(frozen=True, slots=True)
class Tail:
    """The broadcast whose slots are the lane's last ones, and where the lane stood before them."""

    flow: str
    before: Course


@dataclass(frozen=True, slots=True)
class Pacing:
    """The stored state of a lane. `limit_per_minute` is what a 429 has lowered its rate to, until `limited_until`."""

    course: Course = Course(_EPOCH)
    shares: tuple[Share, ...] = ()
    limit_per_minute: int | None = None
    limited_until: datetime | None = None
    tail: Tail | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """Whose chunks want slots: a notification of `total` chunks, at its own pace."""

    notification_id: str
    total: int
    pace: Pace


def budget_of(pacing: Pacing, quota_per_minute: int, now: datetime) -> int:
    """Messages a minute that broadcasts may take at `now`."""
    budget = max(1, quota_per_minute * BROADCAST_PERCENT // 100)
    limited = pacing.limit_per_minute is not None and pacing.limited_until is not None and now < pacing.limited_until
    return min(budget, pacing.limit_per_minute or budget) if limited else budget


def plan_slots(
    pacing: Pacing, counts: Sequence[int], now: datetime, *, quota_per_minute: int, flow: Flow, within: timedelta | None = HORIZON
) -> tuple[tuple[datetime, ...], Pacing]:
    """Slots for chunks of `counts` messages, in their order, and the lane after them.

    Fewer than asked for where the others would be further ahead than `within`; ask again later for those.
    """
    if not counts:
        return (), pacing
    largest, budget = max(1, *counts), budget_of(pacing, quota_per_minute, now)
    shares = tuple(share for share in pacing.shares if share.course.next_at > now and share.flow != flow.notification_id)
    taken = sum(share.per_minute for share in shares)
    dodging, until = flow.pace.urgency is Urgency.WHENEVER, None if within is None else now + within
    room = budget // 2 - taken
    own = max(_own_spacing(flow, largest), _spacing(largest, room) if dodging and room >= largest else 0)
    cost = largest * -(-_MINUTE // own) if own else 0
    if own and cost <= room:
        start = next((share.course for share in pacing.shares if share.flow == flow.notification_id), _behind(pacing.course, now))
        slots, course = _walk(start, len(counts), own, now, dodging=dodging, until=until)
        return slots, replace(pacing, shares=(*shares, Share(flow.notification_id, cost, course)))
    spacing = max(own, _spacing(largest, max(1, budget - taken)))
    slots, course = _walk(pacing.course, len(counts), spacing, now, dodging=dodging, until=until)
    is_last = pacing.tail is not None and pacing.tail.flow == flow.notification_id
    tail = Tail(flow.notification_id, pacing.course) if slots and not is_last else pacing.tail
    return slots, replace(pacing, course=course, shares=shares, tail=tail)


def release(pacing: Pacing, notification_id: str, now: datetime) -> Pacing | None:
    """Take back the slots of a broadcast that goes on no more: its share, and its part of the lane if nobody stands behind it. None: it has none."""
    shares = tuple(share for share in pacing.shares if share.flow != notification_id)
    tail = pacing.tail
    if tail is None or tail.flow != notification_id or pacing.course.next_at <= now:
        return replace(pacing, shares=shares) if len(shares) < len(pacing.shares) else None
    course = tail.before if tail.before.next_at >= now else Course(now)
    return replace(pacing, course=course, shares=shares, tail=None)


def plan_fan_out(pacing: Pacing, subscribers: int, now: datetime) -> tuple[datetime, Pacing]:
    """A slot for a message that FCM fans out itself: one at a time, because all of a project's share one capacity."""
    at = max(now, pacing.course.next_at)
    return at, replace(pacing, course=Course(at + timedelta(seconds=max(1.0, subscribers / TOPIC_PER_SECOND))))


def lower(pacing: Pacing, quota_per_minute: int, now: datetime) -> Pacing | None:
    """Slow a lane down after a 429 of the message rate; None if that was done within the last minute: a thousand of them are one event."""
    if pacing.limited_until is not None and now < pacing.limited_until - LOWERED_FOR + QUOTA_WAIT:
        return None
    least = max(1, quota_per_minute * LEAST_LIMIT_PERCENT // 100)
    limit = max(least, budget_of(pacing, quota_per_minute, now) // 2)
    shares = tuple(replace(share, course=_held_back(share.course, now)) for share in pacing.shares)
    return Pacing(_held_back(pacing.course, now), shares, limit, now + LOWERED_FOR)


def _held_back(course: Course, now: datetime) -> Course:
    return Course(max(course.next_at, now + QUOTA_WAIT))


def _behind(course: Course, now: datetime) -> Course:
    """Where a share begins: after the slots that were given at the whole rate of the lane."""
    return Course(max(now, course.next_at))


def _spacing(largest: int, per_minute: int) -> int:
    """Microseconds from one chunk to the next, so that no minute holds more than it may (or a single chunk, where that is more)."""
    chunks = min(per_minute // largest, MOST_CHUNKS_PER_MINUTE)
    return -(-_MINUTE // chunks) if chunks else -(-_MINUTE * largest // per_minute)


def _own_spacing(flow: Flow, largest: int) -> int:
    """What the request asks for; 0 if nothing."""
    pace = flow.pace
    limited = _spacing(largest, pace.per_minute) if pace.per_minute else 0
    spread = int(_work(pace.spread_over_seconds) * 1_000_000) // max(1, flow.total) if pace.spread_over_seconds else 0
    return max(limited, spread)


def _work(seconds: float) -> float:
    """How many seconds' worth of the full rate a cold lane does within so many seconds."""
    return seconds * seconds / (2 * RAMP_SECONDS) if seconds <= RAMP_SECONDS else seconds - RAMP_SECONDS / 2


def _walk(course: Course, chunks: int, spacing: int, now: datetime, *, dodging: bool, until: datetime | None) -> tuple[tuple[datetime, ...], Course]:
    slots: list[datetime] = []
    for _ in range(chunks):
        at = max(now, course.next_at)
        at = _dodged(at) if dodging else at
        if until is not None and at > until:
            break
        slots.append(at)
        warm = max(0.0, course.warm_seconds - max(0.0, (at - course.next_at).total_seconds()))
        course = _after(at, warm, spacing)
    return tuple(slots), course


def _after(at: datetime, warm: float, spacing: int) -> Course:
    """Where the next chunk may begin: a cold lane needs longer for the same work."""
    if warm >= RAMP_SECONDS:
        return Course(at + timedelta(microseconds=spacing), RAMP_SECONDS)
    work = _work(warm) + spacing / 1_000_000
    hot = math.sqrt(2 * RAMP_SECONDS * work) if work <= RAMP_SECONDS / 2 else RAMP_SECONDS / 2 + work
    return Course(at + timedelta(microseconds=max(spacing, math.ceil((hot - warm) * 1_000_000))), min(hot, RAMP_SECONDS))


def _dodged(at: datetime) -> datetime:
    """The same instant, or the end of the busy minutes around a quarter hour that it lies in."""
    since = (at - _EPOCH + DODGE) % QUARTER
    return at - since + 2 * DODGE if since < 2 * DODGE else at
