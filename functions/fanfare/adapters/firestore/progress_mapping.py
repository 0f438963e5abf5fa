"""Sums and their documents: as a part of a notification keeps them, and as a chunk notes what it has added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fanfare.domain.broadcast_progress import COUNTED, Part, Sums
from fanfare.domain.notification import Counts

VERSION = 1


def sums_to_document(sums: Sums) -> dict[str, Any]:
    """Map sums."""
    counts = {name: getattr(sums.counts, name) for name in COUNTED}
    platforms = {name: dict(found) for name, found in sums.platforms.items()}
    return {"done": sums.done, **counts, "errors": dict(sums.errors), "platforms": platforms, "measures": dict(sums.measures)}


def increments_of(part: Part, change: Sums) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    """Map what a change makes of a part: its own fields, and by how much each number (by its path) is raised.

    What does not change is left out, but for the number of final chunks, which comes first: what it comes to is asked for.
    """
    maps: Mapping[str, Mapping[tuple[str, ...], int]] = {
        "errors": {(code,): number for code, number in change.errors.items()},
        "platforms": {(name, word): number for name, found in change.platforms.items() for word, number in found.items()},
        "measures": {(name,): number for name, number in change.measures.items()},
    }
    numbers: dict[tuple[str, ...], int] = {("done",): change.done}
    numbers.update({(name,): number for name in COUNTED if (number := getattr(change.counts, name))})
    numbers.update({(field, *path): number for field, found in maps.items() for path, number in found.items()})
    return {"v": VERSION, "stage": part.stage, "part": part.number}, numbers


def sums_from_document(fields: dict[str, Any]) -> Sums:
    """Map sums back; a number that is not there yet is none."""
    counts = Counts(**{name: fields.get(name, 0) for name in COUNTED})
    return Sums(fields.get("done", 0), counts, fields.get("errors", {}), fields.get("platforms", {}), fields.get("measures", {}))
