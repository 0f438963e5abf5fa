"""Keepalive: who is pinged when, by the table of the domain."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.keepalive import (
    LONGEST_LATE,
    Keepalive,
    KeepaliveState,
    PingPlan,
    is_answered,
    is_silent,
    plan_ping,
    replied,
    restarted,
    time_tomorrow,
)
from fanfare.domain.keepalive_settings import KeepaliveSettings, NightWindow

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SETTINGS = KeepaliveSettings(enabled=True)
DUE = Keepalive(KeepaliveState.PLANNED, NOW - timedelta(days=1), NOW - timedelta(seconds=30), NOW - timedelta(days=1))
OVER = timedelta(days=7, seconds=1)
zones = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca", None])
chances = st.floats(0, 1, exclude_max=True)
instants = st.datetimes(datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2030-12-31"), timezones=st.just(UTC))
clock_times = st.times().map(lambda time: time.strftime("%H:%M"))
nights = st.none() | st.tuples(clock_times, clock_times).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: NightWindow(*pair))


def tomorrow(chance: float = 0.25) -> datetime:
    return time_tomorrow("Europe/Berlin", None, NOW, chance)


def decide(keepalive: Keepalive, *, held: bool = False) -> PingPlan | None:
    return plan_ping(keepalive, SETTINGS, "Europe/Berlin", NOW, 0.25, held=held)


def skipped(keepalive: Keepalive) -> PingPlan:
    return PingPlan(replace(keepalive, next=tomorrow()))


@pytest.mark.parametrize("reply", [None, NOW - timedelta(days=7)])
def test_a_new_device_is_pinged_tomorrow_at_the_earliest(reply: datetime | None) -> None:
    assert decide(Keepalive(reply=reply)) == PingPlan(Keepalive(KeepaliveState.PLANNED, next=tomorrow(), reply=reply))


@pytest.mark.parametrize("reply", [None, NOW, NOW - timedelta(days=7)])
def test_a_due_device_is_pinged_and_planned_for_tomorrow(reply: datetime | None) -> None:
    due = Keepalive(KeepaliveState.PLANNED, None, NOW, reply)
    assert decide(due) == PingPlan(Keepalive(KeepaliveState.PLANNED, NOW, tomorrow(), reply), is_pinged=True)


def test_the_ping_of_a_held_tenant_is_skipped() -> None:
    assert decide(DUE, held=True) == skipped(DUE)
    assert decide(Keepalive(), held=True) == decide(Keepalive())


def test_what_has_been_due_for_longer_than_a_day_is_spread_anew() -> None:
    late = Keepalive(KeepaliveState.PLANNED, None, NOW - LONGEST_LATE)
    assert decide(late) == PingPlan(replace(late, last=NOW, next=tomorrow()), is_pinged=True)
    too_late = replace(late, next=NOW - LONGEST_LATE - timedelta(microseconds=1))
    assert decide(too_late) == skipped(too_late)


@pytest.mark.parametrize(("last", "pinged"), [("2026-11-23T22:59:59", True), ("2026-11-23T23:00:00", False), ("2026-11-24T12:00:01", False)])
def test_nobody_is_pinged_twice_on_a_day_of_its_own(last: str, pinged: bool) -> None:  # noqa: FBT001 - what is expected
    due = Keepalive(KeepaliveState.PLANNED, datetime.fromisoformat(last).replace(tzinfo=UTC), NOW)
    plan = decide(due)
    assert plan is not None
    assert plan.is_pinged is pinged
    assert pinged or plan == skipped(due)


@pytest.mark.parametrize("state", [KeepaliveState.NEW, KeepaliveState.PLANNED])
def test_a_silent_app_is_pinged_no_more(state: KeepaliveState) -> None:
    silent = Keepalive(state, NOW - timedelta(days=2), NOW, NOW - OVER)
    assert is_silent(silent, SETTINGS, NOW)
    assert decide(silent) == PingPlan(Keepalive(KeepaliveState.STOPPED, NOW - timedelta(days=2), None, NOW - OVER))


@pytest.mark.parametrize(
    "keepalive",
    [
        Keepalive(KeepaliveState.STOPPED, reply=NOW - OVER),
        Keepalive(KeepaliveState.PLANNED, next=NOW + timedelta(seconds=1)),
        Keepalive(KeepaliveState.PLANNED, next=NOW + timedelta(hours=1), reply=NOW - OVER),
        Keepalive(KeepaliveState.PLANNED),
    ],
)
def test_nothing_is_done_before_a_device_is_due(keepalive: Keepalive) -> None:
    assert decide(keepalive) is None


def test_a_reply_lets_a_stopped_device_begin_again_and_leaves_what_is_planned() -> None:
    assert replied(Keepalive(KeepaliveState.STOPPED, reply=NOW - OVER), NOW) == Keepalive(reply=NOW)
    assert replied(DUE, NOW) == Keepalive(KeepaliveState.PLANNED, DUE.last, DUE.next, NOW)
    assert replied(Keepalive(), NOW) == Keepalive(reply=NOW)


def test_replies_may_come_out_of_order() -> None:
    assert replied(Keepalive(reply=NOW), NOW - timedelta(hours=1)).reply == NOW


@pytest.mark.parametrize(
    ("keepalive", "answered"),
    [
        (Keepalive(), False),
        (Keepalive(reply=NOW), True),
        (Keepalive(last=NOW, reply=NOW), True),
        (Keepalive(last=NOW, reply=NOW - timedelta(seconds=1)), False),
        (Keepalive(reply=NOW - timedelta(hours=12, microseconds=1)), False),
        (Keepalive(KeepaliveState.STOPPED, reply=NOW), False),
    ],
)
def test_a_reply_says_nothing_new_after_one_of_the_same_day_and_ping(keepalive: Keepalive, answered: bool) -> None:  # noqa: FBT001 - what is expected
    assert is_answered(keepalive, NOW) is answered


def test_the_audit_log_reads_it_in_words() -> None:
    assert (str(Keepalive()), str(Keepalive(reply=NOW))) == ("new, last reply none", "new, last reply 2026-11-24T12:00:00+00:00")


def test_a_registration_ends_the_silence() -> None:
    assert restarted(Keepalive(KeepaliveState.STOPPED, reply=NOW - OVER)) == Keepalive()
    assert restarted(DUE) == Keepalive(KeepaliveState.PLANNED, DUE.last, DUE.next)


@given(zones, nights, instants, chances)
def test_the_time_is_tomorrow_by_the_devices_clock_and_not_at_night(
    zone: str | None, night: NightWindow | None, now: datetime, chance: float
) -> None:
    clock = ZoneInfo(zone) if zone else UTC
    chosen = time_tomorrow(zone, night, now, chance).astimezone(clock)
    assert chosen.date() - now.astimezone(clock).date() == timedelta(days=1)
    assert chosen > now
    # On a day that repeats or skips an hour within the night its ends are no longer told by the clock's face alone.
    if night is not None and chosen.utcoffset() == now.astimezone(clock).utcoffset() == (chosen + timedelta(days=1)).utcoffset():
        face = chosen.strftime("%H:%M")
        inside = night.starts_at <= face < night.ends_at if night.starts_at < night.ends_at else not night.ends_at <= face < night.starts_at
        assert not inside


def test_every_part_of_the_day_is_as_likely() -> None:
    night = NightWindow("22:00", "06:00")
    hours = [time_tomorrow("Europe/Berlin", night, NOW, number / 1600).astimezone(ZoneInfo("Europe/Berlin")).hour for number in range(1600)]
    assert {hour: hours.count(hour) for hour in set(hours)} == dict.fromkeys(range(6, 22), 100)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "x" * 300, "Europe"])
def test_a_zone_that_nobody_knows_counts_as_utc(zone: str) -> None:
    assert time_tomorrow(zone, None, NOW, 0.5) == datetime(2026, 11, 25, 12, tzinfo=UTC)
