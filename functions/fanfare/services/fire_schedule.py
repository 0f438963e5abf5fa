"""Firing one schedule: an occurrence that is due becomes one notification, in one commit with the schedule that it moves on.

| what stops it | leaves |
|---|---|
| a crash, or an outage | the schedule as it was: the next tick does the same again |
| another tick, or a change by a caller | what they stored; the commit is refused |
| a refusal of the request as it is now | the code in `status_reason`; the next occurrence goes on |
| a document that a hand broke | the schedule, looked at again some minutes later |

The notification's id follows from the occurrence, so that there can't be two of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.errors import FanfareError, InvalidRequest, Unavailable
from fanfare.domain.event import Event, EventKind, iso_time
from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.local_time import LocalTime
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from fanfare.domain.request_reading import read_request
from fanfare.domain.schedule import (
    Firing,
    Schedule,
    ScheduleReason,
    ScheduleStatus,
    grace_of,
    instant_for,
    plan_failure,
    plan_firing,
    planned,
)
from fanfare.ports import Deps
from fanfare.services.announce_status import status_events
from fanfare.services.new_events import make_events, nudge_deliveries
from fanfare.services.new_notification import settings_of
from fanfare.services.prepare_notification import make_notification, nudge, prepare_request
from fanfare.services.send_by_zone import by_zone

BROKEN_AGAIN = timedelta(minutes=5)
Rows = Mapping[int, Sequence[Recipient]]


def fire_schedule(deps: Deps, schedule: Schedule, request_id: str) -> bool:
    """Look after one schedule that was found due; returns whether it became a notification."""
    now = deps.clock.now()
    if schedule.defect is not None:
        deps.schedules.put_off(schedule, now + BROKEN_AGAIN)
        return False
    actor = Actor(ActorKind.FUNCTION, "schedule", request_id=request_id)
    try:
        firing = plan_firing(schedule, now, deps.cron.next_time)
        settled = _settled(deps, schedule, now) if firing is None else None
    except InvalidRequest as error:
        broken = replace(schedule, status=ScheduleStatus.PAUSED, status_reason=ScheduleReason.BROKEN_CRON, next_run_at=None)
        return _store(deps, schedule, broken, _entry("schedule.paused", actor, now, schedule, code=error.code))
    if settled is not None:
        return _store(deps, schedule, settled, _entry("schedule.settled", actor, now, schedule))
    if firing is None or firing.occurrence is None:
        return firing is not None and _store(deps, schedule, firing.schedule, _entry("schedule.missed", actor, now, schedule))
    return _fire(deps, schedule, firing, firing.occurrence, actor, now)


def _settled(deps: Deps, schedule: Schedule, now: datetime) -> Schedule:
    """What a schedule is that is found without being due: a hand has changed its status or its times."""
    if schedule.status not in {ScheduleStatus.PENDING, ScheduleStatus.ACTIVE}:
        return replace(schedule, next_run_at=None)
    if schedule.next_local is None:
        return planned(schedule, now, deps.cron.next_time)
    return replace(schedule, next_run_at=instant_for(schedule, schedule.next_local))


def _fire(deps: Deps, schedule: Schedule, firing: Firing, occurrence: datetime, actor: Actor, now: datetime) -> bool:
    """Make the notification of an occurrence, or note why it can't be one."""
    try:
        notification, rows = _notification(deps, schedule, occurrence, actor)
    except Unavailable:
        raise
    except FanfareError as error:
        failure = plan_failure(schedule, now, error.code, deps.cron.next_time).schedule
        fields = ", ".join(found.field for found in error.errors) if isinstance(error, InvalidRequest) else ""
        return _store(deps, schedule, failure, _entry("schedule.failed", actor, now, schedule, code=error.code, fields=fields))
    after = replace(firing.schedule, last_notification_id=notification.id)
    entry = _entry("schedule.fired", actor, now, schedule, notification=notification.id)
    events = _events(deps, schedule, notification, occurrence)
    if deps.schedules.fire(schedule, after, notification, rows, replace(entry, events=events)):
        nudge(deps, notification, notification.request_id)
        nudge_deliveries(deps, events)
        return True
    stored = deps.schedules.get(schedule.tenant, schedule.id)
    if stored is not None and stored.revision == schedule.revision:
        # Nobody has changed it, so the occurrence is a notification already: a hand has set the schedule back.
        _store(deps, schedule, after, entry)
    return False


def _notification(deps: Deps, schedule: Schedule, occurrence: datetime, actor: Actor) -> tuple[Notification, Rows]:
    """The notification as the request, its template and its segment are now, and its rows by chunk; neither is stored yet."""
    settings = settings_of(deps, schedule.tenant)
    occurrence_id = hash_identifier("occurrence", schedule.tenant, schedule.id, occurrence.isoformat())
    call = Call(schedule.tenant, Actor(ActorKind.CLIENT, schedule.created_by, request_id=actor.request_id), actor.request_id or "")
    prepared = prepare_request(deps, schedule.tenant, read_request(schedule.request, occurrence_id), settings)
    notification = replace(make_notification(deps, call, prepared, settings, occurrence_id), schedule_id=schedule.id)
    if schedule.zone is not None:
        return notification, {0: prepared.recipients} if prepared.zoned else {}
    local = LocalTime(occurrence, settings.timezone, round(grace_of(schedule).total_seconds()))
    # Of many chunks none knows what the others have come to, so that there is nothing to show an app.
    return by_zone(replace(notification, local_time=local, viewers={}), local, prepared.zoned)


def _events(deps: Deps, schedule: Schedule, notification: Notification, occurrence: datetime) -> tuple[Event, ...]:
    """What is told of an occurrence; also of its notification, where that has ended already because it reaches nobody."""
    data = {"schedule_id": schedule.id, "notification_id": notification.id, "occurrence_at": iso_time(instant_for(schedule, occurrence))}
    ids, request_id = (notification.id,), notification.request_id
    fired = make_events(deps, schedule.tenant, EventKind.SCHEDULE_FIRED, data, notification_ids=ids, request_id=request_id)
    return (*fired, *status_events(deps, None, notification))


def _store(deps: Deps, before: Schedule, after: Schedule, entry: AuditEntry) -> bool:
    """Store a next state that no notification comes with. A refusal means that somebody else has stored one."""
    deps.schedules.fire(before, after, None, {}, entry)
    return False


def _entry(action: str, actor: Actor, now: datetime, schedule: Schedule, **facts: str) -> AuditEntry:
    return AuditEntry(action, actor, now, (schedule.id,), facts={name: fact for name, fact in facts.items() if fact})
