from __future__ import annotations

import pytest

from fanfare.domain.cost import Line, total
from fanfare.domain.idle_month import MINUTES_A_MONTH, TICKS, idle_month
from fanfare.domain.prices import DAYS_A_MONTH, Edition, Price


def test_an_idle_month_pays_for_each_tick_s_reads() -> None:
    (reads,) = (line for line in idle_month() if line.name == "reads")
    every_minute = next(job for job in TICKS if job.name == "schedule")
    assert every_minute.count == MINUTES_A_MONTH == DAYS_A_MONTH * 1_440
    assert reads.amount == sum(job.count * job.reads for job in TICKS)
    assert reads.dollars == pytest.approx(reads.amount * 0.06 / 100_000)


def test_an_idle_deployment_is_nearly_free_within_the_free_allowances() -> None:
    lines = idle_month()
    assert total(lines, lambda line: line.dollars_beyond_free) == pytest.approx(0.10)
    assert total(lines, lambda line: line.dollars_beyond_free) < total(lines) < 3


def test_one_region_is_cheaper_when_idle_too() -> None:
    assert total(idle_month(Edition.STANDARD_REGION)) < total(idle_month(Edition.STANDARD_MULTI_REGION))


@pytest.mark.parametrize(("amount", "dollars"), [(0, 0), (3, 0), (4, 0.1), (13, 1.0)])
def test_only_what_goes_beyond_the_allowance_is_paid_for(amount: float, dollars: float) -> None:
    line = Line("jobs", amount, Price(0.10, 1, "a price list", 3))
    assert line.dollars_beyond_free == pytest.approx(dollars)
    assert line.dollars == pytest.approx(amount * 0.10)
