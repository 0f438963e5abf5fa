"""App and OS versions, compared as people mean them: by their numbers, not as text."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

from fanfare.domain.errors import InvalidRequest

_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|>|<|=)?\s*([0-9]{1,18}(?:\.[0-9]{1,18}){0,9})\s*\Z")
_NUMBERS = re.compile(r"[0-9]{1,64}(?:\.[0-9]{1,64})*")
_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class VersionClause:
    """One comparison, for example `>=3.2`."""

    compare: str
    numbers: tuple[int, ...]


def parse_version_range(text: str, field: str) -> tuple[VersionClause, ...]:
    """Parse `>=3.2,<4`: every clause must hold; a bare version means "equal". `field` names the input in an error."""
    clauses = []
    for part in text.split(","):
        match = _CLAUSE.match(part)
        if match is None:
            raise InvalidRequest.at(field, "must be comparisons such as >=3.2,<4")
        clauses.append(VersionClause(match[1] or "==", parse_numbers(match[2])))
    return tuple(clauses)


def parse_numbers(version: str) -> tuple[int, ...]:
    """Read the leading numbers of a version: `3.4.1-beta2` → (3, 4, 1); no number → ()."""
    match = _NUMBERS.search(version)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def is_in_range(version: str | None, clauses: tuple[VersionClause, ...]) -> bool:
    """Tell whether a version meets every clause. Missing parts count as zero (3.2 equals 3.2.0); an unknown version meets none."""
    numbers = parse_numbers(version) if version else ()
    if not numbers:
        return not clauses
    return all(_OPERATORS[clause.compare](_compare(numbers, clause.numbers), 0) for clause in clauses)


def _compare(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    for a, b in zip_longest(left, right, fillvalue=0):
        if a != b:
            return -1 if a < b else 1
    return 0
