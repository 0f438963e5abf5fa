"""One call's turn at fanning a broadcast out: nobody else works on it meanwhile, and every step is stored as it is done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from fanfare.domain.chunk import Busy, Finished
from fanfare.domain.errors import Unavailable
from fanfare.domain.fanning import Advanced, Fanout, Phase, begin_sending, is_fanned_out, is_leased, new_fanout, next_check, release, renew
from fanfare.domain.notification import Notification, NotificationStatus
from fanfare.domain.pace import pace_of, stages_of
from fanfare.ports import Deps
from fanfare.services.announce_status import status_telling
from fanfare.services.new_events import Telling

_Change = Callable[[Notification, Fanout], Advanced]
_GOING = frozenset({NotificationStatus.QUEUED, NotificationStatus.SENDING})


class TurnLost(Exception):
    """Another call works on the broadcast, or it has ended: this one has nothing more to do."""


@dataclass(slots=True)
class Turn:
    """A call that holds the fan-out's lease; the notification and the fan-out are as they were stored last."""

    deps: Deps
    request_id: str
    notification: Notification
    fanout: Fanout
    is_over: bool = False

    def store(self, change: _Change) -> None:
        """Store a step, and keep the lease. TurnLost if the lease was lost or the notification has ended meanwhile."""
        self._advance(lambda notification, fanout, now: _kept(change(notification, fanout), now))

    def end(self, change: _Change, again_at: datetime | None) -> None:
        """Store the last step, give the lease back and ask for the next call; without `again_at` the sweep makes it if nothing else does."""

        def last(notification: Notification, fanout: Fanout, now: datetime) -> Advanced:
            done = change(notification, fanout)
            told = done.notification or notification
            # One that is paused is looked at when its messages expire, one that has ended never.
            if told.status in _GOING:
                told = replace(told, next_check_at=next_check(done.fanout, again_at))
            return replace(done, fanout=release(done.fanout, now), notification=told)

        self._advance(last)
        self.is_over = True
        if again_at is not None:
            due_at = again_at if again_at > self.deps.clock.now() else None
            self.deps.tasks.enqueue_fanout(self.notification.tenant, self.notification.id, self.request_id, due_at)

    def give_up(self) -> None:
        """Give the lease back where it is still held: the call was broken off, and the next one should not have to wait."""
        if not self.is_over:
            with suppress(TurnLost, Unavailable):
                self._advance(lambda _, fanout, now: Advanced(release(fanout, now)))

    def _advance(self, change: Callable[[Notification, Fanout, datetime], Advanced]) -> None:
        owner, now = self.fanout.owner, self.deps.clock.now()
        held: list[bool] = []
        telling = status_telling(self.deps)

        def decide(notification: Notification, fanout: Fanout | None) -> Advanced | None:
            is_held = fanout is not None and fanout.owner == owner and is_fanned_out(notification)
            held.append(is_held)
            return _told(telling, notification, change(notification, fanout, now)) if fanout is not None and is_held else None

        stored = self.deps.broadcasts.advance(self.notification.tenant, self.notification.id, decide)
        if stored is None or stored[1] is None or not held[-1]:
            self.is_over = True
            raise TurnLost
        self.notification, self.fanout = stored[0], stored[1]
        telling.nudge()


def take_turn(deps: Deps, notification: Notification, request_id: str) -> Turn | Busy | Finished:
    """Take the lease, exclusively until it ends."""
    owner, now = deps.identifiers.new_id(), deps.clock.now()

    def decide(stored: Notification, fanout: Fanout | None) -> Advanced | None:
        if not is_fanned_out(stored) or (fanout is not None and is_leased(fanout, now)):
            return None
        if fanout is not None:
            return Advanced(renew(replace(fanout, owner=owner), now))
        begun = new_fanout(stored, owner, now)
        return Advanced(begun, _begun(stored, now) if begun.phase is Phase.NUDGING else None)

    taken = deps.broadcasts.advance(notification.tenant, notification.id, decide)
    if taken is None or taken[1] is None or not is_fanned_out(taken[0]):
        return Finished()
    if taken[1].owner != owner:
        return Busy(max(1, int((taken[1].lease_until - now).total_seconds()) + 6))
    return Turn(deps, request_id, taken[0], taken[1])


def _told(telling: Telling, before: Notification, done: Advanced) -> Advanced:
    return done if done.notification is None else replace(done, events=tuple(telling.announce(before, done.notification)))


def _kept(done: Advanced, now: datetime) -> Advanced:
    return replace(done, fanout=renew(done.fanout, now))


def _begun(notification: Notification, now: datetime) -> Notification:
    """A notification of its own recipients, sent in the stages that its ramp asks for; those of a local time are known, and wait for it."""
    if notification.layout is not None and notification.layout.dues:
        return notification
    stages = stages_of(notification.chunk_count, pace_of(notification.request).ramp)
    layout = replace(notification.layout, stages=stages) if notification.layout else None
    return replace(begin_sending(notification, now), layout=layout)
