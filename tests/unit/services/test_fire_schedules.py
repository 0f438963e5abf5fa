"""The tick's schedules: each occurrence becomes one notification, of the request, the template and the segment as they are then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.call import ActorKind
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Unavailable
from fanfare.domain.layout import Layout, Source
from fanfare.domain.local_time import LocalTime
from fanfare.domain.notification import FIRST_CHECK, Counts, NotificationStatus
from fanfare.domain.recurrence import Recurrence, Repeat
from fanfare.domain.schedule import ScheduleStatus
from fanfare.domain.segment import Segment
from fanfare.domain.template import Draft as TemplateDraft
from fanfare.services import fire_schedules as firing
from fanfare.services.delete_topic import delete_topic
from fanfare.services.fire_schedules import Fired
from fanfare.services.schedules import cancel_schedule, pause_schedule, resume_schedule
from fanfare.services.segments import create_segment, delete_segment, replace_segment
from fanfare.services.templates import create_template, replace_template
from fanfare.services.topics import create_topic
from tests.factories import NOW, TENANT_ID, a_call
from tests.fakes import SendTask
from tests.fakes.tasks import FanoutTask
from tests.unit.services.scheduling import BERLIN, DAILY, DAY, DUE, HOUR, MINUTE, World, a_scheduling_world
from tests.unit.services.seeding import add_devices, add_profile, device_of

EVERYWHERE: dict[str, Any] = {"local_time": "09:00", "date": "2026-11-25", "timezone": "recipient", "repeat": Repeat.DAILY}
EARLIEST = datetime(2026, 11, 24, 19, tzinfo=UTC)
TEMPLATE = TemplateDraft({"title": "As it was"})


@pytest.fixture
def world() -> World:
    return a_scheduling_world()


def test_due_schedule_becomes_a_notification_and_goes_on_with_its_next_time(world: World) -> None:
    schedule = world.schedule()
    assert world.tick(DUE - MINUTE) == Fired()
    assert world.tick(DUE) == Fired(due=1, fired=1)
    (notification,) = world.made()
    assert (notification.schedule_id, notification.client_id, notification.actor_kind) == (schedule.id, "client-1", ActorKind.CLIENT)
    assert (notification.message.title, notification.usernames, notification.request_id) == ("Good morning", ("alice",), "tick")
    assert (notification.created_at, notification.planned_at, notification.next_check_at) == (DUE, DUE, DUE + FIRST_CHECK)
    assert sorted(world.rows(notification)) == ["phone-0", "phone-1"]
    assert world.tasks.sends == [SendTask(ChunkKey(TENANT_ID, notification.id, 0), "tick")]
    after = world.stored(schedule)
    assert (after.occurrence_count, after.last_notification_id, after.last_sent_at) == (1, notification.id, DUE)
    assert (after.next_run_at, after.status) == (DUE + DAY, ScheduleStatus.ACTIVE)
    assert world.actions(schedule) == ["schedule.created", "schedule.fired"]


def test_repeated_tick_fires_nothing_again(world: World) -> None:
    world.schedule()
    world.tick(DUE)
    assert world.tick() == Fired()
    assert len(world.made()) == 1
    world.tick(DUE + DAY)
    assert len(world.made()) == 2


def test_schedule_that_fires_once_is_completed(world: World) -> None:
    schedule = world.schedule(at=DUE)
    world.tick(DUE)
    world.tick(DUE + DAY)
    assert len(world.made()) == 1
    assert world.stored(schedule).status is ScheduleStatus.COMPLETED


def test_lost_nudge_is_the_sweeps_business(world: World) -> None:
    world.schedule()
    world.tasks.refusing = True
    assert world.tick(DUE).fired == 1
    overdue = world.deps.notifications.find_overdue(DUE + FIRST_CHECK, 10)
    assert [key.notification_id for key in overdue.notifications] == [world.made()[0].id]


def test_nobody_to_reach_is_an_occurrence_as_well(world: World) -> None:
    schedule = world.schedule({"to": {"usernames": ["nobody"]}, "title": "x"}, **DAILY)
    world.tick(DUE)
    assert [notification.status for notification in world.made()] == [NotificationStatus.COMPLETED]
    assert world.stored(schedule).occurrence_count == 1
    assert world.tasks.sends == []


def test_broadcast_is_handed_to_fanout_with_its_pace(world: World) -> None:
    world.schedule({"to": {"everyone": True}, "title": "x", "ramp": [10, 100]}, **DAILY)
    world.tick(DUE)
    (notification,) = world.made()
    assert (notification.layout, notification.request["ramp"]) == (Layout(Source.AUDIENCE), [10, 100])
    assert world.tasks.fanouts == [FanoutTask("notification", TENANT_ID, (notification.id,), "tick")]


def test_topic_that_fcm_fans_out_is_sent_in_its_turn(world: World) -> None:
    for _ in range(2):
        world.schedule({"to": {"topic": "news"}, "title": "x"}, **DAILY)
    world.tick(DUE)
    assert {notification.planned_at for notification in world.made()} == {DUE, DUE + timedelta(seconds=1)}


# As it is when it fires


def test_template_and_segment_mean_what_they_mean_when_it_fires(world: World) -> None:
    create_template(world.deps, a_call(), "news", TEMPLATE)
    segment = create_segment(world.deps, a_call(), "Beta", Segment(tags=("beta",)))
    world.schedule({"to": {"segment": segment.id}, "template": "news"}, **DAILY)
    replace_segment(world.deps, a_call(), segment.id, "Beta", Segment(tags=("new",)))
    replace_template(world.deps, a_call(), "news", replace(TEMPLATE, message={"title": "As it is"}))
    world.tick(DUE)
    (notification,) = world.made()
    assert notification.request["to"] == {"segment": {"tags": ["new"]}, "segment_id": segment.id}
    assert notification.wording is not None
    assert notification.wording.message["title"] == "As it is"


def test_devices_that_registered_meanwhile_are_reached(world: World) -> None:
    world.schedule()
    add_devices(world.deps, device_of(add_profile(world.deps, "other", username="alice-2"), id="other"))
    alice = world.deps.profiles.get(TENANT_ID, "alice")
    assert alice is not None
    add_devices(world.deps, device_of(alice, id="phone-2"))
    world.tick(DUE)
    assert sorted(world.rows(world.made()[0])) == ["phone-0", "phone-1", "phone-2"]


def _switch_off(world: World, _segment: str = "") -> None:
    replace_template(world.deps, a_call(), "news", replace(TEMPLATE, active=False))


def _spoil(world: World, segment: str) -> None:
    segments: Any = world.deps.segments
    segments.spoil(TENANT_ID, segment, "filter: bad")


def _fill(world: World, _segment: str) -> None:
    alice = world.deps.profiles.get(TENANT_ID, "alice")
    assert alice is not None
    add_devices(world.deps, *(device_of(alice, id=f"more-{number}") for number in range(500)))


@pytest.mark.parametrize(
    ("request_", "spoil", "code"),
    [
        ({"to": {"usernames": ["alice"]}, "template": "news"}, _switch_off, "template_inactive"),
        ({"to": {"segment": "saved"}, "title": "x"}, _spoil, "segment_broken"),
        ({"to": {"segment": "saved"}, "title": "x"}, lambda world, segment: delete_segment(world.deps, a_call(), segment), "invalid_request"),
        ({"to": {"topic": "news"}, "title": "x"}, lambda world, _: delete_topic(world.deps, a_call(), "news"), "invalid_request"),
        ({"to": {"usernames": ["alice"]}, "title": "x"}, _fill, "invalid_request"),
    ],
)
def test_what_can_not_be_sent_is_over_and_the_next_occurrence_goes_on(world: World, request_: dict[str, Any], spoil: Any, code: str) -> None:
    create_template(world.deps, a_call(), "news", TEMPLATE)
    create_topic(world.deps, a_call(), "news", None)
    saved = create_segment(world.deps, a_call(), "Beta", Segment())
    if request_["to"].get("segment"):
        request_ = {**request_, "to": {"segment": saved.id}}
    schedule = world.schedule(request_, **DAILY)
    spoil(world, saved.id)
    assert world.tick(DUE) == Fired(due=1)
    after = world.stored(schedule)
    assert (after.status, after.status_reason, after.occurrence_count) == (ScheduleStatus.ACTIVE, code, 0)
    assert (after.next_run_at, after.last_notification_id) == (DUE + DAY, None)
    assert world.made() == []
    assert world.actions(schedule) == ["schedule.created", "schedule.failed"]


def test_what_is_mended_is_sent_the_next_time_and_the_reason_is_gone(world: World) -> None:
    create_template(world.deps, a_call(), "news", TEMPLATE)
    schedule = world.schedule({"to": {"usernames": ["alice"]}, "template": "news"}, **DAILY)
    _switch_off(world)
    world.tick(DUE)
    replace_template(world.deps, a_call(), "news", TEMPLATE)
    world.tick(DUE + DAY)
    assert len(world.made()) == 1
    assert world.stored(schedule).status_reason is None


# Late, paused, cancelled


def test_missed_occurrence_is_sent_late_within_the_grace_or_skipped(world: World) -> None:
    late, too_late = world.schedule(**DAILY, grace_seconds=7_200), world.schedule(**DAILY, grace_seconds=60)
    assert world.tick(DUE + HOUR) == Fired(due=2, fired=1)
    assert [notification.schedule_id for notification in world.made()] == [late.id]
    assert world.stored(too_late).status_reason == "missed"
    assert world.actions(too_late) == ["schedule.created", "schedule.missed"]
    assert world.tick(DUE + DAY).fired == 2


def test_paused_or_cancelled_schedule_fires_for_nobody(world: World) -> None:
    paused, cancelled = world.schedule(), world.schedule()
    pause_schedule(world.deps, a_call(), paused.id)
    cancel_schedule(world.deps, a_call(), cancelled.id)
    assert world.tick(DUE) == Fired()
    resume_schedule(world.deps, a_call(), paused.id)
    assert world.tick(DUE + MINUTE) == Fired()
    assert world.tick(DUE + DAY) == Fired(due=1, fired=1)


def test_schedule_that_changes_while_it_is_fired_is_left_to_the_next_tick(world: World) -> None:
    schedule = world.schedule()

    class Overtaken:
        def __getattr__(self, name: str) -> Any:
            if name == "fire":
                pause_schedule(world.deps, a_call(), schedule.id)
            return getattr(world.schedules, name)

    overtaken = replace(world, deps=replace(world.deps, schedules=Overtaken()))
    assert overtaken.tick(DUE) == Fired(due=1)
    assert world.made() == []
    assert world.stored(schedule).status is ScheduleStatus.PAUSED
    assert world.tasks.sends == []


# In the recipients' zones


def test_named_people_are_reached_each_at_the_time_of_their_own_clocks() -> None:
    world = a_scheduling_world(zones=("Asia/Tokyo", BERLIN, "Europe/Paris", None, "Mars/One"), timezone="America/New_York")
    world.schedule(**EVERYWHERE)
    assert world.tick(EARLIEST) == Fired(due=1, fired=1)
    (notification,) = world.made()
    nine = datetime(2026, 11, 25, 9, tzinfo=UTC)
    dues = (nine - 9 * HOUR, nine - HOUR, nine + 5 * HOUR)
    assert notification.local_time == LocalTime(nine.replace(tzinfo=None), "America/New_York", 3_600)
    assert notification.layout == Layout(Source.RECIPIENTS, stages=(1, 2, 3), dues=dues)
    assert (notification.counts, notification.chunk_count) == (Counts(targeted=5, unsent=5), 3)
    rows = [sorted(world.rows(notification, number)) for number in range(3)]
    assert rows == [["phone-0"], ["phone-1", "phone-2"], ["phone-3", "phone-4"]]
    assert world.tasks.fanouts == [FanoutTask("notification", TENANT_ID, (notification.id,), "tick")]


def test_audience_in_its_own_zones_is_left_to_fanout(world: World) -> None:
    world.schedule({"to": {"everyone": True}, "title": "x"}, **EVERYWHERE)
    world.tick(EARLIEST)
    (notification,) = world.made()
    assert notification.layout == Layout(Source.AUDIENCE)
    assert notification.local_time is not None


def test_whom_the_time_came_to_too_long_ago_is_not_sent_to_and_the_others_are(world: World) -> None:
    world.schedule(**EVERYWHERE)
    assert world.tick(datetime(2026, 11, 25, 1, 30, tzinfo=UTC)).fired == 1
    (notification,) = world.made()
    assert world.rows(notification) == ["phone-0"]
    assert notification.counts == Counts(targeted=1, unsent=1)


def test_local_time_that_is_over_for_everybody_reaches_nobody(world: World) -> None:
    world.schedule(**EVERYWHERE, on_missed="skip")
    world.tick(datetime(2026, 11, 25, 12, 30, tzinfo=UTC))
    (notification,) = world.made()
    assert (notification.status, notification.status_reason, notification.counts) == (NotificationStatus.COMPLETED, "no_recipients", Counts())
    assert notification.next_check_at is None


# Trouble of one


def test_one_schedules_trouble_is_not_the_others(world: World) -> None:
    troubled, well = world.schedule({"to": {"segment": {}}, "title": "x"}, **DAILY), world.schedule(**{**DAILY, "local_time": "09:01"})

    class Broken:
        def __getattr__(self, name: str) -> Any:
            def fail(*_: Any, **__: Any) -> Any:
                raise ZeroDivisionError

            return fail

    broken = replace(world, deps=replace(world.deps, profiles=Broken(), devices=Broken(), tasks=world.tasks))
    assert broken.tick(DUE + MINUTE) == Fired(due=2, fired=1, failed=1)
    assert [notification.schedule_id for notification in world.made()] == [troubled.id]
    assert "internal_error" in [record.event for record in world.log.records]
    assert world.tick(DUE + 2 * MINUTE) == Fired(due=1, fired=1)
    assert world.stored(well).occurrence_count == 1


def test_what_can_not_be_fired_waits_behind_what_is_due(world: World) -> None:
    first, second = world.schedule(), world.schedule(**{**DAILY, "local_time": "09:01"})

    class Away:
        def __getattr__(self, name: str) -> Any:
            if name == "fire":
                raise Unavailable("Firestore does not answer.")
            return getattr(world.schedules, name)

    assert replace(world, deps=replace(world.deps, schedules=Away())).tick(DUE) == Fired(due=1, failed=1)
    assert world.stored(first).next_local == first.next_local
    assert [name for _, name in world.schedules.find_due(DUE + MINUTE, 10)] == [first.id, second.id]
    assert "internal_error" not in [record.event for record in world.log.records]
    assert world.tick(DUE + MINUTE) == Fired(due=2, fired=2)


def test_tick_takes_no_more_than_half_a_minute(world: World) -> None:
    for _ in range(3):
        world.schedule()

    class Slow:
        def __getattr__(self, name: str) -> Any:
            if name == "fire":
                world.clock.advance(timedelta(seconds=20))
            return getattr(world.schedules, name)

    assert replace(world, deps=replace(world.deps, schedules=Slow())).tick(DUE) == Fired(due=3, fired=2)
    assert world.tick() == Fired(due=1, fired=1)


def test_tick_finds_a_bounded_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "MOST_DUE", 2)
    for _ in range(3):
        world.schedule()
    assert world.tick(DUE) == Fired(due=2, fired=2)
    assert world.tick() == Fired(due=1, fired=1)


def test_schedule_that_went_away_is_passed_by(world: World) -> None:
    world.schedule()

    class Gone:
        def __getattr__(self, name: str) -> Any:
            return (lambda *_: None) if name == "get" else getattr(world.schedules, name)

    assert replace(world, deps=replace(world.deps, schedules=Gone())).tick(DUE) == Fired(due=1)


# Edited by hand


def test_broken_schedule_is_looked_at_again_later_and_fires_once_it_is_mended(world: World) -> None:
    schedule = world.schedule()
    world.schedules.edit(TENANT_ID, schedule.id, defect="repeat: must be a word")
    assert world.tick(DUE) == Fired(due=1)
    assert world.tick(DUE + MINUTE) == Fired()
    world.schedules.edit(TENANT_ID, schedule.id, defect=None)
    assert world.tick(DUE + 5 * MINUTE) == Fired(due=1, fired=1)


def test_broken_cron_pauses_its_schedule(world: World) -> None:
    schedule = world.schedule(cron="0 9 * * *", timezone=BERLIN)
    world.schedules.edit(TENANT_ID, schedule.id, rule=replace(schedule.rule, cron="nonsense"))
    assert world.tick(datetime(2026, 11, 24, 8, tzinfo=UTC) + DAY) == Fired(due=1)
    after = world.stored(schedule)
    assert (after.status, after.status_reason, after.next_run_at) == (ScheduleStatus.PAUSED, "broken_cron", None)


@pytest.mark.parametrize("status", [ScheduleStatus.PAUSED, ScheduleStatus.CANCELLED, ScheduleStatus.COMPLETED])
def test_status_that_a_hand_has_changed_is_heeded(world: World, status: ScheduleStatus) -> None:
    schedule = world.schedule()
    world.schedules.edit(TENANT_ID, schedule.id, status=status)
    assert world.tick(DUE) == Fired(due=1)
    assert world.tick(DUE + MINUTE) == Fired()
    assert world.made() == []


def test_times_that_a_hand_has_changed_are_heeded(world: World) -> None:
    later, unknown = world.schedule(), world.schedule()
    world.schedules.edit(TENANT_ID, later.id, next_local=datetime.fromisoformat("2026-11-25 10:00"))
    world.schedules.edit(TENANT_ID, unknown.id, next_local=None)
    assert world.tick(DUE) == Fired(due=2)
    assert (world.stored(later).next_run_at, world.stored(unknown).next_run_at) == (DUE + HOUR, DUE + DAY)
    assert world.tick(DUE + HOUR) == Fired(due=1, fired=1)


def test_schedule_that_a_hand_has_set_back_does_not_fire_an_occurrence_twice(world: World) -> None:
    schedule = world.schedule()
    world.tick(DUE)
    world.schedules.edit(TENANT_ID, schedule.id, next_local=schedule.next_local, next_run_at=DUE)
    assert world.tick(DUE + MINUTE) == Fired(due=1)
    assert len(world.made()) == 1
    assert world.stored(schedule).next_run_at == DUE + DAY
    assert world.tick(DUE + DAY).fired == 1


def test_monthly_of_the_31st_fires_on_the_last_day(world: World) -> None:
    schedule = world.schedule(at=datetime(2027, 1, 31, 9, tzinfo=UTC), repeat=Repeat.MONTHLY)
    assert schedule.rule == Recurrence(Repeat.MONTHLY, datetime.fromisoformat("2027-01-31 09:00"))
    for day in (datetime(2027, 1, 31, 9, tzinfo=UTC), datetime(2027, 2, 28, 9, tzinfo=UTC), datetime(2027, 3, 31, 9, tzinfo=UTC)):
        assert world.tick(day - MINUTE) == Fired()
        assert world.tick(day).fired == 1


def test_now_is_before_everything_that_is_due() -> None:
    assert NOW < EARLIEST < DUE
