"""A segment that is kept under an id, for requests to name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.segment import Segment
from fanfare.domain.segment_reading import segment_from_json
from fanfare.domain.value_rules import read_text

LONGEST_NAME = 100
LONGEST_DEFECT = 300


@dataclass(frozen=True, slots=True)
class SavedSegment:
    """A segment as it is stored. Without a `filter` it means nobody: a hand in the console broke it, and `defect` says how."""

    id: str
    name: str
    filter: Segment | None
    created_at: datetime
    updated_at: datetime
    defect: str | None = None


def changed(saved: SavedSegment, name: str, meant: Segment, now: datetime) -> SavedSegment:
    """The segment under another name or with another filter; the same one if that changes nothing."""
    if (saved.name, saved.filter) == (name, meant):
        return saved
    return replace(saved, name=name, filter=meant, updated_at=now, defect=None)


def read_saved_segment(segment_id: str, stored: Mapping[str, Any], written_at: datetime) -> SavedSegment:
    """Read a document that anybody may have edited: total. `written_at` stands for times that can't be read."""
    name = stored.get("name")
    saved = SavedSegment(
        id=segment_id,
        name=name if isinstance(name, str) else segment_id,
        filter=None,
        created_at=_time(stored.get("created_at"), written_at),
        updated_at=_time(stored.get("updated_at"), written_at),
    )
    try:
        read_text(name, "name", LONGEST_NAME)
        return replace(saved, filter=segment_from_json(stored.get("filter"), "filter"))
    except InvalidRequest as error:
        # The reason names fields and rules and none of their values.
        return replace(saved, defect=error.detail[:LONGEST_DEFECT])


def _time(stored: object, otherwise: datetime) -> datetime:
    return stored if isinstance(stored, datetime) else otherwise
