"""Rate limits: refused beyond the limit, let through while the limiter is down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fanfare.domain.errors import RateLimited
from fanfare.domain.limits import LimitGroup
from fanfare.services.limit_rate import limit_rate
from tests.factories import TENANT_ID
from tests.fakes import FixedClock, MemoryRateLimiter, RecordingLog, fake_deps


def test_requests_beyond_the_limit_are_refused_until_the_next_minute() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    left = [usage.remaining for _ in range(3) if (usage := limit_rate(deps, TENANT_ID, "client-1", {"send": 3}, LimitGroup.SEND))]
    assert left == [2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        limit_rate(deps, TENANT_ID, "client-1", {"send": 3}, LimitGroup.SEND)
    assert limit_rate(deps, TENANT_ID, "client-1", {"send": 3}, LimitGroup.BULK) is not None
    clock.advance(timedelta(seconds=refused.value.retry_after_seconds))
    assert limit_rate(deps, TENANT_ID, "client-1", {"send": 3}, LimitGroup.SEND) is not None


def test_limiter_that_does_not_answer_lets_everybody_through_and_says_so() -> None:
    rates, log = MemoryRateLimiter(), RecordingLog()
    rates.down = True
    assert limit_rate(fake_deps(rates=rates, log=log), TENANT_ID, "client-1", {"send": 0}, LimitGroup.SEND) is None
    assert [record.event for record in log.records] == ["rate_limiter_failed_open"]
    assert rates.failures == 1
