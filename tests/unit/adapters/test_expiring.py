"""The cache of clients and tenants: fresh for a minute, stale for ten while its source is down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fanfare.adapters import expiring
from fanfare.adapters.expiring import FRESH, STALE, ExpiringCache
from fanfare.domain.errors import Unavailable
from tests.fakes import FixedClock

MOMENT = timedelta(microseconds=1)


class Source:
    """Numbers what is read of it; down as long as a test says so."""

    def __init__(self) -> None:
        self.reads = 0
        self.is_down = False

    def load(self, key: str) -> str | None:
        self.reads += 1
        if self.is_down:
            raise Unavailable("The source does not answer.")
        return None if key == "absent" else f"{key}-{self.reads}"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache(clock: FixedClock, source: Source) -> ExpiringCache[str, str | None]:
    return ExpiringCache(clock, source.load)


def test_a_value_is_read_once_and_again_after_a_minute(clock: FixedClock, cache: ExpiringCache[str, str | None]) -> None:
    assert cache.get("a") == "a-1"
    clock.advance(FRESH - MOMENT)
    assert cache.get("a") == "a-1"
    clock.advance(MOMENT)
    assert cache.get("a") == "a-2"
    clock.advance(FRESH - MOMENT)
    assert cache.get("a") == "a-2"


def test_that_there_is_nothing_is_remembered_too(source: Source, cache: ExpiringCache[str, str | None]) -> None:
    assert [cache.get("absent"), cache.get("absent")] == [None, None]
    assert source.reads == 1


def test_keys_do_not_share_values(cache: ExpiringCache[str, str | None]) -> None:
    assert [cache.get("a"), cache.get("b"), cache.get("a")] == ["a-1", "b-2", "a-1"]


def test_a_stale_value_serves_while_the_source_is_down(clock: FixedClock, source: Source, cache: ExpiringCache[str, str | None]) -> None:
    cache.get("a")
    source.is_down = True
    clock.advance(STALE - MOMENT)
    assert cache.get("a") == "a-1"
    clock.advance(MOMENT)
    with pytest.raises(Unavailable):
        cache.get("a")


def test_a_value_never_read_is_unavailable_while_the_source_is_down(source: Source, cache: ExpiringCache[str, str | None]) -> None:
    source.is_down = True
    with pytest.raises(Unavailable):
        cache.get("a")


def test_serving_a_stale_value_does_not_make_it_younger(clock: FixedClock, source: Source, cache: ExpiringCache[str, str | None]) -> None:
    cache.get("a")
    source.is_down = True
    for _ in range(9):
        clock.advance(timedelta(minutes=1))
        assert cache.get("a") == "a-1"
    clock.advance(timedelta(minutes=1))
    with pytest.raises(Unavailable):
        cache.get("a")


def test_a_source_that_is_back_is_read_at_once(clock: FixedClock, source: Source, cache: ExpiringCache[str, str | None]) -> None:
    cache.get("a")
    clock.advance(FRESH)
    source.is_down = True
    cache.get("a")
    source.is_down = False
    assert cache.get("a") == "a-3"


def test_another_error_of_the_source_is_not_hidden_by_a_stale_value(clock: FixedClock) -> None:
    values = iter(["first"])
    cache = ExpiringCache[str, str](clock, lambda _key: next(values))
    cache.get("a")
    clock.advance(FRESH)
    with pytest.raises(StopIteration):
        cache.get("a")


def test_a_forgotten_value_is_read_again_and_others_stay(cache: ExpiringCache[str, str | None]) -> None:
    cache.get("a")
    cache.get("b")
    cache.forget("a")
    cache.forget("never-read")
    assert [cache.get("b"), cache.get("a")] == ["b-2", "a-3"]


def test_the_cache_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch, source: Source, cache: ExpiringCache[str, str | None]) -> None:
    monkeypatch.setattr(expiring, "LARGEST", 3)
    for number in range(10):
        assert cache.get(str(number)) == f"{number}-{number + 1}"
        assert len(cache._entries) <= 3


def test_whoever_wants_nothing_stale_is_refused_while_the_source_is_down(
    clock: FixedClock, source: Source, cache: ExpiringCache[str, str | None]
) -> None:
    cache.get("a")
    source.is_down = True
    clock.advance(FRESH - MOMENT)
    assert cache.get("a", stale=FRESH) == "a-1"
    clock.advance(MOMENT)
    with pytest.raises(Unavailable):
        cache.get("a", stale=FRESH)
    assert cache.get("a") == "a-1"
