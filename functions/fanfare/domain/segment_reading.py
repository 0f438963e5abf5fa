"""Filters as JSON: how a request and a saved segment keep them, read back without a word that is not understood.

A saved segment may have been edited by hand in the console. What is no filter is refused with the field's path and never left out: that would be to
reach more people than were meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from fanfare.domain.message import Platform
from fanfare.domain.segment import Segment
from fanfare.domain.value_rules import read_list, read_members, read_number, read_text, read_word
from fanfare.domain.versions import VersionClause, parse_version_range

MOST_VALUES = 500
MOST_DAYS = 3_650
LONGEST_VALUE = 900
"""A topic's name; nothing else that a device carries is as long."""
LONGEST_RANGE = 128

FIELDS = tuple(field.name for field in fields(Segment))
"""What can be filtered by."""
FANNED_OUT_BY_DEVICE = "devices"
"""The value of a request's `fanout` that makes its topic a filter of ours instead of FCM's own."""


def segment_to_json(segment: Segment) -> dict[str, Any]:
    """The filters that are set, as the API takes them."""
    return {name: _show(getattr(segment, name)) for name in FIELDS if getattr(segment, name) not in ((), None)}


def segment_from_json(stored: object, field: str) -> Segment:
    """The filters that an object means; InvalidRequest names what is none by its path below `field`. An empty object means everyone."""
    members = read_members(stored, field, FIELDS)
    return Segment(**{name: _READERS.get(name, _texts)(value, f"{field}.{name}") for name, value in members.items() if value is not None})


def segments_of(request: Mapping[str, Any]) -> tuple[Segment, ...]:
    """The filters that a stored request means, all of which must hold; none at all means everyone.

    They are those of `to.segment`, of a `to.topic` that is fanned out by device, and of `only`. InvalidRequest if one is not understood, as where a
    newer version stored it.
    """
    to = request.get("to") or {}
    found = [segment_from_json(to.get("segment") or {}, "to.segment"), segment_from_json(request.get("only") or {}, "only")]
    if to.get("topic") is not None and request.get("fanout") == FANNED_OUT_BY_DEVICE:
        found.insert(0, Segment(topics=(to["topic"],)))
    return tuple(segment for segment in found if segment != Segment())


def _show(value: Any) -> Any:  # noqa: ANN401 - a filter's own type
    if isinstance(value, int):
        return value
    if isinstance(value[0], VersionClause):
        # A bare version means "equal": so the text is never longer than the one that was given.
        return ",".join(f"{clause.compare.replace('==', '')}{'.'.join(map(str, clause.numbers))}" for clause in value)
    return [str(item) for item in value]


def _texts(value: object, field: str) -> tuple[str, ...]:
    return tuple(read_text(item, f"{field}.{index}", LONGEST_VALUE) for index, item in enumerate(read_list(value, field, MOST_VALUES)))


def _platforms(value: object, field: str) -> tuple[Platform, ...]:
    items = enumerate(read_list(value, field, len(Platform)))
    return tuple(Platform(read_word(item, f"{field}.{index}", Platform)) for index, item in items)


def _range(value: object, field: str) -> tuple[VersionClause, ...]:
    return parse_version_range(read_text(value, field, LONGEST_RANGE), field)


_READERS: Mapping[str, Callable[[object, str], Any]] = {
    "platform": _platforms,
    "app_version": _range,
    "os_version": _range,
    "seen_within_days": partial(read_number, least=0, most=MOST_DAYS),
}
