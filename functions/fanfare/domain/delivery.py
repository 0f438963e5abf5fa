"""From verdicts to what must be stored: the pure half of delivering a chunk.

A pass sends to everybody who has no final outcome and is due. `record` turns one verdict into one result; `plan_chunk` turns the results of a pass
into the chunk's next state:

| after the pass | the chunk is |
|---|---|
| everybody has a final outcome | done |
| the tenant is held, wholly or for the platforms of all who are left and have no time ahead | parked, and looked at again when its messages expire |
| somebody is to be tried again, or was not reached in this pass | retrying, due with the earliest of them and those that follow closely |

A chunk whose recipients cleanup has removed (a replay may come just then) is ended by `plan_without_recipients`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fanfare.domain.chunk import Chunk, ChunkState
from fanfare.domain.classification import REASONS, Kind, MessageAction, Verdict
from fanfare.domain.device import Device, Retirement
from fanfare.domain.notification import FINAL_STATUSES, Notification, NotificationStatus, has_chunk
from fanfare.domain.outcome import FINAL_OUTCOMES, Outcome, Result, count, count_by_platform, count_retries
from fanfare.domain.recipient import Recipient
from fanfare.domain.registration import deactivate
from fanfare.domain.retry import retry_at, wait_seconds

CLEAR_ERRORS = 10
"""So many errors stand in the chunk in clear, for whoever reads it in the console; all of them are in the packed results."""
SWEEP_GRACE = timedelta(seconds=60)
"""The sweep gives a due task this long before it takes its place."""
SHORTEST_LIFE = timedelta(seconds=60)
"""A message of a shorter life ("now or never") still gets the time that its first attempt needs."""
RESUME_WAIT = timedelta(seconds=30)
"""A pass that could not reach everybody, for want of an access token, goes on after this."""
UNREACHED_WAIT = timedelta(seconds=60)
"""Whoever was due and was not reached goes on after this, even if others of the chunk wait for longer: FCM's minute for a rate exceeded."""
GATHERING = timedelta(seconds=5)
"""Answers of one pass come in over seconds; whoever is due within so long of the first is tried again with it, in one pass instead of ten."""
EXPIRED = "EXPIRED"
RECIPIENTS_NOT_KEPT = "recipients_not_kept"


@dataclass(frozen=True, slots=True)
class Moment:
    """When a pass happens: `now`, until when it may be tried again, and a random number from 0 to 1 that spreads retries."""

    now: datetime
    retry_until: datetime
    jitter: float


def planned_at(notification: Notification, chunk: Chunk) -> datetime:
    """When the chunk's messages began their life: with the notification, with the replay of the chunk, or in the slot of a chunk of many."""
    return chunk.planned_at or notification.planned_at


def retry_until(notification: Notification, chunk: Chunk) -> datetime:
    """The end of a message's life: a retry after it would be refused or useless, and a life of nothing ("now or never") has none."""
    return planned_at(notification, chunk) + timedelta(seconds=notification.ttl_seconds)


def expires_at(notification: Notification, chunk: Chunk) -> datetime:
    """The instant after which a message is not even sent for the first time."""
    return worthless_at(planned_at(notification, chunk), notification.ttl_seconds)


def worthless_at(planned: datetime, ttl_seconds: int) -> datetime:
    """The instant after which a message of this life, begun at `planned`, is not even sent for the first time."""
    return planned + max(timedelta(seconds=ttl_seconds), SHORTEST_LIFE)


def pending(recipients: Iterable[Recipient], results: Mapping[str, Result], now: datetime) -> list[Recipient]:
    """Who is to be sent to in a pass at `now`."""
    return [row for row in recipients if _is_pending(results.get(row.device_id), now)]


def _is_pending(result: Result | None, now: datetime) -> bool:
    if result is None:
        return True
    return result.outcome not in FINAL_OUTCOMES and (result.due_at is None or result.due_at <= now)


def record(row: Recipient, verdict: Verdict, before: Result | None, moment: Moment) -> Result | None:
    """One recipient's result after an answer; None if the answer says nothing about the message (the project is broken), which stays unsent."""
    attempts = before.attempts + 1 if before else 1
    if verdict.kind is Kind.ACCEPTED:
        # The one row that half a million recipients of a broadcast take is not looked up.
        return Result(Outcome.SENT, verdict.detail, verdict.http_status, attempts, row.platform, row.username, None, _since(before))
    action = verdict.rule.message
    if action is MessageAction.PARK:
        return before
    if action is MessageAction.RETRY:
        return _retry(row, verdict, before, attempts, moment)
    return _failed(row, verdict, before, attempts, dead_letter=verdict.rule.dead_letter)


def _retry(row: Recipient, verdict: Verdict, before: Result | None, attempts: int, moment: Moment) -> Result:
    since = _since(before) or moment.now
    wait = wait_seconds(verdict.rule.retry, attempts, verdict.retry_after_seconds, moment.jitter)
    due_at = retry_at(moment.now, wait, since, moment.retry_until)
    if due_at is None:
        return _failed(row, verdict, before, attempts, dead_letter=True)
    return Result(Outcome.RETRYING, verdict.detail, verdict.http_status, attempts, row.platform, row.username, due_at, since)


def _failed(row: Recipient, verdict: Verdict, before: Result | None, attempts: int, *, dead_letter: bool) -> Result:
    return Result(Outcome.FAILED, verdict.detail, verdict.http_status, attempts, row.platform, row.username, None, _since(before), dead_letter)


def _since(before: Result | None) -> datetime | None:
    """When a recipient failed first that is tried again: its trace tells it also when it was sent to in the end."""
    return before.since if before else None


