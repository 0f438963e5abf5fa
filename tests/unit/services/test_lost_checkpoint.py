"""A checkpoint that can't be stored: the pass feeds no more, waits for what is in flight, and stores all that it knows at its end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from fanfare.domain.breaker import ALL
from fanfare.domain.chunk import CLOCK_SKEW, LEASE, Chunk, ChunkState, Finished
from fanfare.domain.classification import Answer
from fanfare.domain.delivery import RESUME_WAIT
from fanfare.domain.errors import Unavailable
from fanfare.domain.message import Platform
from fanfare.domain.outcome import Outcome
from fanfare.domain.tenant import Tenant
from tests.factories import TENANT_ID
from tests.fakes import MemoryNotificationStore, ScriptedPushSender
from tests.unit.services.delivering import ANDROID, BAD_KEY, FORBIDDEN, IOS, KEY, NO_LOGIN, SECOND, World, a_world, accepted, every

T = TypeVar("T")
SENT = Outcome.SENT


class FailingNotificationStore(MemoryNotificationStore):
    """Of the writes of a claimed chunk, 1 being the first, those in `failing` get no answer; where they are `late` they are stored nevertheless."""

    def __init__(self, failing: Collection[int], *, late: bool = False) -> None:
        super().__init__()
        self.writes = 0
        self._failing, self._late = failing, late

    def save_chunk(self, chunk: Chunk) -> Chunk | None:
        return self._answer(lambda: MemoryNotificationStore.save_chunk(self, chunk))

    def conclude(self, *values: Any) -> bool:
        return self._answer(lambda: MemoryNotificationStore.conclude(self, *values))

    def _answer(self, write: Callable[[], T]) -> T:
        self.writes += 1
        if self.writes not in self._failing:
            return write()
        if self._late:
            write()
        raise Unavailable("Firestore does not answer.")


class BusyPushSender(ScriptedPushSender):
    """Keeps some messages in flight and hands over the answers of the first ones, as the real one does."""

    def __init__(self, in_flight: int, batch_size: int) -> None:
        super().__init__()
        self._in_flight, self._answered = in_flight, batch_size

    def send(self, tenant: Tenant, bodies: Iterable[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, Answer]]]:
        feed = iter(bodies)
        flying: list[tuple[str, Answer]] = []
        while True:
            flying.extend((key, self._post(tenant, key, body)) for key, body in itertools.islice(feed, self._in_flight - len(flying)))
            if not flying:
                return
            answered, flying = flying[: self._answered], flying[self._answered :]
            self.on_batch()
            yield answered


def sending(store: FailingNotificationStore, *platforms: Platform, in_flight: int = 4, batch_size: int = 2, took: float = 2) -> World:
    """A chunk whose answers come in batches, each after `took` seconds."""
    world = accepted(a_world(*platforms, notifications=store), ttl_seconds=86_400)
    sender = BusyPushSender(in_flight, batch_size)
    world = replace(world, sender=sender, deps=replace(world.deps, sender=sender))
    sender.on_batch = every(took * SECOND, world)
    return world


@pytest.mark.parametrize("late", [False, True], ids=["not stored", "stored without an answer"])
def test_whoever_was_in_flight_is_not_sent_to_again(late: bool) -> None:  # noqa: FBT001
    world = sending(FailingNotificationStore({1}, late=late), *[ANDROID] * 10)
    assert world.deliver() == Finished()
    assert world.outcomes() == {1: SENT, 2: SENT, 3: SENT, 4: SENT}
    assert (world.chunk().state, world.due()) == (ChunkState.RETRYING, [world.clock.now() + RESUME_WAIT])
    world.pass_later(RESUME_WAIT)
    assert world.sent_to() == list(range(1, 11)), "each of them once"
    assert world.chunk().state is ChunkState.DONE


def test_no_other_checkpoint_is_tried_before_the_end() -> None:
    store = FailingNotificationStore({1})
    world = sending(store, *[ANDROID] * 20, in_flight=8)
    world.deliver()
    assert (store.writes, len(world.sent_to())) == (2, 8)


def test_answer_that_opens_a_breaker_is_not_forgotten() -> None:
    world = sending(FailingNotificationStore({1}), ANDROID, ANDROID, ANDROID)
    world.answer({1: FORBIDDEN})
    world.deliver()
    assert world.tenant().breakers[ALL].reason == "PERMISSION_DENIED"
    assert (world.chunk().state, world.chunk().reason) == (ChunkState.PARKED, "breaker_open:PERMISSION_DENIED")
    assert world.outcomes() == {2: SENT, 3: SENT}


def test_answer_that_opens_the_breaker_of_a_platform_is_not_forgotten() -> None:
    world = sending(FailingNotificationStore({1}), IOS, ANDROID, ANDROID)
    world.answer({1: BAD_KEY})
    world.deliver()
    assert set(world.tenant().breakers) == {"ios"}


def test_stale_login_is_renewed_and_the_rest_is_left_to_the_next_pass() -> None:
    world = sending(FailingNotificationStore({1}), ANDROID, ANDROID)
    world.answer({1: NO_LOGIN, 2: NO_LOGIN})
    world.deliver()
    assert (world.sender.renewed, world.tenant().breakers) == ([TENANT_ID], {}), "no token was tried that could be refused"
    world.answer({})
    world.pass_later(RESUME_WAIT)
    assert world.outcomes() == {1: SENT, 2: SENT}


def test_pass_whose_end_can_not_be_stored_either_is_found_by_the_sweep() -> None:
    world = sending(FailingNotificationStore({1, 2}), *[ANDROID] * 6)
    with pytest.raises(Unavailable):
        world.deliver()
    assert (world.chunk().state, world.outcomes()) == (ChunkState.CLAIMED, {})
    world.clock.advance(LEASE + CLOCK_SKEW)
    assert world.sweep() == [KEY]
    world.sender.on_batch = lambda: None
    world.deliver()
    assert set(world.outcomes().values()) == {SENT}
    assert len(world.outcomes()) == 6


def test_answers_are_waited_for_no_longer_than_the_lease_runs() -> None:
    world = sending(FailingNotificationStore({1}), *[ANDROID] * 8, in_flight=8, batch_size=1, took=20)
    began = world.clock.now()
    world.deliver()
    assert world.clock.now() - began == 60 * SECOND
    assert world.outcomes() == {1: SENT, 2: SENT, 3: SENT}
