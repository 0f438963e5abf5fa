from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.errors import Conflict, IdempotencyInProgress, IdempotencyMismatch
from fanfare.domain.idempotency import KEPT, RESERVATION_LEASE
from fanfare.ports import Deps
from fanfare.services.perform_once import HttpAnswer, perform_once
from tests.factories import a_call
from tests.fakes import FixedClock, fake_deps

ROUTE = "POST /api/v1/devices"


class _Counting:
    """What is performed: answers with how often it was."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> HttpAnswer:
        self.times += 1
        return HttpAnswer(201, {"times": self.times})


def _perform(
    deps: Deps, perform: Callable[[], HttpAnswer], *, key: str | None = "key", route: str = ROUTE, body: str = "b", **client: Any
) -> HttpAnswer:
    return perform_once(deps, a_call(key, **client), route, body, perform)


def test_first_request_is_performed() -> None:
    assert _perform(fake_deps(), _Counting()) == HttpAnswer(201, {"times": 1}, replayed=False)


def test_repeat_gets_the_first_answer_again() -> None:
    deps, perform = fake_deps(), _Counting()
    _perform(deps, perform)
    assert _perform(deps, perform) == HttpAnswer(201, {"times": 1}, replayed=True)
    assert perform.times == 1


def test_without_a_key_every_request_is_performed() -> None:
    deps, perform = fake_deps(), _Counting()
    _perform(deps, perform, key=None)
    assert _perform(deps, perform, key=None) == HttpAnswer(201, {"times": 2})


def test_another_body_under_the_key_is_refused_and_not_performed() -> None:
    deps, perform = fake_deps(), _Counting()
    _perform(deps, perform)
    with pytest.raises(IdempotencyMismatch):
        _perform(deps, perform, body="another")
    assert perform.times == 1


@pytest.mark.parametrize("other", [{"key": "another"}, {"route": "POST /api/v1/profiles"}, {"id": "client-2"}, {"tenant": "globex"}])
def test_key_belongs_to_its_caller_and_route(other: dict[str, Any]) -> None:
    deps, perform = fake_deps(), _Counting()
    _perform(deps, perform)
    assert not _perform(deps, perform, body="another", **other).replayed
    assert perform.times == 2


@pytest.mark.parametrize("error", [Conflict("taken"), ZeroDivisionError(), SystemExit()])
def test_request_that_failed_leaves_its_key_free(error: BaseException) -> None:
    deps, perform = fake_deps(), _Counting()

    def fail() -> HttpAnswer:
        raise error

    with pytest.raises(type(error)):
        _perform(deps, fail)
    assert _perform(deps, perform, body="corrected") == HttpAnswer(201, {"times": 1})


def test_repeat_while_the_first_is_performed_is_told_to_wait() -> None:
    deps, repeat = fake_deps(), _Counting()

    def perform() -> HttpAnswer:
        with pytest.raises(IdempotencyInProgress):
            _perform(deps, repeat)
        return HttpAnswer(201, {"by": "the first"})

    _perform(deps, perform)
    assert repeat.times == 0
    assert _perform(deps, repeat) == HttpAnswer(201, {"by": "the first"}, replayed=True)


def test_request_of_an_instance_that_died_is_performed_again_after_its_lease() -> None:
    clock = FixedClock()
    deps, repeat = fake_deps(clock=clock), _Counting()

    def die() -> HttpAnswer:
        clock.advance(RESERVATION_LEASE)
        assert _perform(deps, repeat) == HttpAnswer(201, {"times": 1})
        return HttpAnswer(201, {"by": "a ghost"})

    _perform(deps, die)
    assert repeat.times == 1


def test_key_is_forgotten_after_a_day() -> None:
    clock = FixedClock()
    deps, perform = fake_deps(clock=clock), _Counting()
    _perform(deps, perform)
    clock.advance(KEPT)
    assert _perform(deps, perform).replayed
    clock.advance(timedelta(seconds=1))
    assert _perform(deps, perform, body="another") == HttpAnswer(201, {"times": 2})
