"""A segment as tests of single columns: it is a conjunction of filters, and each of them looks at one thing of a device.

Tested to mean what `is_match` means, for every field that a segment has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from fanfare.domain.message import Platform
from fanfare.domain.segment import Segment, is_match

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_PER_DAY = 86_400_000_000


class ColumnTest(NamedTuple):
    """What one filter asks of one column: `holds` takes its value as it is packed (texts, lists of texts, microseconds)."""

    column: str
    holds: Callable[[Any], bool]


def column_tests(segment: Segment, at: datetime) -> list[ColumnTest]:
    """The tests that a row must pass to belong to a segment at `at`: one for each field that filters."""
    given = ((field.name, getattr(segment, field.name)) for field in fields(Segment))
    return [ColumnTest(_COLUMNS.get(name, name), _TESTS.get(name, _like_a_device(name))(wanted, at)) for name, wanted in given if wanted not in _ANY]


def to_microseconds(instant: datetime) -> int:
    """An instant as it is packed: whole microseconds since 1970."""
    return (instant - EPOCH) // _MICROSECOND


def from_microseconds(packed: int) -> datetime:
    """The instant that was packed."""
    return EPOCH + timedelta(microseconds=packed)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A device of which one thing is known: what a filter that looks at nothing else is asked about."""

    platform: Platform = Platform.ANDROID
    app_version: str | None = None
    os_version: str | None = None
    locale: str | None = None
    timezone: str | None = None
    last_seen_at: datetime = EPOCH
    tags: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    profile_ids: tuple[str, ...] = ()


_Test = Callable[[Any], bool]


def _like_a_device(name: str) -> Callable[[Any, datetime], _Test]:
    return lambda wanted, at: lambda value: is_match(Segment(**{name: wanted}), _Seen(**{name: value}), at)


def _seen_within(days: int, at: datetime) -> _Test:
    earliest = to_microseconds(at) - days * _MICROSECONDS_PER_DAY
    return lambda value: bool(value >= earliest)


def _all_of(wanted: tuple[str, ...], _: datetime) -> _Test:
    return frozenset(wanted).issubset


def _any_of(wanted: tuple[str, ...], _: datetime) -> _Test:
    disjoint = frozenset(wanted).isdisjoint
    return lambda value: not disjoint(value)


def _none_of(wanted: tuple[str, ...], _: datetime) -> _Test:
    return frozenset(wanted).isdisjoint


_ANY = ((), None)
_COLUMNS: Mapping[str, str] = {"seen_within_days": "last_seen_at", "tags_any": "tags", "tags_none": "tags"}
_TESTS: Mapping[str, Callable[[Any, datetime], _Test]] = {
    "seen_within_days": _seen_within, "tags": _all_of, "tags_any": _any_of, "tags_none": _none_of, "topics": _any_of, "profile_ids": _any_of,
}  # fmt: skip
