"""Making, changing and stopping schedules, and telling when they fire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.audit import HIDDEN
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound, TemplateInactive
from fanfare.domain.filters import AuditFilter, ScheduleFilter
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.recurrence import Repeat
from fanfare.domain.schedule import Schedule, ScheduleStatus
from fanfare.domain.send_request import Addressees, RawTarget
from fanfare.domain.target import Target
from fanfare.domain.template import Draft as TemplateDraft
from fanfare.domain.timing import Timing
from fanfare.services.change_profile import erase_profile
from fanfare.services.draft_schedule import Draft
from fanfare.services.list_pages import list_schedules
from fanfare.services.preview_schedule import preview_schedule
from fanfare.services.schedules import cancel_schedule, change_schedule, create_schedule, get_schedule, pause_schedule, resume_schedule
from fanfare.services.templates import create_template
from tests.factories import NOW, TENANT_ID, a_call
from tests.unit.services.scheduling import BERLIN, DAILY, DAY, DUE, HOUR, TO_ALICE, World, a_scheduling_world, draft
from tests.unit.services.seeding import a_request, add_profile

BROADCAST: dict[str, Any] = {"to": {"everyone": True}, "title": "x"}
AT = DUE


@pytest.fixture
def world() -> World:
    return a_scheduling_world(timezone="Asia/Tokyo")


def refused(world: World, request: dict[str, Any] | None = None, **timing: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as error:
        create_schedule(world.deps, a_call(), draft(request or TO_ALICE, **timing))
    return [found.field for found in error.value.errors]


def change(world: World, schedule: Schedule, request: dict[str, Any] | None = None, **timing: Any) -> Schedule:
    return change_schedule(world.deps, a_call(), schedule.id, draft(request or TO_ALICE, **timing))


def test_created_schedule_is_stored_with_who_made_it(world: World) -> None:
    schedule = world.schedule()
    assert world.stored(schedule) == schedule
    assert (schedule.created_by, schedule.created_at, schedule.status) == ("client-1", NOW, ScheduleStatus.ACTIVE)
    assert (schedule.request, schedule.next_run_at) == (TO_ALICE, DUE)
    (row,) = world.deps.audit.list(TENANT_ID, AuditFilter(resource="schedule"), 10, None).items
    assert (row.entry.action, row.entry.resource_ids) == ("schedule.created", (schedule.id,))
    assert row.entry.changes["request"].after == HIDDEN


def test_without_a_zone_it_is_on_the_tenants_clocks(world: World) -> None:
    schedule = world.schedule(local_time="09:00", date="2026-11-25")
    assert (schedule.zone, schedule.next_run_at) == ("Asia/Tokyo", datetime(2026, 11, 25, tzinfo=UTC))


@pytest.mark.parametrize(
    ("timing", "field"),
    [
        ({"at": NOW}, "at"),
        ({"at": NOW - DAY, "repeat": Repeat.DAILY}, "at"),
        ({"date": "2026-11-24", "local_time": "09:00", "timezone": BERLIN}, "date"),
        ({"date": "2026-11-24", "local_time": "20:00", "timezone": "recipient"}, "date"),
        ({"cron": "0 9 * * *", "date": "2026-11-01"}, "date"),
        ({"at": AT, "ends_at": AT - timedelta(seconds=1)}, "ends_at"),
        ({"cron": "0 9 * * *", "ends_at": NOW - HOUR}, "ends_at"),
        ({"cron": "0 9 1 1 *", "ends_at": NOW + DAY}, "ends_at"),
        ({"cron": "0 9 31 2 *"}, "cron"),
        ({"cron": "* * * * * *"}, "cron"),
        ({"at": AT, "timezone": "Mars/One"}, "timezone"),
    ],
)
def test_times_that_are_wrong_are_named(world: World, timing: dict[str, Any], field: str) -> None:
    assert refused(world, **timing) == [field]
    assert list_schedules(world.deps, TENANT_ID, ScheduleFilter(), 10, None) == ([], None)


def test_end_at_the_start_leaves_one_time(world: World) -> None:
    schedule = world.schedule(at=AT, repeat=Repeat.DAILY, ends_at=AT)
    assert world.tick(AT).fired == 1
    assert world.stored(schedule).status_reason == "ended"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"to": {"segment": "unknown"}, "title": "x"}, "notification.to.segment"),
        ({"to": {"topic": "news"}, "fanout": "devices", "title": "x"}, "notification.to.topic"),
        ({**TO_ALICE, "template": "unknown"}, "notification.template"),
        ({**TO_ALICE, "data": {"from": "x"}}, "notification.data.from"),
    ],
)
def test_request_is_checked_as_it_is_when_it_is_sent(world: World, request_: dict[str, Any], field: str) -> None:
    assert refused(world, request_, **DAILY) == [field]


def test_conflict_of_a_template_is_told_at_once(world: World) -> None:
    create_template(world.deps, a_call(), "off", TemplateDraft({"title": "x"}, active=False))
    with pytest.raises(TemplateInactive):
        world.schedule({**TO_ALICE, "template": "off"}, **DAILY)


def test_bare_targets_are_not_kept(world: World) -> None:
    targets = Addressees(targets=(RawTarget(Target(TargetKind.TOKEN, "secret"), Platform.ANDROID),))
    with pytest.raises(InvalidRequest) as error:
        create_schedule(world.deps, a_call(), Draft(a_request(targets), Timing(at=AT)))
    assert [found.field for found in error.value.errors] == ["to.targets"]


def test_recipients_zones_need_devices_that_are_sent_to_one_by_one(world: World) -> None:
    everywhere = {**DAILY, "timezone": "recipient"}
    assert refused(world, {"to": {"topic": "news"}, "title": "x"}, **everywhere) == ["timezone"]
    assert refused(world, {**BROADCAST, "ramp": [1, 100]}, **everywhere) == ["notification.ramp"]
    assert world.schedule({**BROADCAST, "per_minute": 1_000}, **everywhere).zone is None


# Changing


def test_changed_schedule_goes_on_counting(world: World) -> None:
    schedule = world.schedule(**DAILY, max_occurrences=3)
    world.tick(DUE)
    changed = change(world, schedule, BROADCAST, local_time="10:00", timezone=BERLIN, repeat=Repeat.DAILY, max_occurrences=2)
    assert (changed.id, changed.created_at, changed.created_by) == (schedule.id, NOW, "client-1")
    assert (changed.occurrence_count, changed.last_sent_at, changed.updated_at) == (1, DUE, DUE)
    assert (changed.request, changed.next_run_at) == (BROADCAST, DUE + HOUR)
    assert world.tick(DUE + HOUR).fired == 1
    assert world.stored(schedule).status is ScheduleStatus.COMPLETED
    assert world.actions(schedule) == ["schedule.created", "schedule.fired", "schedule.updated", "schedule.fired"]


def test_start_of_what_repeats_may_be_past_when_it_is_changed(world: World) -> None:
    schedule = world.schedule()
    world.tick(DUE)
    assert change(world, schedule, BROADCAST, **DAILY).next_run_at == DUE + DAY
    with pytest.raises(InvalidRequest) as error:
        change(world, schedule, at=DUE)
    assert error.value.errors[0].field == "at"


def test_changed_schedule_that_is_paused_stays_so(world: World) -> None:
    schedule = world.schedule()
    pause_schedule(world.deps, a_call(), schedule.id)
    changed = change(world, schedule, at=AT + DAY)
    assert (changed.status, changed.next_run_at) == (ScheduleStatus.PAUSED, None)
    assert resume_schedule(world.deps, a_call(), schedule.id).next_run_at == AT + DAY


def test_it_can_not_be_allowed_fewer_times_than_it_has_fired(world: World) -> None:
    schedule = world.schedule()
    world.tick(DUE)
    with pytest.raises(InvalidRequest) as error:
        change(world, schedule, **DAILY, max_occurrences=1)
    assert error.value.errors[0].field == "max_occurrences"


def test_what_is_over_is_not_changed_any_more(world: World) -> None:
    schedule = world.schedule()
    assert cancel_schedule(world.deps, a_call(), schedule.id).status is ScheduleStatus.CANCELLED
    assert cancel_schedule(world.deps, a_call(), schedule.id).status is ScheduleStatus.CANCELLED
    for attempt in (pause_schedule, resume_schedule):
        with pytest.raises(Conflict):
            attempt(world.deps, a_call(), schedule.id)
    with pytest.raises(Conflict):
        change(world, schedule, **DAILY)
    assert world.actions(schedule) == ["schedule.created", "schedule.cancelled"]


def test_unknown_schedule_is_not_found(world: World) -> None:
    schedule = world.schedule()
    stranger = a_call(tenant="globex")
    for attempt in (pause_schedule, resume_schedule, cancel_schedule):
        with pytest.raises(NotFound):
            attempt(world.deps, stranger, schedule.id)
    with pytest.raises(NotFound):
        get_schedule(world.deps, "globex", schedule.id)
    with pytest.raises(NotFound):
        change_schedule(world.deps, stranger, schedule.id, draft(TO_ALICE))


def test_broken_schedule_can_be_shown_cancelled_and_replaced_and_nothing_else(world: World) -> None:
    schedule = world.schedule()
    world.schedules.edit(TENANT_ID, schedule.id, defect="repeat: must be a word", status=ScheduleStatus.PAUSED)
    assert get_schedule(world.deps, TENANT_ID, schedule.id).defect == "repeat: must be a word"
    for attempt in (pause_schedule, resume_schedule):
        with pytest.raises(Conflict):
            attempt(world.deps, a_call(), schedule.id)
    with pytest.raises(Conflict):
        preview_schedule(world.deps, TENANT_ID, schedule.id, 1, ())
    assert change(world, schedule, **DAILY).defect is None
    assert resume_schedule(world.deps, a_call(), schedule.id).next_run_at == DUE


# When it fires


def fired(world: World, schedule: Schedule, count: int, *zones: str) -> list[tuple[str, list[str]]]:
    found = preview_schedule(world.deps, TENANT_ID, schedule.id, count, zones)
    assert all(at.astimezone(UTC) == at for zone in found for at, _ in zone.firings)
    return [(zone.zone, [f"{local:%d %H:%M}={at:%d %H:%M}" for at, local in zone.firings]) for zone in found]


def test_next_firings_are_told_as_each_zones_clocks_show_them(world: World) -> None:
    schedule = world.schedule()
    assert fired(world, schedule, 2) == [(BERLIN, ["25 09:00=25 08:00", "26 09:00=26 08:00"])]
    assert fired(world, schedule, 1, "Asia/Tokyo", "UTC") == [("Asia/Tokyo", ["25 17:00=25 08:00"]), ("UTC", ["25 08:00=25 08:00"])]


def test_firings_in_recipients_zones_are_other_instants_in_each(world: World) -> None:
    schedule = world.schedule(**{**DAILY, "timezone": "recipient"})
    assert fired(world, schedule, 1) == [("Asia/Tokyo", ["25 09:00=25 00:00"])]
    assert fired(world, schedule, 1, BERLIN, "Pacific/Honolulu") == [(BERLIN, ["25 09:00=25 08:00"]), ("Pacific/Honolulu", ["25 09:00=25 19:00"])]


def test_firings_follow_the_changes_of_clocks(world: World) -> None:
    skipped = world.schedule(date="2027-03-27", local_time="02:30", timezone=BERLIN, repeat=Repeat.DAILY)
    assert fired(world, skipped, 3) == [(BERLIN, ["27 02:30=27 01:30", "28 03:00=28 01:00", "29 02:30=29 00:30"])]
    twice = world.schedule(date="2027-10-30", local_time="02:30", timezone=BERLIN, repeat=Repeat.DAILY)
    assert fired(world, twice, 3) == [(BERLIN, ["30 02:30=30 00:30", "31 02:30=31 00:30", "01 02:30=01 01:30"])]


def test_no_more_firings_are_told_than_are_left(world: World) -> None:
    schedule = world.schedule(**DAILY, max_occurrences=2)
    assert len(fired(world, schedule, 100)[0][1]) == 2
    cancel_schedule(world.deps, a_call(), schedule.id)
    assert fired(world, schedule, 100) == [(BERLIN, [])]


def test_unknown_zone_of_a_preview_is_named(world: World) -> None:
    schedule = world.schedule()
    with pytest.raises(InvalidRequest) as error:
        preview_schedule(world.deps, TENANT_ID, schedule.id, 1, ("Mars/One",))
    assert [found.field for found in error.value.errors] == ["timezones"]


def test_schedules_are_listed_by_status(world: World) -> None:
    going, paused = world.schedule(), world.schedule(None, at=AT)
    pause_schedule(world.deps, a_call(), paused.id)
    assert [found.id for found in list_schedules(world.deps, TENANT_ID, ScheduleFilter(), 10, None)[0]] == sorted([going.id, paused.id], reverse=True)
    assert [found.id for found in list_schedules(world.deps, TENANT_ID, ScheduleFilter(ScheduleStatus.PAUSED), 10, None)[0]] == [paused.id]


def test_erased_person_is_named_by_no_schedule_any_more(world: World) -> None:
    bob = add_profile(world.deps, "bob", username="bob")
    alone = world.schedule({"to": {"usernames": ["bob"]}, "title": "x"}, **DAILY)
    both = world.schedule({"to": {"usernames": ["alice", "bob"]}, "title": "x"}, **DAILY)
    erase_profile(world.deps, a_call(), bob.id)
    assert world.stored(alone).status is ScheduleStatus.CANCELLED
    assert world.stored(both).request["to"] == {"usernames": ["alice"]}
    assert world.tick(DUE).fired == 1
