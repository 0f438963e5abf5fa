"""Numbers of the whole fleet: they only grow, and each time lands in one bucket."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.metrics import BOUNDS_MS, COUNTED, OTHER, TIMED, Family, add, code_label, named, observe, rises

NUMBERS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 5))


@pytest.mark.parametrize(
    ("millis", "bucket"),
    [(-5_000, "250"), (0, "250"), (250, "250"), (251, "500"), (10_000, "10000"), (86_400_000, "86400000"), (86_400_001, "inf")],
)
def test_time_lands_in_the_bucket_of_the_least_bound_that_it_does_not_exceed(millis: int, bucket: str) -> None:
    counted = observe(Family.SEND_DELAY, timedelta(milliseconds=millis), 3)
    total = {"send_delay.ms": 3 * millis} if millis > 0 else {}
    assert counted == {named(Family.SEND_DELAY, bucket): 3, **total}


def test_time_of_no_message_counts_nothing() -> None:
    assert observe(Family.DELIVERY_DELAY, timedelta(seconds=1), 0) == {}


def test_bounds_rise() -> None:
    assert list(BOUNDS_MS) == sorted(set(BOUNDS_MS))


@pytest.mark.parametrize(
    ("code", "label"),
    [("UNREGISTERED", "UNREGISTERED"), ("HTTP_502", "HTTP_502"), ('A"b', OTHER), ("", OTHER), ("lower", OTHER), ("A" * 64, OTHER), ("A\n", OTHER)],
)
def test_only_what_has_a_codes_form_is_a_label(code: str, label: str) -> None:
    assert code_label(code) == label


@given(NUMBERS, NUMBERS)
def test_only_what_grew_is_added(after: dict[str, int], before: dict[str, int]) -> None:
    grown = rises(after, before)
    assert all(number > 0 for number in grown.values())
    assert {name: max(after.get(name, 0), before.get(name, 0)) for name in after.keys() | before.keys()} == {
        name: before.get(name, 0) + grown.get(name, 0) for name in after.keys() | before.keys()
    }


@given(st.lists(NUMBERS))
def test_numbers_are_added_by_name_and_none_is_left_out(parts: list[dict[str, int]]) -> None:
    together = add(parts)
    assert 0 not in together.values()
    assert sum(together.values()) == sum(sum(part.values()) for part in parts)


def test_every_family_is_described_once() -> None:
    assert not COUNTED.keys() & TIMED.keys()
    assert COUNTED.keys() | TIMED.keys() == set(Family)
    names = [described.name for described in (*COUNTED.values(), *TIMED.values())]
    assert len(set(names)) == len(names)
