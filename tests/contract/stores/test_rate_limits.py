"""What every rate limiter counts: each request once, by tenant, caller, group and minute, and never one more than the limit lets through."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.limits import Budget, LimitGroup
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores

# The database has answered once: an emulator's first answer takes longer than the limiter waits.
pytestmark = pytest.mark.usefixtures("tenant")
BUDGET = Budget("acme", "client-1", LimitGroup.SEND, 5)


def allowed(stores: Stores, budget: Budget, times: int) -> int:
    return sum(stores.rates.use(budget).allowed for _ in range(times))


@pytest.mark.parametrize("limit", [1, 5, 60, 61, 100])
def test_limit_is_exact(stores: Stores, limit: int) -> None:
    assert allowed(stores, replace(BUDGET, limit=limit), limit + 7) == limit


def test_request_is_told_what_is_left_and_when_it_begins_anew(stores: Stores) -> None:
    stores.clock.advance(timedelta(seconds=20))
    usages = [stores.rates.use(BUDGET) for _ in range(6)]
    assert [usage.remaining for usage in usages] == [4, 3, 2, 1, 0, 0]
    assert {(usage.group, usage.limit, usage.reset_seconds) for usage in usages} == {(LimitGroup.SEND, 5, 41)}


@pytest.mark.parametrize("other", [{"tenant": "globex"}, {"caller": "client-2"}, {"group": LimitGroup.DEVICES}])
def test_budgets_do_not_touch_each_other(stores: Stores, other: dict[str, str]) -> None:
    assert allowed(stores, BUDGET, 9) == 5
    assert allowed(stores, replace(BUDGET, **other), 9) == 5  # type: ignore[arg-type]


def test_minute_begins_anew(stores: Stores) -> None:
    assert allowed(stores, BUDGET, 9) == 5
    stores.clock.advance(timedelta(seconds=60))
    assert allowed(stores, BUDGET, 9) == 5


def test_simultaneous_requests_are_each_counted(stores: Stores) -> None:
    counts = race([lambda: allowed(stores, replace(BUDGET, limit=30), 10) for _ in range(8)])
    assert sum(counts) == 30
