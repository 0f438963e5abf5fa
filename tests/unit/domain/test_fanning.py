from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import CLOCK_SKEW, ChunkState
from fanfare.domain.fanning import (
    JUDGE_AFTER,
    LEASE,
    Again,
    Fanout,
    Phase,
    after_page,
    begin_sending,
    end_empty,
    is_fanned_out,
    is_leased,
    is_wanted,
    new_fanout,
    next_check,
    next_stage,
    release,
    renew,
)
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus, StatusReason
from tests.factories import NOW, a_notification

LATER = NOW + timedelta(minutes=1)
FANOUT = Fanout("owner", NOW + LEASE)


def of_many(**fields: Any) -> Notification:
    usual: dict[str, Any] = {"layout": Layout(Source.AUDIENCE), "counts": Counts(), "chunk_count": 0}
    return a_notification(**usual | fields)


def test_audience_is_laid_out_first_and_own_recipients_are_nudged_at_once() -> None:
    own = of_many(layout=Layout(Source.RECIPIENTS, stages=(3,)), counts=Counts(1_201, unsent=1_201), chunk_count=3)
    assert new_fanout(of_many(), "owner", NOW) == FANOUT
    assert new_fanout(of_many(layout=None), "owner", NOW) == FANOUT
    assert new_fanout(own, "owner", NOW) == replace(FANOUT, phase=Phase.NUDGING, expected=401)
    assert new_fanout(replace(own, counts=Counts(), chunk_count=0), "owner", NOW).expected == 1


def test_lease_ends_by_itself_and_when_it_is_given_back() -> None:
    assert is_leased(FANOUT, NOW + LEASE)
    assert not is_leased(FANOUT, NOW + LEASE + CLOCK_SKEW)
    assert is_leased(renew(FANOUT, LATER), LATER + LEASE)
    assert not is_leased(release(FANOUT, NOW), NOW)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"status": NotificationStatus.PAUSED}, True),
        ({"layout": None}, False),
        ({"status": NotificationStatus.ACCEPTING}, False),
        ({"status": NotificationStatus.COMPLETED}, False),
        ({"status": NotificationStatus.CANCELLED}, False),
    ],
)
def test_what_is_accepted_and_has_not_ended_is_fanned_out(fields: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    assert is_fanned_out(of_many(**fields)) is expected


def test_sending_begins_once_and_a_paused_broadcast_stays_paused() -> None:
    begun = begin_sending(of_many(), NOW)
    assert (begun.status, begun.started_at) == (NotificationStatus.SENDING, NOW)
    assert begin_sending(begun, LATER) == begun
    assert begin_sending(of_many(status=NotificationStatus.PAUSED), NOW).status is NotificationStatus.PAUSED


def test_broadcast_that_reaches_nobody_is_completed() -> None:
    ended = end_empty(of_many(next_check_at=NOW, paused=True), LATER)
    assert (ended.status, ended.status_reason) == (NotificationStatus.COMPLETED, StatusReason.NO_RECIPIENTS)
    assert (ended.started_at, ended.completed_at, ended.next_check_at, ended.paused) == (LATER, LATER, None, False)


NUDGING = replace(FANOUT, phase=Phase.NUDGING)


def test_page_in_the_middle_of_a_stage_is_followed_by_another() -> None:
    layout = Layout(Source.RECIPIENTS, stages=(2_500,))
    assert after_page(NUDGING, 1_000, LATER, layout) == replace(NUDGING, position=1_000, look_at=LATER + FIRST_CHECK)


def test_stage_is_judged_ten_minutes_after_its_last_slot_and_the_last_stage_never() -> None:
    layout = Layout(Source.RECIPIENTS, stages=(5, 10))
    first = after_page(NUDGING, 5, LATER, layout)
    assert (first.phase, first.judge_at) == (Phase.WAITING, LATER + JUDGE_AFTER)
    last = after_page(next_stage(first, layout), 5, NOW, layout)
    assert (last.phase, last.position, last.judge_at) == (Phase.WATCHING, 10, None)
    # An earlier slot does not bring the look forward.
    assert last.look_at == LATER + FIRST_CHECK


def test_stage_of_a_local_time_is_followed_by_the_next_one_at_its_instant() -> None:
    layout = Layout(Source.RECIPIENTS, stages=(2, 101), dues=(NOW, LATER), starts=(0, 100))
    waiting = after_page(NUDGING, 2, NOW, layout)
    assert (waiting.phase, waiting.judge_at) == (Phase.WAITING, LATER)
    assert next_stage(waiting, layout) == replace(waiting, phase=Phase.NUDGING, stage=1, position=100, judge_at=None)


def test_sweep_looks_a_minute_after_a_call_that_a_stage_waits_for() -> None:
    waiting = replace(FANOUT, phase=Phase.WAITING, judge_at=NOW)
    assert next_check(waiting, None) == NOW + FIRST_CHECK
    assert next_check(replace(waiting, phase=Phase.NUDGING), None) is None
    assert next_check(replace(waiting, look_at=NOW), None) == NOW


@pytest.mark.parametrize(
    ("wanted", "states"),
    [
        (Again.UNBEGUN, {None}),
        (Again.HELD, {ChunkState.HELD}),
        (Again.OPEN, {None, ChunkState.CLAIMED, ChunkState.RETRYING, ChunkState.PARKED, ChunkState.HELD}),
    ],
)
def test_chunks_are_nudged_again_by_their_states(wanted: Again, states: set[ChunkState | None]) -> None:
    assert {state for state in (None, *ChunkState) if is_wanted(wanted, state)} == states


def test_sweep_looks_a_minute_after_a_call_that_was_asked_for_or_when_chunks_are_looked_for() -> None:
    assert next_check(FANOUT, None) is None
    assert next_check(FANOUT, NOW) == NOW + FIRST_CHECK
    assert next_check(replace(FANOUT, look_at=NOW), LATER) == NOW
