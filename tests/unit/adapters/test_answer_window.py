"""The memory of an instance: what FCM answered lately, each tenant's by itself, within bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fanfare.adapters import answer_window
from fanfare.adapters.answer_window import MOST_TALLIES, MemoryAnswerWindow
from fanfare.domain.brake import Tally
from fanfare.domain.classification import Kind
from tests.factories import NOW


def tally(seconds: float = 0, results: int = 1) -> Tally:
    return Tally(NOW + timedelta(seconds=seconds), results, {Kind.UNREGISTERED: results})


def seen(window: MemoryAnswerWindow, tenant: str = "acme", seconds: float = 1) -> list[Tally]:
    return list(window.recent(tenant, NOW + timedelta(seconds=seconds)))


def test_passes_of_a_tenant_come_back_together_the_latest_last() -> None:
    window = MemoryAnswerWindow()
    assert seen(window) == []
    window.add("acme", tally(0, 5))
    window.add("acme", tally(1, 6))
    assert seen(window) == [tally(0, 5), tally(1, 6)]


def test_looking_adds_nothing() -> None:
    window = MemoryAnswerWindow()
    window.add("acme", tally())
    assert seen(window) == seen(window) == [tally()]


def test_tenants_do_not_judge_one_another() -> None:
    window = MemoryAnswerWindow()
    window.add("acme", tally())
    window.add("globex", tally(1))
    assert seen(window, "globex") == [tally(1)]


def test_what_is_older_than_the_window_no_longer_counts() -> None:
    window = MemoryAnswerWindow()
    window.add("acme", tally(0))
    window.add("acme", tally(1))
    assert seen(window, seconds=600.5) == [tally(1)]
    window.add("acme", tally(600.5))
    assert seen(window, seconds=600.5) == [tally(1), tally(600.5)]


def test_what_was_judged_is_forgotten_for_that_tenant_alone() -> None:
    window = MemoryAnswerWindow()
    window.add("acme", tally())
    window.add("globex", tally())
    window.forget("acme")
    window.forget("a tenant that never sent")
    assert seen(window, "acme") == []
    assert seen(window, "globex") == [tally()]


def test_busy_tenant_takes_a_bounded_place_and_keeps_the_latest() -> None:
    window = MemoryAnswerWindow()
    for number in range(MOST_TALLIES + 5):
        window.add("acme", tally(results=number))
    kept = seen(window)
    assert [one.results for one in (kept[0], kept[-1])] == [5, MOST_TALLIES + 4]
    assert len(kept) == MOST_TALLIES


def test_many_tenants_take_a_bounded_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_window, "MOST_TENANTS", 3)
    window = MemoryAnswerWindow()
    for name in ("a", "b", "c", "d"):
        window.add(name, tally())
    assert [seen(window, name) for name in ("a", "b", "c", "d")] == [[], [], [], [tally()]], "the fourth tenant began anew"
