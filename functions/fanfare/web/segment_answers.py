"""Segments as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fanfare.domain.saved_segment import SavedSegment
from fanfare.domain.segment_reading import segment_to_json
from fanfare.services.count_audience import AudienceCount
from fanfare.web.instants import show_time
from fanfare.web.schema import Out, PlatformName


class FilterOut(Out):
    """The filters of a segment that are set; none means everyone."""

    platform: list[PlatformName] | None = None
    app_version: str | None = None
    os_version: str | None = None
    locale: list[str] | None = None
    timezone: list[str] | None = None
    seen_within_days: int | None = None
    tags: list[str] | None = None
    tags_any: list[str] | None = None
    tags_none: list[str] | None = None
    topics: list[str] | None = None
    profile_ids: list[str] | None = None


class SegmentOut(Out):
    """A saved segment. `defect` says why one that was edited by hand can't be used; its `filter` is null then."""

    id: str
    name: str
    filter: FilterOut | None
    defect: str | None
    created_at: datetime
    updated_at: datetime


class SegmentPage(Out):
    """A page of saved segments."""

    items: list[SegmentOut]
    next_cursor: str | None


class CountOut(Out):
    """How many active devices belong to a segment, and how many of these were heard of in the last 30 days.

    `estimated` if a part of a big audience was counted and scaled. Every change before `as_of` is counted in; it is null until all devices are.
    """

    count: int
    reachable: int
    estimated: bool
    as_of: datetime | None


def show_segment(segment: SavedSegment) -> dict[str, Any]:
    """A saved segment as the API shows it."""
    return {
        "id": segment.id,
        "name": segment.name,
        "filter": segment_to_json(segment.filter) if segment.filter is not None else None,
        "defect": segment.defect,
        "created_at": show_time(segment.created_at),
        "updated_at": show_time(segment.updated_at),
    }


def show_count(counted: AudienceCount) -> dict[str, Any]:
    """The size of a segment as the API shows it."""
    return {"count": counted.count, "reachable": counted.reachable, "estimated": counted.estimated, "as_of": show_time(counted.as_of)}
