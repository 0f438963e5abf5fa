"""Stopping what is under way: cancel, pause and resume, as pure decisions over a notification and its chunk.

| the chunk | cancel | pause | resume |
|---|---|---|---|
| not begun, retrying, parked, or claimed by a call that is dead | cancelled at once | held at once | nothing to do |
| claimed by a call that is at work | the call is told; it stops feeding and ends the chunk | likewise | what it was told is taken back |
| held | cancelled at once | nothing to do | due at once |
| done, cancelled | conflict, but for a second cancel | conflict | conflict |

Whoever was sent to stays sent, whoever would have been tried again becomes unsent. A chunk that a call holds is never taken from it: what it has sent
since its last checkpoint would be forgotten. The time to live goes on while a notification is paused; what expires then fails as it would otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, Stop, is_leased
from fanfare.domain.delivery import SWEEP_GRACE, ChunkPlan, Hold, clear_errors, count_errors, expires_at, plan_chunk
from fanfare.domain.errors import Conflict
from fanfare.domain.event import Event
from fanfare.domain.notification import FINAL_STATUSES, Notification, NotificationStatus, StatusReason, is_cancelling
from fanfare.domain.outcome import Outcome, Result, count, count_by_platform
from fanfare.domain.recipient import Recipient


@dataclass(frozen=True, slots=True)
class Steered:
    """A notification and its chunk as they are to be stored together, with the events that tell of it."""

    notification: Notification
    chunk: Chunk
    events: tuple[Event, ...] = ()


def decide_cancel(notification: Notification, chunk: Chunk | None, now: datetime) -> Steered | None:
    """Cancel; None if that was asked before. Conflict if everything is over."""
    if notification.status is NotificationStatus.CANCELLED:
        return None
    _check_not_over(notification, chunk)
    if _is_stopping(chunk, Stop.CANCEL):
        return None
    if chunk is not None and is_leased(chunk, now):
        told = replace(notification, status=NotificationStatus.SENDING, status_reason=StatusReason.CANCELLING, paused=False)
        return Steered(told, replace(chunk, stop=Stop.CANCEL))
    return _cancelled(notification, replace(chunk or _unbegun(notification, now), stop=Stop.CANCEL), now)


def decide_pause(notification: Notification, chunk: Chunk | None, now: datetime) -> Steered | None:
    """Pause; None if that was asked before. Conflict if everything is over or is being cancelled."""
    _check_open(notification, chunk)
    if notification.status is NotificationStatus.PAUSED:
        return None if notification.paused else Steered(replace(notification, paused=True), chunk or _unbegun(notification, now))
    if chunk is not None and is_leased(chunk, now):
        told = replace(notification, status=NotificationStatus.SENDING, status_reason=StatusReason.PAUSING, paused=True)
        return None if _is_stopping(chunk, Stop.PAUSE) else Steered(told, replace(chunk, stop=Stop.PAUSE))
    return _held(notification, replace(chunk or _unbegun(notification, now), stop=Stop.PAUSE), StatusReason.BY_CALLER)


def decide_resume(notification: Notification, chunk: Chunk | None, now: datetime) -> Steered | None:
    """Let it go on; None if it is not paused. Conflict if everything is over or is being cancelled."""
    _check_open(notification, chunk)
    if not notification.paused and notification.status is not NotificationStatus.PAUSED:
        return None
    going = chunk or _unbegun(notification, now)
    if going.state is ChunkState.HELD:
        going = replace(going, state=ChunkState.RETRYING, reason=None, due_at=now, next_check_at=now + SWEEP_GRACE)
    status = NotificationStatus.SENDING if going.attempt else NotificationStatus.QUEUED
    return Steered(replace(notification, status=status, status_reason=going.reason, paused=False), replace(going, stop=None))


def decide_by_hand(notification: Notification, chunk: Chunk | None, now: datetime) -> Steered | None:
    """Do what an operator asked for by editing `paused` in the database; None if there is nothing to do, or not while a pass is under way."""
    if _is_over(notification, chunk) or _is_stopping(chunk, Stop.CANCEL):
        return None
    if not notification.paused:
        return decide_resume(notification, chunk, now)
    if notification.status is NotificationStatus.PAUSED or (chunk is not None and is_leased(chunk, now)):
        return None
    return _held(notification, chunk or _unbegun(notification, now), _paused_by(notification, chunk))


def stop_of(notification: Notification, chunk: Chunk) -> Stop | None:
    """What a call that holds the chunk is to do: go on (None), cancel or pause. A chunk of many is told nothing itself."""
    if chunk.stop is Stop.CANCEL or notification.status is NotificationStatus.CANCELLED or is_cancelling(notification):
        return Stop.CANCEL
    return Stop.PAUSE if notification.paused else chunk.stop


def plan_end(
    notification: Notification, chunk: Chunk, recipients: Sequence[Recipient], results: Mapping[str, Result], now: datetime, hold: Hold | None
) -> ChunkPlan:
    """Decide a chunk's state after a pass, as `plan_chunk` does, unless it was to stop and somebody is left to be sent to.

    The chunk keeps the `stop` that this was planned by: the store refuses the plan if another one was asked for meanwhile.
    """
    stop = stop_of(notification, chunk)
    plan = plan_chunk(notification, chunk, recipients, results, now, hold)
    if stop is None or plan.chunk.state is ChunkState.DONE:
        return replace(plan, notification=replace(plan.notification, paused=False))
    if stop is Stop.CANCEL:
        steered = _cancelled(plan.notification, plan.chunk, now)
    else:
        steered = _held(plan.notification, plan.chunk, _paused_by(notification, chunk))
    return ChunkPlan(steered.chunk, steered.notification)


def _is_over(notification: Notification, chunk: Chunk | None) -> bool:
    return notification.status in FINAL_STATUSES or (chunk is not None and chunk.state is ChunkState.DONE)


def _check_not_over(notification: Notification, chunk: Chunk | None) -> None:
    if _is_over(notification, chunk):
        raise Conflict(f"This notification is {notification.status} already.")


def _check_open(notification: Notification, chunk: Chunk | None) -> None:
    _check_not_over(notification, chunk)
    if _is_stopping(chunk, Stop.CANCEL):
        raise Conflict("This notification is being cancelled.")


def _is_stopping(chunk: Chunk | None, stop: Stop) -> bool:
    return chunk is not None and chunk.stop is stop


def _paused_by(notification: Notification, chunk: Chunk | None) -> StatusReason:
    asked = notification.status_reason == StatusReason.PAUSING or _is_stopping(chunk, Stop.PAUSE)
    return StatusReason.BY_CALLER if asked else StatusReason.BY_HAND


def _unbegun(notification: Notification, now: datetime) -> Chunk:
    """The chunk of a notification that nobody has claimed; once it is stored, a claim finds it."""
    key = ChunkKey(notification.tenant, notification.id, 0)
    return Chunk(key, ChunkState.HELD, "", lease_until=now, started_at=now, attempt=0, counts=notification.counts)


def _cancelled(notification: Notification, chunk: Chunk, now: datetime) -> Steered:
    results = {device_id: _unsent(result) for device_id, result in chunk.results.items()}
    ended = replace(chunk, state=ChunkState.CANCELLED, reason=StatusReason.BY_CALLER, due_at=None, next_check_at=None, completed_at=now)
    over = replace(notification, status=NotificationStatus.CANCELLED, status_reason=StatusReason.BY_CALLER, completed_at=now, paused=False)
    return _counted(over, ended, results)


def _unsent(result: Result) -> Result:
    """Nobody is tried again; the code of the last answer is kept."""
    return result._replace(outcome=Outcome.UNSENT, due_at=None, since=None) if result.outcome is Outcome.RETRYING else result


def _held(notification: Notification, chunk: Chunk, reason: StatusReason) -> Steered:
    """Hold a chunk until it is resumed, or until its messages expire and it is looked at again."""
    held = replace(chunk, state=ChunkState.HELD, reason=reason, due_at=None, next_check_at=expires_at(notification, chunk) + SWEEP_GRACE)
    return _counted(replace(notification, status=NotificationStatus.PAUSED, status_reason=reason, paused=True), held, chunk.results)


def _counted(notification: Notification, chunk: Chunk, results: Mapping[str, Result]) -> Steered:
    """Both with the same counts: a call that died had stored its last ones with the chunk alone."""
    counts = count(results.values(), notification.counts.targeted)
    notification = replace(notification, counts=counts, errors=count_errors(results), platforms=count_by_platform(results.values()))
    return Steered(
        replace(notification, started_at=chunk.started_at if chunk.attempt else None, next_check_at=None),
        replace(chunk, counts=counts, errors=clear_errors(results), results=results),
    )
