"""A column of a packed table: its distinct values and each row's place among them, or plainly a list where that would save nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any

DISTINCT, PLACES = "of", "at"


def encode_column(values: Sequence[Hashable]) -> bytes:
    """Encode one column; a tuple comes back as a list."""
    places: dict[Hashable, int] = {}
    at = [places.setdefault(value, len(places)) for value in values]
    if len(places) == 1:
        return _json({DISTINCT: list(places)})
    return _json({DISTINCT: list(places), PLACES: at}) if 2 * len(places) <= len(values) else _json(list(values))


def decode_column(column: bytes, rows: int) -> list[Any]:
    """The values of a column of `rows` rows."""
    return map_column(column, rows, lambda value: value)


def map_column(column: bytes, rows: int, make: Callable[[Any], Any]) -> list[Any]:
    """What `make` makes of each row's value, made once for each distinct one; equal rows share the very object."""
    packed = json.loads(column)
    if isinstance(packed, list):
        return [make(value) for value in packed]
    made = [make(value) for value in packed[DISTINCT]]
    places = packed.get(PLACES)
    return made * rows if places is None else [made[place] for place in places]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
