"""The sweep: whatever lost its nudge is found, once it is overdue and not before."""

from __future__ import annotations

from datetime import timedelta

from fanfare.domain.breaker import FIRST_PROBE
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.notification import FIRST_CHECK, Notification
from fanfare.domain.outcome import Outcome
from fanfare.domain.recipient import Recipient
from fanfare.services.sweep import NEXT_CHECK, Swept, sweep
from tests.factories import TENANT_ID
from tests.fakes import MemoryNotificationStore
from tests.unit.services.delivering import ANDROID, BUSY, FORBIDDEN, KEY, MINUTE, SECOND, a_chunk_of, a_world, accepted


def test_notification_whose_nudge_was_lost_is_nudged_after_its_first_check() -> None:
    world = a_chunk_of(ANDROID)
    world.clock.advance(FIRST_CHECK - SECOND)
    assert world.sweep() == []
    world.clock.advance(SECOND)
    assert world.sweep() == [KEY]
    world.deliver()
    assert world.outcomes() == {1: Outcome.SENT}


def test_notification_that_was_nudged_is_left_alone_for_a_while() -> None:
    world = a_chunk_of(ANDROID)
    world.clock.advance(FIRST_CHECK)
    assert world.sweep() == [KEY]
    assert world.sweep() == []
    world.clock.advance(NEXT_CHECK)
    assert world.sweep() == [KEY]


def test_notification_that_has_begun_is_its_chunks_business() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: BUSY})
    world.deps.chunks.claim(KEY, "a call that died", world.clock.now())
    world.clock.advance(FIRST_CHECK)
    assert world.sweep() == [KEY]
    assert world.notification().next_check_at is None
    world.deliver()
    assert world.outcomes() == {1: Outcome.RETRYING}


def test_finished_work_is_not_found() -> None:
    world = a_chunk_of(ANDROID)
    world.deliver()
    world.clock.advance(timedelta(days=1))
    assert sweep(world.deps, "tick") == Swept()


def test_due_retry_whose_task_was_lost_is_found_a_minute_later() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: BUSY})
    world.deliver()
    [due] = world.due()
    assert due is not None
    world.clock.advance(due - world.clock.now())
    assert world.sweep() == []
    world.clock.advance(MINUTE)
    assert world.sweep() == [KEY]


def test_several_tenants_work_is_found_in_one_sweep() -> None:
    world = a_world(ANDROID, ANDROID)
    accepted(world, 1)
    accepted(world, 2, id="notification-2")
    world.clock.advance(FIRST_CHECK)
    assert sorted(world.sweep(), key=lambda key: key.notification_id) == [KEY, ChunkKey(TENANT_ID, "notification-2", 0)]


def test_refused_nudge_of_the_sweep_is_repeated_by_the_next() -> None:
    world = a_chunk_of(ANDROID)
    world.tasks.refusing = True
    world.clock.advance(FIRST_CHECK)
    sweep(world.deps, "tick")
    world.tasks.refusing = False
    world.clock.advance(NEXT_CHECK)
    assert world.sweep() == [KEY]


class ForgetfulNotificationStore(MemoryNotificationStore):
    """A query may still find what was just deleted, as Firestore's does."""

    deleted = False

    def get_with_chunk(self, key: ChunkKey) -> tuple[Notification, Chunk | None] | None:
        return None if self.deleted else super().get_with_chunk(key)

    def read_chunk(self, key: ChunkKey) -> tuple[Notification, tuple[Recipient, ...]] | None:
        return None if self.deleted else super().read_chunk(key)


def test_notification_that_was_deleted_meanwhile_is_not_nudged() -> None:
    store = ForgetfulNotificationStore()
    world = accepted(a_world(ANDROID, notifications=store))
    world.clock.advance(FIRST_CHECK)
    store.deleted = True
    assert world.sweep() == []


def test_probe_is_not_made_with_a_chunk_that_was_deleted_meanwhile() -> None:
    store = ForgetfulNotificationStore()
    world = accepted(a_world(ANDROID, notifications=store))
    world.answer({1: FORBIDDEN})
    world.deliver()
    world.sent_to()
    store.deleted = True
    world.clock.advance(FIRST_PROBE)
    world.sweep()
    assert world.sender.sent == []
    assert world.tenant().breakers == {}, "nothing waits that could be harmed; the next send tells"
