"""When what is due, by kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.audience import Audience
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.device import InactiveReason
from fanfare.domain.expiry import IDLE, TOMBSTONES_KEPT, is_deleted_since, is_inactive_since, is_profile_due, retire_idle, tombstones_due
from fanfare.domain.message import Platform
from fanfare.domain.registration import deactivate, retarget, revive
from fanfare.domain.retention import Ended, Kind, Place, due_before, is_replay_over
from fanfare.domain.setting_rules import RETENTION_DAYS
from tests.factories import NOW, a_device, a_profile, a_token

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def test_each_kind_of_the_settings_has_its_day() -> None:
    due = due_before(RETENTION_DAYS, NOW)
    days = {kind.value: (NOW - at).days for kind, at in due.items()}
    assert days == {
        **dict.fromkeys(("notifications", "chunks", "receipts", "deliveries", "events", "dead_letters", "audit"), 90),
        **dict.fromkeys(("inactive_devices", "deleted_devices", "profiles"), 30),
        "recipients": 7,
        "data_keys": 2,
    }


@given(st.integers(1, 3_650))
def test_results_outlast_recipients(days: int) -> None:
    due = due_before({**RETENTION_DAYS, "chunks": days}, NOW)
    assert due[Kind.CHUNKS] <= due[Kind.RECIPIENTS] - DAY


@pytest.mark.parametrize("platform", Platform)
def test_device_is_idle_after_its_platforms_time(platform: Platform) -> None:
    silent = a_device(platform=platform, last_seen_at=NOW - IDLE[platform])
    retired = retire_idle(silent, NOW)
    assert retired == deactivate(silent, InactiveReason.IDLE, NOW)
    assert retire_idle(replace(silent, last_seen_at=silent.last_seen_at + SECOND), NOW) is None
    assert retire_idle(replace(silent, active=False), NOW) is None
    assert retired is not None
    assert revive(retired).active
    assert retarget(retired, a_token("new"), NOW).active, "idleness ends with the target"


@pytest.mark.parametrize(
    ("reason", "age", "inactive", "deleted"),
    [
        (InactiveReason.UNREGISTERED, 1, True, False),
        (InactiveReason.IDLE, 1, True, False),
        (InactiveReason.UNREGISTERED, -1, False, False),
        (InactiveReason.DELETED, 1, False, True),
        (InactiveReason.DELETED, 0, False, True),
        (InactiveReason.DELETED, -1, False, False),
        (InactiveReason.PROFILE_DELETED, 1, False, False),
    ],
)
def test_device_is_due_by_why_and_since_when_it_receives_nothing(reason: InactiveReason, age: int, *, inactive: bool, deleted: bool) -> None:
    device = deactivate(a_device(), reason, NOW - age * SECOND)
    assert (is_inactive_since(device, NOW), is_deleted_since(device, NOW)) == (inactive, deleted)


def test_device_that_receives_or_was_deleted_nobody_knows_when_is_not_due() -> None:
    assert not is_inactive_since(a_device(), NOW)
    assert not is_deleted_since(a_device(), NOW)
    assert not is_deleted_since(replace(deactivate(a_device(), InactiveReason.DELETED, NOW), inactive_since=None), NOW)


@pytest.mark.parametrize(
    ("deleted", "erased", "due"),
    [(None, None, False), (NOW, None, True), (NOW + SECOND, None, False), (NOW, NOW, False)],
)
def test_profile_is_due_while_it_is_deleted_and_not_erased(deleted: object, erased: object, *, due: bool) -> None:
    assert is_profile_due(a_profile(deleted_at=deleted, erased_at=erased), NOW) is due


def test_tombstones_wait_for_every_bucket_of_the_audience_and_for_a_day() -> None:
    assert tombstones_due(None, NOW) == NOW - TOMBSTONES_KEPT
    behind = (NOW, *[NOW - 3 * DAY] * (BUCKETS - 1))
    assert tombstones_due(Audience("acme", watermarks=behind), NOW) == NOW - 3 * DAY
    assert tombstones_due(Audience("acme", watermarks=(NOW,) * BUCKETS), NOW) == NOW - TOMBSTONES_KEPT


@pytest.mark.parametrize(("completed_at", "is_over"), [(None, False), (NOW, True), (NOW + SECOND, False)])
def test_replay_is_over_when_its_notification_has_ended_long_ago(completed_at: object, *, is_over: bool) -> None:
    assert is_replay_over(completed_at, NOW) is is_over  # type: ignore[arg-type]


def test_ended_notifications_stand_in_the_order_of_their_ends() -> None:
    assert Ended("b", NOW).place == Place(NOW, "b")
    assert Ended("b", NOW).place > Ended("a", NOW).place > Ended("c", NOW - SECOND).place
