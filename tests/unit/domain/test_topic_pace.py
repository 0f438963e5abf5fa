from __future__ import annotations

from datetime import timedelta

import pytest

from fanfare.domain.topic_pace import CALLS_AT_ONCE, PER_SECOND, pause_seconds


@pytest.mark.parametrize("told", [0, 1, 100, 1_000])
def test_a_call_keeps_to_its_share_of_the_projects_budget(told: int) -> None:
    assert pause_seconds(told, timedelta(0)) == pytest.approx(told / (PER_SECOND / CALLS_AT_ONCE))


def test_a_slow_call_need_not_wait() -> None:
    assert pause_seconds(100, timedelta(seconds=10)) == 0
    assert pause_seconds(0, timedelta(0)) == 0
