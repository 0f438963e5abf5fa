"""The state of what we depend on: the last one known, looked for in the background, never waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from fanfare.adapters import health
from fanfare.adapters.health import FRESH, GIVEN_UP, CachedHealth
from fanfare.domain.errors import Unavailable
from fanfare.domain.health import ComponentHealth, State
from tests.fakes import FixedClock

LONG_SECONDS = 10.0


@dataclass
class Component:
    """A component whose probe does as it is told, and counts."""

    act: Callable[[], Sequence[str] | None] = lambda: None
    probes: int = 0
    hold: threading.Event = field(default_factory=threading.Event)

    def probe(self) -> Sequence[str] | None:
        self.probes += 1
        return self.act()

    def hang(self) -> None:
        self.hold.wait(LONG_SECONDS)


def _fail(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def component() -> Iterator[Component]:
    component = Component()
    yield component
    component.hold.set()


@pytest.fixture
def checked(clock: FixedClock, component: Component) -> CachedHealth:
    return CachedHealth(clock, {"first": component.probe, "second": lambda: None})


def _join() -> None:
    for thread in threading.enumerate():
        if thread.name == health.THREADS:
            thread.join(LONG_SECONDS)


def _settled(checked: CachedHealth) -> dict[str, State]:
    """What is known once the probes under way have ended."""
    checked.check()
    _join()
    return {name: component.state for name, component in checked.check().items()}


def test_the_first_check_waits_for_quick_components(checked: CachedHealth) -> None:
    assert {name: component.state for name, component in checked.check().items()} == {"first": State.OK, "second": State.OK}


def test_latency_is_told_in_milliseconds(clock: FixedClock, component: Component, checked: CachedHealth) -> None:
    component.act = lambda: clock.advance(timedelta(microseconds=12_345))
    assert checked.check()["first"] == ComponentHealth(State.OK, 12.3)


@pytest.mark.parametrize("error", [Unavailable("It does not answer."), ValueError("What nobody foresaw."), OSError()])
def test_a_component_that_fails_is_down_and_the_others_are_asked(component: Component, checked: CachedHealth, error: Exception) -> None:
    component.act = _fail(error)
    states = checked.check()
    assert states["first"] == ComponentHealth(State.DOWN, None)
    assert states["second"].state is State.OK


def test_components_are_asked_at_most_every_ten_seconds(clock: FixedClock, component: Component, checked: CachedHealth) -> None:
    for _ in range(3):
        _settled(checked)
    assert component.probes == 1
    clock.advance(FRESH - timedelta(microseconds=1))
    _settled(checked)
    assert component.probes == 1
    clock.advance(timedelta(microseconds=1))
    _settled(checked)
    assert component.probes == 2


def test_a_component_goes_down_and_comes_back(clock: FixedClock, component: Component, checked: CachedHealth) -> None:
    seen = [_settled(checked)["first"]]
    for act in (_fail(Unavailable("It does not answer.")), lambda: None):
        component.act = act
        clock.advance(FRESH)
        seen.append(_settled(checked)["first"])
    assert seen == [State.OK, State.DOWN, State.OK]


def test_a_hanging_component_holds_up_the_first_check_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch, component: Component, checked: CachedHealth
) -> None:
    monkeypatch.setattr(health, "WAIT_SECONDS", 0.05)
    component.act = component.hang
    started = time.monotonic()
    assert checked.check()["first"] == ComponentHealth(State.UNKNOWN, None)
    assert time.monotonic() - started < LONG_SECONDS / 2


def test_a_hanging_component_holds_up_no_check_and_no_other_component(clock: FixedClock, component: Component, checked: CachedHealth) -> None:
    assert _settled(checked)["first"] is State.OK
    component.act = component.hang
    started = time.monotonic()
    clock.advance(FRESH)
    assert [checked.check()["second"].state for _ in range(20)] == [State.OK] * 20
    assert time.monotonic() - started < LONG_SECONDS / 2
    assert component.probes == 2, "it is asked once"


def test_a_component_that_hangs_for_long_is_down_until_it_answers(clock: FixedClock, component: Component, checked: CachedHealth) -> None:
    assert _settled(checked)["first"] is State.OK
    component.act = component.hang
    clock.advance(FRESH)
    assert checked.check()["first"].state is State.OK
    clock.advance(GIVEN_UP)
    assert checked.check()["first"] == ComponentHealth(State.DOWN)
    component.hold.set()
    assert _settled(checked)["first"] is State.OK


def test_what_a_component_says_is_wrong_degrades_it(component: Component, checked: CachedHealth) -> None:
    component.act = lambda: ("rollup: it is not enabled",)
    found = checked.check()["first"]
    assert (found.state, found.problems) == (State.DEGRADED, ("rollup: it is not enabled",))
    assert found.latency_ms is not None


def test_an_answer_is_a_copy(checked: CachedHealth) -> None:
    states = checked.check()
    assert isinstance(states, dict)
    states.clear()
    assert checked.check().keys() == {"first", "second"}
