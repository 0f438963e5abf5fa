"""Keepalive pings: one random data push a day to each active device, until its app has been silent for too long.

| the device's state | at a tick | after |
|---|---|---|
| new: no time is chosen | the reply is missing, or at most so many days old | planned, at a random time tomorrow |
| new | the reply is older | stopped |
| planned, due | the reply is missing, or at most so many days old | pinged; planned, at a random time tomorrow |
| the same, but its tenant is held, or it was pinged today already, or has been due for a day | | not pinged; planned, at a random time tomorrow |
| planned, due | the reply is older | stopped |
| stopped | | nothing, until a reply or a registration makes it new |

"Tomorrow" is the next day on the device's own clock, and the night window of its tenant is on that clock too. An app that has never replied goes on
being pinged, as fcmpy does it: it may be of a version that does not know the ping. A ping that could not be sent when it was due is worth nothing
later: it would only join the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fanfare.domain.keepalive_settings import KeepaliveSettings, NightWindow
from fanfare.domain.recurrence import instant_of

PING_TYPE = "keepalive"
"""What `data.type` says of a ping, and the name of the template that gives its priority."""
LONGEST_LATE = timedelta(days=1)
"""What has been due for longer was left for a reason (pings were switched off, or nothing of ours ran), and so were all the others: they would get
their pings in one and the same minute."""


class KeepaliveState(StrEnum):
    """Where a device stands."""

    NEW = "new"
    PLANNED = "planned"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Keepalive:
    """When a device was pinged last, is pinged next, and replied last."""

    state: KeepaliveState = KeepaliveState.NEW
    last: datetime | None = None
    next: datetime | None = None
    reply: datetime | None = None

    def __str__(self) -> str:
        """In words, for the audit log."""
        return f"{self.state}, last reply {self.reply.isoformat() if self.reply else 'none'}"


UNPLANNED = Keepalive()
"""A device's first."""


@dataclass(frozen=True, slots=True)
class PingPlan:
    """What a tick makes of a device's keepalive, and whether it is pinged."""

    keepalive: Keepalive
    is_pinged: bool = False


def plan_ping(
    keepalive: Keepalive, settings: KeepaliveSettings, zone: str | None, now: datetime, chance: float, *, held: bool = False
) -> PingPlan | None:
    """Decide about a device in a zone; `chance` is a random number from 0 to 1. None if there is nothing to do now.

    `held` says that nothing of its tenant may be sent now.
    """
    if keepalive.state is KeepaliveState.STOPPED or (keepalive.state is KeepaliveState.PLANNED and not _is_due(keepalive, now)):
        return None
    if is_silent(keepalive, settings, now):
        return PingPlan(replace(keepalive, state=KeepaliveState.STOPPED, next=None))
    following = time_tomorrow(zone, settings.night, now, chance)
    is_pinged = keepalive.state is KeepaliveState.PLANNED and not held and _is_worth_it(keepalive, zone, now)
    return PingPlan(replace(keepalive, state=KeepaliveState.PLANNED, next=following, last=now if is_pinged else keepalive.last), is_pinged)


def replied(keepalive: Keepalive, at: datetime) -> Keepalive:
    """A reply came: what was planned stays, a device that had stopped begins again."""
    state = KeepaliveState.NEW if keepalive.state is KeepaliveState.STOPPED else keepalive.state
    return replace(keepalive, state=state, reply=at if keepalive.reply is None else max(keepalive.reply, at))


def is_answered(keepalive: Keepalive, now: datetime) -> bool:
    """Tell whether a reply now would say nothing new: one came today (in UTC), and since the last ping."""
    reply = keepalive.reply
    if reply is None or keepalive.state is KeepaliveState.STOPPED:
        return False
    return reply.astimezone(UTC).date() == now.astimezone(UTC).date() and (keepalive.last is None or keepalive.last <= reply)


def restarted(keepalive: Keepalive) -> Keepalive:
    """The device registered again: silence counts no more, what was planned stays."""
    state = KeepaliveState.NEW if keepalive.state is KeepaliveState.STOPPED else keepalive.state
    return replace(keepalive, state=state, reply=None)


def is_silent(keepalive: Keepalive, settings: KeepaliveSettings, now: datetime) -> bool:
    """Tell whether the app stopped replying longer ago than its tenant allows."""
    return keepalive.reply is not None and now - keepalive.reply > timedelta(days=settings.max_silence_days)


def time_tomorrow(zone: str | None, night: NightWindow | None, now: datetime, chance: float) -> datetime:
    """An instant of tomorrow on a zone's clock, outside of the night, each equally likely; a zone that is not known counts as UTC."""
    clock = _zone(zone)
    tomorrow = (now.astimezone(clock) + timedelta(days=1)).date()
    starts, ends = (instant_of(datetime.combine(day, time()), clock) for day in (tomorrow, tomorrow + timedelta(days=1)))
    nights = _nights(night, starts, ends, clock)
    awake = (ends - starts) - sum((until - since for since, until in nights), timedelta())
    instant = starts + timedelta(seconds=min(int(awake.total_seconds() * chance), int(awake.total_seconds()) - 1))
    for since, until in nights:
        if instant >= since:
            instant += until - since
    return instant


def _nights(night: NightWindow | None, starts: datetime, ends: datetime, clock: tzinfo) -> list[tuple[datetime, datetime]]:
    """The parts of a day that belong to the night, as instants in their order."""
    if night is None:
        return []
    day = starts.astimezone(clock).date()
    since, until = (instant_of(datetime.combine(day, time.fromisoformat(text)), clock) for text in (night.starts_at, night.ends_at))
    parts = [(since, until)] if since < until else [(starts, until), (since, ends)]
    return [(first, last) for first, last in parts if first < last]


def _is_due(keepalive: Keepalive, now: datetime) -> bool:
    return keepalive.next is not None and keepalive.next <= now


def _is_worth_it(keepalive: Keepalive, zone: str | None, now: datetime) -> bool:
    """Nobody is pinged twice on a day of its own, also not by moving to another zone."""
    clock, last = _zone(zone), keepalive.last
    was_today = last is not None and last.astimezone(clock).date() >= now.astimezone(clock).date()
    return not was_today and (keepalive.next is None or now - keepalive.next <= LONGEST_LATE)


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
