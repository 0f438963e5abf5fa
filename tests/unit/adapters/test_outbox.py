"""What is sent at the end of a request: all of it, never for longer than two seconds, and not at all for a minute after a failure."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest

from fanfare.adapters import outbox as outboxes
from fanfare.adapters.outbox import MOST, PAUSE, Outbox, flush_all
from tests.factories import NOW
from tests.fakes import FixedClock


class Receiver:
    """Keeps what it takes; refuses, breaks or hangs where it is told to."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.refuses = False
        self.error: Exception | None = None
        self.goes_on = threading.Event()
        self.goes_on.set()

    def __call__(self, items: Sequence[int]) -> bool:
        self.goes_on.wait(30)
        if self.error is not None:
            raise self.error
        if not self.refuses:
            self.taken.extend(items)
        return not self.refuses


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def outbox(receiver: Receiver, clock: FixedClock) -> Outbox[int]:
    return Outbox("numbers", receiver, clock)


def put(outbox: Outbox[int], *numbers: int) -> None:
    for number in numbers:
        outbox.put(number)


def test_flush_sends_what_waits_once(outbox: Outbox[int], receiver: Receiver) -> None:
    put(outbox, 1, 2, 3)
    assert flush_all([outbox]) == []
    assert flush_all([outbox]) == []
    assert receiver.taken == [1, 2, 3]


@pytest.mark.parametrize("failure", ["refuses", "breaks"])
def test_receiver_that_fails_is_named_and_left_alone_for_a_minute(outbox: Outbox[int], receiver: Receiver, clock: FixedClock, failure: str) -> None:
    receiver.refuses, receiver.error = failure == "refuses", OSError("secret") if failure == "breaks" else None
    put(outbox, 1)
    assert flush_all([outbox]) == ["numbers"]
    receiver.refuses, receiver.error = False, None
    put(outbox, 2)
    clock.advance(PAUSE - timedelta(seconds=1))
    assert flush_all([outbox]) == []
    assert receiver.taken == []
    clock.advance(timedelta(seconds=1))
    assert flush_all([outbox]) == []
    assert receiver.taken == [2]


def test_two_receivers_that_hang_hold_a_request_up_no_longer_than_one(clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "PATIENCE_SECONDS", 0.05)
    first, second, alive = Receiver(), Receiver(), Receiver()
    first.goes_on.clear()
    second.goes_on.clear()
    hanging = [Outbox("first", first, clock), Outbox("second", second, clock)]
    for outbox in (*hanging, living := Outbox("alive", alive, clock)):
        put(outbox, 1)
    try:
        assert flush_all([*hanging, living]) == ["first", "second"]
        assert alive.taken == [1]
    finally:
        first.goes_on.set()
        second.goes_on.set()


def test_what_waits_is_bounded_and_the_oldest_goes_first(outbox: Outbox[int], receiver: Receiver) -> None:
    put(outbox, *range(MOST + 3))
    flush_all([outbox])
    assert (len(receiver.taken), receiver.taken[0]) == (MOST, 3)


def test_what_many_threads_put_is_sent_once(outbox: Outbox[int], receiver: Receiver) -> None:
    def work(first: int) -> None:
        for number in range(first, first + 50):
            outbox.put(number)
            flush_all([outbox])

    threads = [threading.Thread(target=work, args=(100 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flush_all([outbox])
    assert sorted(receiver.taken) == [100 * number + offset for number in range(4) for offset in range(50)]
