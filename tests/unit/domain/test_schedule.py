"""Schedules: what a tick does about what is due, and about what was missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.adapters.cron_table import CronsimTable
from fanfare.domain.errors import Conflict
from fanfare.domain.recurrence import Recurrence, Repeat
from fanfare.domain.schedule import (
    FINAL,
    ON_TIME,
    Firing,
    Missed,
    Schedule,
    ScheduleStatus,
    cancelled,
    going_status,
    grace_of,
    instant_in,
    paused,
    plan_failure,
    plan_firing,
    planned,
    preview,
    resumed,
    usernames_of,
    without_name,
)

CRON = CronsimTable().next_time
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NINE = datetime.fromisoformat("2026-11-25 09:00")
BERLIN = "Europe/Berlin"
DAY = timedelta(days=1)
DUE = datetime(2026, 11, 25, 8, tzinfo=UTC)


def schedule(
    repeat: Repeat = Repeat.DAILY, *, start: datetime = NINE, zone: str | None = BERLIN, cron: str | None = None, **fields: object
) -> Schedule:
    rule = Recurrence(repeat, start, cron)
    new = Schedule("s", "acme", {}, rule, zone, NOW, going_status(rule))
    return planned(replace(new, **fields), NOW, CRON)  # type: ignore[arg-type]


def fire(before: Schedule, now: datetime) -> Firing:
    firing = plan_firing(before, now, CRON)
    assert firing is not None
    return firing


def test_a_new_schedule_waits_for_its_first_occurrence() -> None:
    once, daily = schedule(Repeat.NONE), schedule()
    assert (once.status, once.next_local, once.next_run_at) == (ScheduleStatus.PENDING, NINE, DUE)
    assert (daily.status, daily.next_local, daily.next_run_at) == (ScheduleStatus.ACTIVE, NINE, DUE)


def test_in_recipients_zones_it_begins_where_the_day_begins() -> None:
    everywhere = schedule(zone=None)
    assert everywhere.next_run_at == datetime(2026, 11, 24, 19, tzinfo=UTC)
    assert instant_in(everywhere, NINE, ZoneInfo("Pacific/Kiritimati")) == everywhere.next_run_at
    assert instant_in(everywhere, NINE, ZoneInfo(BERLIN)) == DUE
    assert instant_in(schedule(), NINE, ZoneInfo("Asia/Tokyo")) == DUE


def test_nothing_is_done_before_it_is_due_or_when_it_does_not_go_on() -> None:
    assert plan_firing(schedule(), DUE - timedelta(seconds=1), CRON) is None
    for status in [ScheduleStatus.PAUSED, *FINAL]:
        assert plan_firing(replace(schedule(), status=status), DUE, CRON) is None
    assert plan_firing(replace(schedule(), next_local=None), DUE, CRON) is None


def test_what_is_due_fires_and_the_next_occurrence_follows() -> None:
    firing = fire(schedule(), DUE)
    assert firing.occurrence == NINE
    after = firing.schedule
    assert (after.status, after.occurrence_count, after.last_sent_at) == (ScheduleStatus.ACTIVE, 1, DUE)
    assert (after.next_local, after.next_run_at) == (NINE + DAY, DUE + DAY)


def test_once_is_completed_when_it_has_fired() -> None:
    after = fire(schedule(Repeat.NONE), DUE).schedule
    assert (after.status, after.status_reason, after.next_local, after.next_run_at) == (ScheduleStatus.COMPLETED, "all_sent", None, None)


def test_it_fires_no_more_often_than_it_may() -> None:
    once_more = schedule(max_occurrences=1)
    assert fire(once_more, DUE).schedule.status is ScheduleStatus.COMPLETED
    assert planned(replace(once_more, occurrence_count=1), NOW, CRON).status is ScheduleStatus.COMPLETED


def test_its_end_belongs_to_it() -> None:
    ending = schedule(ends_at=DUE + DAY)
    second = fire(fire(ending, DUE).schedule, DUE + DAY)
    assert second.occurrence == NINE + DAY
    assert (second.schedule.status, second.schedule.status_reason) == (ScheduleStatus.COMPLETED, "ended")


@pytest.mark.parametrize(
    ("late", "on_missed", "fired"),
    [
        (timedelta(), Missed.SKIP, True),
        (ON_TIME, Missed.SKIP, True),
        (ON_TIME + timedelta(seconds=1), Missed.SKIP, False),
        (timedelta(hours=1), Missed.SEND, True),
        (timedelta(hours=1, seconds=1), Missed.SEND, False),
    ],
)
def test_a_missed_occurrence_is_sent_late_or_skipped(late: timedelta, on_missed: Missed, fired: bool) -> None:  # noqa: FBT001 - a parameter
    firing = fire(schedule(on_missed=on_missed), DUE + late)
    assert firing.occurrence == (NINE if fired else None)
    assert firing.schedule.occurrence_count == int(fired)
    assert firing.schedule.status_reason == (None if fired else "missed")
    assert firing.schedule.next_local == NINE + DAY


def test_of_many_missed_occurrences_the_latest_is_sent() -> None:
    firing = fire(schedule(), DUE + 5 * DAY + timedelta(minutes=30))
    assert (firing.occurrence, firing.schedule.occurrence_count, firing.schedule.next_local) == (NINE + 5 * DAY, 1, NINE + 6 * DAY)


def test_an_occurrence_that_can_not_be_sent_is_over_and_does_not_count() -> None:
    after = plan_failure(schedule(max_occurrences=1), DUE, "template_inactive", CRON)
    assert after.occurrence is None
    assert (after.schedule.status, after.schedule.status_reason) == (ScheduleStatus.ACTIVE, "template_inactive")
    assert (after.schedule.occurrence_count, after.schedule.next_local) == (0, NINE + DAY)
    over = plan_failure(schedule(Repeat.NONE), DUE, "template_inactive", CRON).schedule
    assert (over.status, over.status_reason) == (ScheduleStatus.COMPLETED, "template_inactive")


def test_a_paused_schedule_misses_what_comes_due_and_goes_on_with_the_next() -> None:
    waiting = paused(schedule())
    assert waiting is not None
    assert (waiting.status, waiting.status_reason, waiting.next_run_at) == (ScheduleStatus.PAUSED, "by_caller", None)
    going = resumed(waiting, DUE + DAY, CRON)
    assert going is not None
    assert (going.status, going.status_reason, going.next_local) == (ScheduleStatus.ACTIVE, None, NINE + 2 * DAY)
    once = paused(schedule(Repeat.NONE))
    assert once is not None
    late = resumed(once, DUE + DAY, CRON)
    assert late is not None
    assert late.status is ScheduleStatus.COMPLETED


def test_asking_again_changes_nothing() -> None:
    assert resumed(schedule(), NOW, CRON) is None
    assert paused(replace(schedule(), status=ScheduleStatus.PAUSED)) is None
    ended = cancelled(schedule())
    assert ended is not None
    assert (ended.status, ended.next_local, ended.next_run_at) == (ScheduleStatus.CANCELLED, None, None)
    assert cancelled(ended) is None


@pytest.mark.parametrize("status", sorted(FINAL))
def test_what_is_over_stays_so(status: ScheduleStatus) -> None:
    over = replace(schedule(), status=status)
    with pytest.raises(Conflict):
        paused(over)
    with pytest.raises(Conflict):
        resumed(over, NOW, CRON)
    if status is ScheduleStatus.COMPLETED:
        with pytest.raises(Conflict):
            cancelled(over)


def test_a_preview_lists_what_is_left() -> None:
    assert preview(schedule(), NOW, 3, CRON) == [NINE, NINE + DAY, NINE + 2 * DAY]
    assert preview(schedule(max_occurrences=2), NOW, 3, CRON) == [NINE, NINE + DAY]
    assert preview(replace(schedule(max_occurrences=2), occurrence_count=2), NOW, 3, CRON) == []
    assert preview(schedule(), DUE + 400 * DAY, 1, CRON) == [NINE + 401 * DAY]


@given(st.lists(st.integers(1, 3 * 24 * 60), min_size=1, max_size=40), st.sampled_from([BERLIN, "America/New_York", None]), st.sampled_from(Missed))
def test_no_occurrence_fires_twice_whenever_ticks_come(waits: list[int], zone: str | None, on_missed: Missed) -> None:
    current, now, fired = schedule(zone=zone, on_missed=on_missed), NOW, []
    for minutes in waits:
        now += timedelta(minutes=minutes)
        firing = plan_firing(current, now, CRON)
        if firing is not None:
            current = firing.schedule
            fired += [firing.occurrence] if firing.occurrence else []
        assert current.next_run_at is not None
        assert current.next_run_at > now
    assert fired == sorted(set(fired))
    assert current.occurrence_count == len(fired)


def test_in_recipients_zones_it_is_not_missed_while_it_is_still_to_come_to_some() -> None:
    everywhere = schedule(Repeat.NONE, zone=None, on_missed=Missed.SKIP)
    nobody_left = datetime(2026, 11, 25, 22, tzinfo=UTC)
    assert fire(everywhere, nobody_left).occurrence == NINE
    assert fire(everywhere, nobody_left + ON_TIME + timedelta(seconds=1)).occurrence is None


def test_local_times_that_clocks_skip_become_one_firing() -> None:
    skipped = schedule(Repeat.CRON, start=datetime.fromisoformat("2027-03-28 01:30"), cron="*/30 1-3 * * *")
    times = [time.strftime("%H:%M") for time in preview(skipped, datetime(2027, 3, 28, tzinfo=UTC), 4, CRON)]
    assert times == ["01:30", "02:00", "03:30", "01:00"]


def test_what_is_over_has_no_firings_left() -> None:
    assert preview(replace(schedule(), status=ScheduleStatus.CANCELLED), NOW, 3, CRON) == []


def test_resuming_plans_what_a_hand_has_taken_the_plan_from() -> None:
    going = resumed(replace(schedule(), next_run_at=None), NOW, CRON)
    assert going is not None
    assert going.next_run_at == DUE


def test_grace_is_never_shorter_than_a_tick_may_take() -> None:
    graces = [grace_of(schedule(on_missed=missed, grace_seconds=seconds)) for missed in (Missed.SEND, Missed.SKIP) for seconds in (0, 3_600)]
    assert graces == [ON_TIME, timedelta(hours=1), ON_TIME, ON_TIME]


def test_erased_person_is_not_addressed_any_more() -> None:
    both = schedule(request={"to": {"usernames": ["alice", "bob"]}, "title": "x"})
    assert usernames_of(both) == ("alice", "bob")
    left = without_name(both, "alice")
    assert (left.request, left.status) == ({"to": {"usernames": ["bob"]}, "title": "x"}, ScheduleStatus.ACTIVE)
    nobody = without_name(left, "bob")
    assert (nobody.status, nobody.status_reason, nobody.next_run_at) == (ScheduleStatus.CANCELLED, "no_recipients", None)
    over = without_name(replace(left, status=ScheduleStatus.COMPLETED), "bob")
    assert (over.status, usernames_of(over)) == (ScheduleStatus.COMPLETED, ())


def test_broken_schedule_of_an_erased_person_is_cancelled_with_all_that_it_says() -> None:
    broken = without_name(replace(schedule(request={}), defect="request: is none"), "alice")
    assert (broken.defect, broken.status, broken.request) == (None, ScheduleStatus.CANCELLED, {"to": {"usernames": []}})
