"""Versions: an order that is one, ranges that mean what they say, and parsers that only ever refuse."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.versions import VersionClause, is_in_range, parse_numbers, parse_version_range

OPERATORS: dict[str, Callable[[list[int], list[int]], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq, "=": operator.eq, "!=": operator.ne, "": operator.eq,
}  # fmt: skip
PARTS = 10

_numbers = st.lists(st.integers(0, 12) | st.integers(0, 999_999_999), min_size=1, max_size=5)
_versions = _numbers.map(lambda numbers: ".".join(map(str, numbers)))
_clauses = st.tuples(st.sampled_from(sorted(OPERATORS)), _versions)


def holds(version: str, text: str) -> bool:
    return is_in_range(version, parse_version_range(text, "only.app_version"))


def padded(version: str) -> list[int]:
    numbers = [int(part) for part in version.split(".")]
    return numbers + [0] * (PARTS - len(numbers))


@given(_versions, st.lists(_clauses, min_size=1, max_size=3))
def test_version_is_in_a_range_if_every_comparison_of_padded_numbers_holds(version: str, clauses: list[tuple[str, str]]) -> None:
    text = " ,".join(f" {name} {bound}" for name, bound in clauses)
    assert holds(version, text) == all(OPERATORS[name](padded(version), padded(bound)) for name, bound in clauses)


@given(_versions, _versions)
def test_exactly_one_of_less_equal_and_greater_holds(left: str, right: str) -> None:
    assert [holds(left, f"{name}{right}") for name in ("<", "==", ">")].count(True) == 1
    assert holds(left, f"<{right}") == holds(right, f">{left}")


@given(st.tuples(_versions, _versions, _versions))
def test_order_is_transitive(versions: tuple[str, str, str]) -> None:
    low, middle, high = sorted(versions, key=padded)
    assert holds(low, f"<={middle}")
    assert holds(middle, f"<={high}")
    assert holds(low, f"<={high}")


@given(_versions, st.integers(1, 3))
def test_missing_parts_count_as_zero(version: str, zeros: int) -> None:
    longer = version + ".0" * zeros
    assert holds(version, longer)
    assert holds(longer, version)


TABLE = [
    ("3.2", ">=3.2,<4", True),
    ("3.10", ">=3.2,<4", True),
    ("4", ">=3.2,<4", False),
    ("4.0.0", "<4", False),
    ("3.1.9", ">=3.2", False),
    ("3.2.0", "3.2", True),
    ("3.2.1", "3.2", False),
    ("3.2.1", "!=3.2,!=3.2.2", True),
    ("3.4.1-beta2", "==3.4.1", True),
    ("v3.4", ">3.3", True),
    ("unknown", "!=1", False),
    ("", ">=0", False),
    (None, "!=1", False),
]


@pytest.mark.parametrize(("version", "text", "expected"), TABLE)
def test_ranges_mean_what_they_say(version: str | None, text: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_in_range(version, parse_version_range(text, "f")) is expected


@pytest.mark.parametrize("version", [None, "", "unknown", "3.2"])
def test_no_range_takes_every_version(version: str | None) -> None:
    assert is_in_range(version, ())


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("3.4.1-beta2", (3, 4, 1)), ("v2", (2,)), ("1..2", (1,)), ("1.2.", (1, 2)), ("007.010", (7, 10)), ("none", ()), ("", ())],
)
def test_numbers_are_the_first_ones_of_a_version(version: str, numbers: tuple[int, ...]) -> None:
    assert parse_numbers(version) == numbers


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_has_numbers_or_none(text: str) -> None:
    assert all(number >= 0 for number in parse_numbers(text))


@example("\ud800")
@given(st.text("0123456789.,<>=! x\n") | st.text(st.characters(exclude_categories=())))
def test_range_is_read_or_refused_by_its_field_and_never_a_crash(text: str) -> None:
    clauses: tuple[VersionClause, ...] = ()
    named = []
    try:
        clauses = parse_version_range(text, "only.os_version")
    except InvalidRequest as refused:
        named = [error.field for error in refused.errors]
    assert named == ([] if clauses else ["only.os_version"])
    assert all(clause.numbers for clause in clauses)
    assert len(clauses) in (0, text.count(",") + 1)


@pytest.mark.parametrize("text", ["", ",", ">=3.2,", ">=", "=>3", "3.x", "3.", ".3", "3.2 4", "~3", "1" * 19, ".".join("1" * 11), "3\n2"])
def test_what_is_no_comparison_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_version_range(text, "f")


def test_clause_keeps_operator_and_numbers() -> None:
    assert parse_version_range(">= 3.2 , <4", "f") == (VersionClause(">=", (3, 2)), VersionClause("<", (4,)))
