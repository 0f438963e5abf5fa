"""Dead letters: listed, and sent again with a new life."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import ChunkState
from fanfare.domain.dead_letter import DeadLetter, Replay
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.outcome import Outcome
from fanfare.services.dead_letters import list_dead_letters, replay_dead_letter
from tests.factories import TENANT_ID
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
    letters, cursor = list_dead_letters(_failed().deps, TENANT_ID, 10, None)
    assert ([letter.id for letter in letters], letters[0].codes, cursor) == ([LETTER], {"EXPIRED": 1}, None)


def test_list_continues_at_its_cursor_and_takes_no_other() -> None:
    world = _failed()
    accepted(world, 1, id="notification-2", ttl_seconds=1)
    world.clock.advance(timedelta(minutes=5))
    world.deliver(type(KEY)(TENANT_ID, "notification-2", 0))
    first, cursor = list_dead_letters(world.deps, TENANT_ID, 1, None)
    second, end = list_dead_letters(world.deps, TENANT_ID, 1, cursor)
    assert ([letter.id for letter in (*first, *second)], end) == ([LETTER, "notification-2-0"], None)
    with pytest.raises(InvalidRequest):
        list_dead_letters(world.deps, "another", 1, cursor)


def test_replay_sends_to_those_who_failed_and_to_nobody_else() -> None:
    world = _failed()
    world.answer({})
    replayed = replay_dead_letter(world.deps, TENANT_ID, LETTER, "request-2")
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
    replay_dead_letter(world.deps, TENANT_ID, LETTER, "request-2")
    world.deliver()
    assert world.sender.sent[-1][1]["message"]["android"]["ttl"] == "60s"


def test_replay_under_way_or_done_is_a_conflict() -> None:
    world = _failed()
    world.answer({})
    replay_dead_letter(world.deps, TENANT_ID, LETTER, "request-2")
    with pytest.raises(Conflict):
        replay_dead_letter(world.deps, TENANT_ID, LETTER, "request-3")
    world.deliver()
    assert world.chunk().state is ChunkState.DONE
    with pytest.raises(Conflict):
        replay_dead_letter(world.deps, TENANT_ID, LETTER, "request-4")


def test_replay_that_fails_again_can_be_replayed_again() -> None:
    world = _failed()
    replay_dead_letter(world.deps, TENANT_ID, LETTER, "request-2")
    world.deliver()
    world.pass_later(timedelta(minutes=5))
    assert world.chunk().state is ChunkState.DONE
    assert replay_dead_letter(world.deps, TENANT_ID, LETTER, "request-3").id == LETTER


def test_unknown_dead_letter_is_not_found() -> None:
    with pytest.raises(NotFound):
        replay_dead_letter(_failed().deps, TENANT_ID, "nothing-0", "request-2")
    with pytest.raises(NotFound):
        replay_dead_letter(_failed().deps, "another", LETTER, "request-2")


class ContestedNotificationStore(MemoryNotificationStore):
    """Before each of the next `races` replays, somebody else writes the chunk."""

    races = 0

    def replay(self, letter: DeadLetter, replay: Replay, now: datetime) -> DeadLetter | None:
        if self.races:
            self.races -= 1
            assert self.save_chunk(self._chunks[letter.key]) is not None
        return super().replay(letter, replay, now)


def test_replay_that_lost_a_race_is_planned_anew() -> None:
    store = ContestedNotificationStore()
    world = _failed(notifications=store)
    store.races = 2
    assert replay_dead_letter(world.deps, TENANT_ID, LETTER, "request-2").replayed_at == world.clock.now()
    assert world.chunk().state is ChunkState.RETRYING


def test_replay_that_loses_every_race_is_a_conflict_and_changes_nothing() -> None:
    store = ContestedNotificationStore()
    world = _failed(notifications=store)
    store.races = 100
    with pytest.raises(Conflict):
        replay_dead_letter(world.deps, TENANT_ID, LETTER, "request-2")
    assert (world.chunk().state, world.due()) == (ChunkState.DONE, [])
