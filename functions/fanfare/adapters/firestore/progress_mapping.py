"""Sums and their documents: as a part of a notification keeps them, and as a chunk notes what it has added."""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import Increment

from fanfare.domain.broadcast_progress import COUNTED, Part, Sums
from fanfare.domain.notification import Counts

VERSION = 1


def sums_to_document(sums: Sums) -> dict[str, Any]:
    """Map sums."""
    counts = {name: getattr(sums.counts, name) for name in COUNTED}
    return {"done": sums.done, **counts, "errors": dict(sums.errors), "platforms": {name: dict(found) for name, found in sums.platforms.items()}}


def increments_of(part: Part, change: Sums) -> dict[str, Any]:
    """Map what is to be added to a part; what does not change is left out, but for the number of final chunks, which is asked for."""
    numbers = {name: getattr(change.counts, name) for name in COUNTED}
    maps = {
        "errors": {code: Increment(number) for code, number in change.errors.items()},
        "platforms": {name: {word: Increment(number) for word, number in found.items()} for name, found in change.platforms.items()},
    }
    return {
        "v": VERSION,
        "stage": part.stage,
        "part": part.number,
        "done": Increment(change.done),
        **{name: Increment(number) for name, number in numbers.items() if number},
        # An empty map would be stored instead of what is there.
        **{name: found for name, found in maps.items() if found},
    }


def sums_from_document(fields: dict[str, Any]) -> Sums:
    """Map sums back; a number that is not there yet is none."""
    counts = Counts(**{name: fields.get(name, 0) for name in COUNTED})
    return Sums(fields.get("done", 0), counts, fields.get("errors", {}), fields.get("platforms", {}))
