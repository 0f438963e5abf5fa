"""What one instance counts by itself: every caller, group and minute alone, exactly up to the limit."""

from __future__ import annotations

from datetime import timedelta

from fanfare.adapters.instance_limits import InstanceRateLimiter
from fanfare.domain.limits import Budget, LimitGroup
from tests.fakes import FixedClock

BUDGET = Budget("acme", "message-1", LimitGroup.OTHER, 3)


def test_caller_is_let_in_up_to_its_limit_and_others_count_by_themselves() -> None:
    limiter = InstanceRateLimiter(FixedClock())
    assert [limiter.use(BUDGET).allowed for _ in range(4)] == [True, True, True, False]
    assert limiter.use(Budget("acme", "message-2", LimitGroup.OTHER, 3)).remaining == 2
    assert limiter.use(Budget("globex", "message-1", LimitGroup.OTHER, 3)).remaining == 2
    assert limiter.use(Budget("acme", "message-1", LimitGroup.DEVICES, 3)).remaining == 2


def test_next_minute_begins_anew_and_nothing_of_the_last_is_kept() -> None:
    clock = FixedClock()
    limiter = InstanceRateLimiter(clock)
    for number in range(50):
        limiter.use(Budget("acme", f"message-{number}", LimitGroup.OTHER, 3))
    refused = [limiter.use(BUDGET) for _ in range(4)][-1]
    clock.advance(timedelta(seconds=refused.reset_seconds))
    assert limiter.use(BUDGET).remaining == 2
    assert len(limiter._counters) == 1