def expire(rows: Iterable[Recipient], results: Mapping[str, Result]) -> dict[str, Result]:
    """The results of recipients whose message outlived its worth before it could be sent."""
    return {
        row.device_id: Result(Outcome.FAILED, EXPIRED, 0, _attempts(results.get(row.device_id)), row.platform, row.username, dead_letter=True)
        for row in rows
    }


def _attempts(result: Result | None) -> int:
    return result.attempts if result else 0


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a tenant's messages wait: all of them, or those of some platforms alone."""

    reason: str
    platforms: frozenset[str] | None = None

    def holds(self, row: Recipient) -> bool:
        """Tell whether a recipient's message waits."""
        return self.platforms is None or row.platform in self.platforms


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """A chunk and its notification as they are to be stored together; `due_at` is when a task must bring the chunk on."""

    chunk: Chunk
    notification: Notification
    due_at: datetime | None = None


def plan_chunk(
    notification: Notification, chunk: Chunk, recipients: Sequence[Recipient], results: Mapping[str, Result], now: datetime, hold: Hold | None
) -> ChunkPlan:
    """Decide a chunk's state after a pass; `hold` says why the tenant is held, if it is."""
    # Of an audience those who left it have results and no row; of others those who were not reached have a row and no result.
    counts = count(results.values(), max(len(recipients), len(results)))
    chunk = replace(chunk, results=results, counts=counts, errors=clear_errors(results))
    progress = replace(
        notification, status=NotificationStatus.SENDING, counts=counts, errors=count_errors(results), started_at=chunk.started_at, next_check_at=None
    )
    progress = replace(progress, platforms=count_by_platform(results.values()), retried=count_retries(results.values()))
    if counts.unsent + counts.retrying == 0:
        done = replace(chunk, state=ChunkState.DONE, next_check_at=None, completed_at=now)
        return ChunkPlan(done, replace(progress, status=NotificationStatus.COMPLETED, completed_at=now, status_reason=None))
    ahead = [result.due_at for result in results.values() if result.due_at is not None and result.due_at > now]
    reachable = [row for row in pending(recipients, results, now) if hold is None or not hold.holds(row)]
    if hold is not None and (hold.platforms is None or not (ahead or reachable)):
        parked = replace(chunk, state=ChunkState.PARKED, reason=hold.reason, next_check_at=expires_at(notification, chunk) + SWEEP_GRACE)
        return ChunkPlan(parked, replace(progress, status_reason=hold.reason))
    due_at = _next_pass(ahead, now, unreached=any(_attempts(results.get(row.device_id)) for row in reachable))
    waiting = replace(chunk, state=ChunkState.RETRYING, due_at=due_at, next_check_at=due_at + SWEEP_GRACE)
    return ChunkPlan(waiting, replace(progress, status_reason=None), due_at)


def is_open(notification: Notification, chunk: Chunk) -> bool:
    """Tell whether the chunk is one of the notification's, and the notification has not ended."""
    return has_chunk(notification, chunk.key.number) and notification.status not in FINAL_STATUSES


def plan_without_recipients(notification: Notification, chunk: Chunk, now: datetime) -> ChunkPlan:
    """End a chunk whose recipients are no longer kept: whoever was to be tried again has failed with the last answer, the others stay unsent.

    It is done if everybody has an outcome by that, else cancelled.
    """
    results = {device_id: _given_up(result) for device_id, result in chunk.results.items()}
    alone = notification.counts.targeted if notification.layout is None else 0
    counts = count(results.values(), chunk.counts.targeted or alone)
    state, status = ChunkState.DONE, NotificationStatus.COMPLETED
    if counts.unsent:
        state, status = ChunkState.CANCELLED, NotificationStatus.CANCELLED
    ended = replace(chunk, state=state, stop=None, reason=RECIPIENTS_NOT_KEPT, next_check_at=None, completed_at=now)
    progress = replace(notification, status=status, paused=False, status_reason=RECIPIENTS_NOT_KEPT, next_check_at=None, completed_at=now)
    return ChunkPlan(
        replace(ended, results=results, counts=counts, errors=clear_errors(results)),
        replace(progress, counts=counts, errors=count_errors(results), platforms=count_by_platform(results.values())),
    )


def _given_up(result: Result) -> Result:
    return result if result.outcome in FINAL_OUTCOMES else result._replace(outcome=Outcome.FAILED, due_at=None, since=None)


def _next_pass(ahead: Sequence[datetime], now: datetime, *, unreached: bool) -> datetime:
    """When to go on, never at once: a pass that could do nothing, for want of a token or of rate, would only be repeated in a circle."""
    if not ahead:
        return now + RESUME_WAIT
    earliest = min(ahead)
    due_at = max(at for at in ahead if at <= earliest + GATHERING)
    return min(due_at, now + UNREACHED_WAIT) if unreached else due_at


def count_errors(results: Mapping[str, Result]) -> dict[str, int]:
    """How often each error code occurs among the failures."""
    return dict(Counter(result.detail for result in results.values() if result.outcome is Outcome.FAILED))


def clear_errors(results: Mapping[str, Result]) -> tuple[Mapping[str, str], ...]:
    """The first failures in words, for the console."""
    failed = [(device_id, result.detail) for device_id, result in results.items() if result.outcome is Outcome.FAILED]
    return tuple({"device_id": device_id, "code": code} for device_id, code in failed[:CLEAR_ERRORS])


def decide_retirement(device: Device, *, sent_to: Recipient, kind: Kind, code: str, notification_id: str, now: datetime) -> Device | None:
    """Retire a device whose target FCM declared dead; None if it has another target by now or is inactive already."""
    if device.target != sent_to.target or not device.active:
        return None
    return replace(deactivate(device, REASONS[kind], now), retirement=Retirement(code, now, notification_id))
