"""Dead letters: listed, and sent again with a new life."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.chunk import ChunkState, Finished
from fanfare.domain.dead_letter import DeadLetter, Replay
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound
from fanfare.domain.filters import DeadLetterFilter
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome
from fanfare.services.dead_letters import get_dead_letter, replay_dead_letter
from fanfare.services.list_pages import list_dead_letters
from tests.factories import TENANT_ID, a_call
from tests.fakes import MemoryNotificationStore
from tests.unit.services.delivering import ANDROID, BUSY, GONE, KEY, World, a_world, accepted

LETTER = f"{KEY.notification_id}-0"


def _failed(**overrides: Any) -> World:
    """A chunk of which one failed for good, one is dead, and one was sent."""
    world = accepted(a_world(ANDROID, ANDROID, ANDROID, **overrides), ttl_seconds=60)
    world.answer({1: BUSY, 2: GONE})
    world.deliver()
    world.pass_later(timedelta(minutes=5))
    world.sent_to()
    world.due()
    return world


def test_failure_for_good_is_listed() -> None:
    letters, cursor = list_dead_letters(_failed().deps, TENANT_ID, DeadLetterFilter(), 10, None)
    assert ([letter.id for letter in letters], letters[0].codes, cursor) == ([LETTER], {"EXPIRED": 1}, None)


def test_list_continues_at_its_cursor_and_takes_no_other() -> None:
    world = _failed()
    accepted(world, 1, id="notification-2", ttl_seconds=1)
    world.clock.advance(timedelta(minutes=5))
    world.deliver(type(KEY)(TENANT_ID, "notification-2", 0))
    first, cursor = list_dead_letters(world.deps, TENANT_ID, DeadLetterFilter(), 1, None)
    second, end = list_dead_letters(world.deps, TENANT_ID, DeadLetterFilter(), 1, cursor)
    assert ([letter.id for letter in (*first, *second)], end) == (["notification-2-0", LETTER], None)
    with pytest.raises(InvalidRequest):
        list_dead_letters(world.deps, "another", DeadLetterFilter(), 1, cursor)


def test_dead_letter_is_found_by_its_id() -> None:
    world = _failed()
    assert get_dead_letter(world.deps, TENANT_ID, LETTER).reason == "EXPIRED"
    with pytest.raises(NotFound):
        get_dead_letter(world.deps, "another", LETTER)


def test_replay_sends_to_those_who_failed_and_to_nobody_else() -> None:
    world = _failed()
    world.answer({})
    replayed = replay_dead_letter(world.deps, a_call(request_id="request-2"), LETTER)
    assert replayed.replayed_at == world.clock.now()
    assert world.notification().status is NotificationStatus.SENDING
    assert world.due() == [None]
    world.deliver()
    assert world.sent_to() == [1]
    assert world.outcomes() == {1: Outcome.SENT, 2: Outcome.FAILED, 3: Outcome.SENT}
    assert (world.notification().status, world.notification().counts.sent) == (NotificationStatus.COMPLETED, 2)


def test_replayed_message_has_a_new_life() -> None:
    world = _failed()
    world.answer({})
    replay_dead_letter(world.deps, a_call(request_id="request-2"), LETTER)
    world.deliver()
    assert world.sender.sent[-1][1]["message"]["android"]["ttl"] == "60s"


def test_replay_under_way_or_done_is_a_conflict() -> None:
    world = _failed()
    world.answer({})
    replay_dead_letter(world.deps, a_call(request_id="request-2"), LETTER)
    with pytest.raises(Conflict):
        replay_dead_letter(world.deps, a_call(request_id="request-3"), LETTER)
    world.deliver()
    assert world.chunk().state is ChunkState.DONE
    with pytest.raises(Conflict):
        replay_dead_letter(world.deps, a_call(request_id="request-4"), LETTER)


def test_replay_that_fails_again_can_be_replayed_again() -> None:
    world = _failed()
    replay_dead_letter(world.deps, a_call(request_id="request-2"), LETTER)
    world.deliver()
    world.pass_later(timedelta(minutes=5))
    assert world.chunk().state is ChunkState.DONE
    assert replay_dead_letter(world.deps, a_call(request_id="request-3"), LETTER).id == LETTER


def test_unknown_dead_letter_is_not_found() -> None:
    with pytest.raises(NotFound):
        replay_dead_letter(_failed().deps, a_call(request_id="request-2"), "nothing-0")
    with pytest.raises(NotFound):
        replay_dead_letter(_failed().deps, a_call(tenant="another", request_id="request-2"), LETTER)


class CleanedNotificationStore(MemoryNotificationStore):
    """Cleanup removes recipients, which are kept no longer than they are needed."""

    def clean_up(self) -> None:
        self._recipients.clear()


def test_dead_letter_whose_recipients_are_gone_is_a_conflict_and_changes_nothing() -> None:
    store = CleanedNotificationStore()
    world = _failed(notifications=store)
    before = world.chunk(), world.notification()
    store.clean_up()
    with pytest.raises(Conflict, match="no longer kept"):
        replay_dead_letter(world.deps, a_call(request_id="request-2"), LETTER)
    assert ((world.chunk(), world.notification()), world.due()) == (before, [])
    assert list_dead_letters(world.deps, TENANT_ID, DeadLetterFilter(), 10, None)[0][0].replayed_at is None


def test_replay_that_cleanup_overtook_ends_with_a_reason() -> None:
    store = CleanedNotificationStore()
    world = _failed(notifications=store)
    replay_dead_letter(world.deps, a_call(request_id="request-2"), LETTER)
    store.clean_up()
    assert world.deliver() == Finished()
    chunk, notification = world.chunk(), world.notification()
    assert (chunk.state, chunk.reason, chunk.next_check_at) == (ChunkState.DONE, "recipients_not_kept", None)
    assert (notification.status, notification.status_reason) == (NotificationStatus.COMPLETED, "recipients_not_kept")
    assert notification.counts == chunk.counts == Counts(3, sent=1, failed=2)
    assert world.sent_to() == []
    with pytest.raises(Conflict):
        replay_dead_letter(world.deps, a_call(request_id="request-3"), LETTER)


def test_chunk_that_was_never_sent_and_has_no_recipients_left_is_cancelled_with_a_reason() -> None:
    store = CleanedNotificationStore()
    world = accepted(a_world(ANDROID, ANDROID, notifications=store))
    store.clean_up()
    assert world.deliver() == Finished()
    assert (world.chunk().state, world.chunk().reason) == (ChunkState.CANCELLED, "recipients_not_kept")
    assert (world.notification().status, world.notification().status_reason) == (NotificationStatus.CANCELLED, "recipients_not_kept")
    assert world.notification().counts == Counts(2, unsent=2)
    assert (world.sweep(), world.due()) == ([], []), "nobody comes back for it"


def test_notification_that_has_ended_keeps_why_although_a_stray_task_finds_no_recipients() -> None:
    store = CleanedNotificationStore()
    world = accepted(a_world(ANDROID, notifications=store), status=NotificationStatus.CANCELLED, status_reason="by_caller", next_check_at=None)
    store.clean_up()
    assert world.deliver() == Finished()
    assert world.chunk().state is ChunkState.CANCELLED
    assert (world.notification().status, world.notification().status_reason) == (NotificationStatus.CANCELLED, "by_caller")


class ContestedNotificationStore(MemoryNotificationStore):
    """Before each of the next `races` replays, somebody else writes the chunk."""

    races = 0

    def replay(self, letter: DeadLetter, replay: Replay, now: datetime, audit: AuditEntry | None = None) -> DeadLetter | None:
        if self.races:
            self.races -= 1
            assert self.save_chunk(self._chunks[letter.key]) is not None
        return super().replay(letter, replay, now, audit)


def test_replay_that_lost_a_race_is_planned_anew() -> None:
    store = ContestedNotificationStore()
    world = _failed(notifications=store)
    store.races = 2
    assert replay_dead_letter(world.deps, a_call(request_id="request-2"), LETTER).replayed_at == world.clock.now()
    assert world.chunk().state is ChunkState.RETRYING


def test_replay_that_loses_every_race_is_a_conflict_and_changes_nothing() -> None:
    store = ContestedNotificationStore()
    world = _failed(notifications=store)
    store.races = 100
    with pytest.raises(Conflict):
        replay_dead_letter(world.deps, a_call(request_id="request-2"), LETTER)
    assert (world.chunk().state, world.due()) == (ChunkState.DONE, [])
