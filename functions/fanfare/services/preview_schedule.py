"""When a schedule will fire, zone by zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.schedule import Schedule, instant_in, preview
from fanfare.domain.setting_rules import read_timezone
from fanfare.ports import Deps
from fanfare.services.new_notification import settings_of
from fanfare.services.schedules import get_schedule, usable


@dataclass(frozen=True, slots=True)
class ZoneFirings:
    """When a schedule fires in a zone: instants, and what the zone's clocks show then."""

    zone: str
    firings: Sequence[tuple[datetime, datetime]]


def preview_schedule(deps: Deps, tenant: str, schedule_id: str, count: int, timezones: Sequence[str]) -> list[ZoneFirings]:
    """Tell the next firings in each zone; without zones, in the schedule's own or, in the recipients' zones, in the tenant's. NotFound, Conflict."""
    schedule = usable(get_schedule(deps, tenant, schedule_id))
    usual = schedule.zone or settings_of(deps, tenant).timezone
    locals_ = preview(schedule, deps.clock.now(), count, deps.cron.next_time)
    return [_firings(schedule, _zone_named(name), locals_) for name in timezones or [usual]]


def _firings(schedule: Schedule, zone: ZoneInfo, locals_: Sequence[datetime]) -> ZoneFirings:
    # Two local times that clocks skip become one instant; each is a message of its own only where the zone is everybody's own.
    instants = [instant_in(schedule, local, zone) for local in locals_]
    return ZoneFirings(zone.key, [(instant, instant.astimezone(zone).replace(tzinfo=None)) for instant in instants])


def _zone_named(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(read_timezone(name))
    except InvalidRequest as error:
        raise InvalidRequest.of(replace(found, field="timezones") for found in error.errors) from error
