"""What a caller's draft of a schedule comes to: checked as a request to send is, with its rule and its first occurrence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from fanfare.domain.call import Call
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.recurrence import Repeat
from fanfare.domain.schedule import Schedule, going_status, instant_for, planned
from fanfare.domain.send_request import SendRequest
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.domain.timing import Timing, rule_of, start_field, zone_of
from fanfare.ports import Deps
from fanfare.services.new_notification import settings_of
from fanfare.services.prepare_notification import check_request


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be sent, and when. `path` is what the fields of the request are named by in an error, as `notification.`."""

    request: SendRequest
    timing: Timing
    path: str = ""


def made_of(deps: Deps, call: Call, draft: Draft, now: datetime) -> Schedule:
    """The schedule that a draft means, which has no next occurrence yet; InvalidRequest, and the conflicts of the request."""
    settings, timing = settings_of(deps, call.tenant), draft.timing
    _check_request(deps, call.tenant, draft, settings)
    if timing.cron is not None:
        deps.cron.check(timing.cron, "cron")
    rule, zone = rule_of(timing, zone_of(timing, settings.timezone), now)
    if zone is None and draft.request.to.fanned_out is not None:
        raise InvalidRequest.at("timezone", "can't be the recipients' where FCM fans out: it sends to all of them at once")
    if zone is None and draft.request.raw.get("ramp") is not None:
        raise InvalidRequest.at(f"{draft.path}ramp", "can't be kept in the recipients' time zones, which are sent to one after another")
    return Schedule(
        id=deps.identifiers.new_id(),
        tenant=call.tenant,
        request=draft.request.raw,
        rule=rule,
        zone=zone,
        created_at=now,
        status=going_status(rule),
        on_missed=timing.on_missed,
        grace_seconds=timing.grace_seconds,
        ends_at=timing.ends_at,
        max_occurrences=timing.max_occurrences,
        updated_at=now,
        created_by=call.actor.id,
    )


def check_to_come(schedule: Schedule, timing: Timing, now: datetime) -> None:
    """InvalidRequest if its start is past."""
    if instant_for(schedule, schedule.rule.start) <= now:
        where = "" if schedule.zone is not None else " where the day begins (UTC+14)"
        raise InvalidRequest.at(start_field(timing), f"is past{where}")


def with_next(deps: Deps, schedule: Schedule, timing: Timing, now: datetime) -> Schedule:
    """Give it its first occurrence; InvalidRequest if it has none."""
    if schedule.ends_at is not None and schedule.ends_at < instant_for(schedule, schedule.rule.start):
        raise InvalidRequest.at("ends_at", "is before the start")
    found = planned(schedule, now, deps.cron.next_time)
    if found.next_local is None and schedule.rule.repeat is Repeat.NONE:
        check_to_come(schedule, timing, now)
    if found.next_local is None:
        raise InvalidRequest.at("ends_at" if schedule.ends_at is not None else "cron", "leaves no time at which it fires")
    return found


def _check_request(deps: Deps, tenant: str, draft: Draft, settings: TenantSettings) -> None:
    if draft.request.to.targets:
        raise InvalidRequest.at(f"{draft.path}to.targets", "are stored nowhere, so nothing can be sent to them later; register the devices")
    try:
        check_request(deps, tenant, draft.request, settings)
    except InvalidRequest as error:
        raise InvalidRequest.of(replace(found, field=draft.path + found.field) for found in error.errors) from error
