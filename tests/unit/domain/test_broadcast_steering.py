"""Stopping notifications of many chunks: every state against every wish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.broadcast_progress import Progress, Sums
from fanfare.domain.broadcast_steering import (
    ACCEPTED_WITHIN,
    cancel_broadcast,
    complete_broadcast,
    edit_broadcast,
    expire_broadcast,
    give_up_accepting,
    is_laid_out,
    pause_broadcast,
    replay_broadcast,
    resume_broadcast,
    take_of,
)
from fanfare.domain.chunk import Take
from fanfare.domain.errors import Conflict
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus, StatusReason, is_cancelling
from tests.factories import NOW, a_notification

ACCEPTING, QUEUED, SENDING, PAUSED, COMPLETED, CANCELLED = NotificationStatus
LAID_OUT, UNLAID = Layout(Source.AUDIENCE, 1, (2, 4)), Layout(Source.AUDIENCE)
Decide = Callable[[Notification, datetime], Notification | None]


def _many(status: NotificationStatus = SENDING, **fields: Any) -> Notification:
    usual: dict[str, Any] = {"layout": LAID_OUT, "chunk_count": 4, "started_at": NOW, "paused": status is PAUSED}
    return a_notification(status=status, **usual | fields)


CANCELLING = _many(status_reason=StatusReason.CANCELLING)


def _changed(decided: Notification | None) -> tuple[Any, ...]:
    assert decided is not None
    return decided.status, decided.status_reason, decided.paused, decided.next_check_at, decided.completed_at


@pytest.mark.parametrize("status", [QUEUED, SENDING, PAUSED])
def test_laid_out_notification_is_cancelling(status: NotificationStatus) -> None:
    assert _changed(cancel_broadcast(_many(status), NOW)) == (SENDING, StatusReason.CANCELLING, False, NOW + FIRST_CHECK, None)


@pytest.mark.parametrize("notification", [_many(ACCEPTING, layout=None), _many(QUEUED, layout=UNLAID), _many(PAUSED, layout=UNLAID)])
def test_notification_without_chunks_is_cancelled_at_once(notification: Notification) -> None:
    assert _changed(cancel_broadcast(notification, NOW)) == (CANCELLED, StatusReason.BY_CALLER, False, None, NOW)


@pytest.mark.parametrize(
    ("decide", "notification"),
    [
        (cancel_broadcast, CANCELLING), (cancel_broadcast, _many(CANCELLED)), (pause_broadcast, _many(PAUSED)), (resume_broadcast, _many()),
        (edit_broadcast, _many()), (edit_broadcast, _many(PAUSED)), (edit_broadcast, replace(CANCELLING, paused=True)),
        (edit_broadcast, _many(COMPLETED, paused=True)), (edit_broadcast, _many(ACCEPTING, paused=True)), (expire_broadcast, _many()),
        (expire_broadcast, _many(PAUSED, next_check_at=None)), (expire_broadcast, _many(PAUSED, next_check_at=NOW + timedelta(seconds=1))),
        (give_up_accepting, _many()), (give_up_accepting, _many(ACCEPTING, created_at=NOW - ACCEPTED_WITHIN + timedelta(seconds=1))),
    ],
)  # fmt: skip
def test_nothing_is_changed_where_nothing_is_to_be(decide: Decide, notification: Notification) -> None:
    assert decide(notification, NOW) is None


@pytest.mark.parametrize("notification", [_many(), _many(QUEUED), _many(PAUSED, paused=False)])
def test_paused_it_is_checked_when_its_messages_would_expire(notification: Notification) -> None:
    check = NOW + timedelta(seconds=notification.ttl_seconds + 60)
    assert _changed(pause_broadcast(notification, NOW)) == (PAUSED, StatusReason.BY_CALLER, True, check, None)


def test_pause_before_its_time_is_checked_after_its_own_life() -> None:
    later = _many(planned_at=NOW + timedelta(hours=5), ttl_seconds=0)
    assert _changed(pause_broadcast(later, NOW))[3] == NOW + timedelta(hours=5, minutes=2)


@pytest.mark.parametrize(("started_at", "status"), [(None, QUEUED), (NOW, SENDING)])
def test_resumed_it_is_what_it_was(started_at: datetime | None, status: NotificationStatus) -> None:
    resumed = resume_broadcast(_many(PAUSED, started_at=started_at, status_reason=StatusReason.BY_HAND), NOW)
    assert _changed(resumed) == (status, None, False, NOW + FIRST_CHECK, None)


def test_what_a_hand_edited_is_done() -> None:
    assert _changed(edit_broadcast(_many(paused=True), NOW))[:3] == (PAUSED, StatusReason.BY_HAND, True)
    assert _changed(edit_broadcast(_many(PAUSED, paused=False), NOW))[:3] == (SENDING, None, False)


@pytest.mark.parametrize(("layout", "status", "reason"), [(LAID_OUT, SENDING, StatusReason.EXPIRING), (UNLAID, CANCELLED, StatusReason.EXPIRED)])
def test_pause_that_lasts_too_long_ends_it(layout: Layout, status: NotificationStatus, reason: StatusReason) -> None:
    assert _changed(expire_broadcast(_many(PAUSED, layout=layout, next_check_at=NOW), NOW))[:3] == (status, reason, False)


def test_accepting_for_too_long_is_given_up() -> None:
    given_up = give_up_accepting(_many(ACCEPTING, layout=None, created_at=NOW - ACCEPTED_WITHIN), NOW)
    assert _changed(given_up) == (CANCELLED, StatusReason.NOT_ACCEPTED_IN_TIME, False, None, NOW)


@pytest.mark.parametrize("notification", [_many(COMPLETED), _many(CANCELLED), CANCELLING, _many(ACCEPTING)])
@pytest.mark.parametrize("decide", [pause_broadcast, resume_broadcast])
def test_pausing_what_is_not_open_is_a_conflict(decide: Decide, notification: Notification) -> None:
    with pytest.raises(Conflict):
        decide(notification, NOW)


def test_cancelling_what_is_completed_is_a_conflict() -> None:
    with pytest.raises(Conflict, match="completed already"):
        cancel_broadcast(_many(COMPLETED), NOW)


@pytest.mark.parametrize("notification", [_many(CANCELLED), CANCELLING])
def test_replaying_what_was_cancelled_is_a_conflict(notification: Notification) -> None:
    with pytest.raises(Conflict, match="cancelled"):
        replay_broadcast(notification, NOW)


def test_replayed_it_is_sending_again_or_still_paused() -> None:
    assert _changed(replay_broadcast(_many(COMPLETED, completed_at=NOW), NOW)) == (SENDING, "replayed", False, NOW + FIRST_CHECK, None)
    assert _changed(replay_broadcast(_many(PAUSED, status_reason=StatusReason.BY_CALLER), NOW))[:3] == (PAUSED, StatusReason.BY_CALLER, True)


@pytest.mark.parametrize(
    ("fields", "counts", "status", "reason"),
    [
        ({}, Counts(4, sent=3, failed=1), COMPLETED, None),
        ({}, Counts(), COMPLETED, StatusReason.NO_RECIPIENTS),
        ({"status_reason": StatusReason.CANCELLING}, Counts(4, sent=4), COMPLETED, None),
        ({"status_reason": StatusReason.CANCELLING}, Counts(4, sent=1, unsent=3), CANCELLED, StatusReason.BY_CALLER),
        ({"status_reason": StatusReason.EXPIRING}, Counts(4, unsent=4), CANCELLED, StatusReason.EXPIRED),
        ({}, Counts(4, sent=3, unsent=1), CANCELLED, "recipients_not_kept"),
    ],
)
def test_end_says_what_became_of_it(fields: dict[str, Any], counts: Counts, status: NotificationStatus, reason: str | None) -> None:
    progress = Progress((Sums(2, counts, {"UNREGISTERED": 1}), Sums(2)))
    ended = complete_broadcast(_many(**fields), progress, NOW)
    assert _changed(ended) == (status, reason, False, None, NOW)
    assert ended is not None
    assert (ended.counts, ended.errors) == (counts, {"UNREGISTERED": 1})


@pytest.mark.parametrize("notification", [_many(COMPLETED), _many(layout=None), _many(layout=UNLAID)])
def test_what_has_ended_or_has_no_chunks_is_not_ended(notification: Notification) -> None:
    assert complete_broadcast(notification, Progress((Sums(2), Sums(2))), NOW) is None


def test_open_chunk_keeps_it_open() -> None:
    assert complete_broadcast(_many(), Progress((Sums(2), Sums(1))), NOW) is None


@pytest.mark.parametrize(
    ("notification", "take"), [(_many(), Take.HELD), (_many(PAUSED), Take.DUE), (CANCELLING, Take.ALL), (replace(CANCELLING, paused=True), Take.ALL)]
)
def test_state_says_which_chunks_a_call_may_take(notification: Notification, take: Take) -> None:
    assert take_of(notification) is take


def test_notification_of_one_chunk_is_told_by_its_chunk() -> None:
    single = a_notification(status_reason=StatusReason.CANCELLING)
    assert (is_cancelling(single), is_laid_out(single), is_laid_out(_many()), is_laid_out(_many(layout=UNLAID))) == (False, False, True, False)
