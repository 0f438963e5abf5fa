"""Filters, against a naive evaluator that asks one question after the other."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.device import Device
from fanfare.domain.message import Platform
from fanfare.domain.segment import Segment, is_match
from fanfare.domain.versions import parse_version_range
from tests.factories import NOW, a_device, an_owner

LOCALES = ["sw", "sw-TZ", "sw_tz", "swa", "SW-tz-x", "en", "en-GB"]
ZONES = ["Africa/Dar_es_Salaam", "Europe/Berlin"]
VERSIONS = ["3", "3.2", "3.10", "4.0"]
TAGS = ["beta", "staff", "vip"]
_few_tags = st.lists(st.sampled_from(TAGS), max_size=2).map(tuple)
_names = st.lists(st.sampled_from(["p1", "p2", "p3"]), max_size=2, unique=True)


def _some(values: list[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.just(()) | st.lists(st.sampled_from(values), min_size=1, max_size=2).map(tuple)


@st.composite
def devices(draw: st.DrawFn) -> Device:
    return a_device(
        platform=draw(st.sampled_from(Platform)),
        app_version=draw(st.none() | st.sampled_from(VERSIONS)),
        os_version=draw(st.none() | st.sampled_from(VERSIONS)),
        locale=draw(st.none() | st.sampled_from(LOCALES)),
        timezone=draw(st.none() | st.sampled_from(ZONES)),
        last_seen_at=NOW - timedelta(hours=draw(st.integers(-30, 80))),
        tags=draw(_few_tags),
        topics=tuple(draw(_names)),
        owners=tuple(an_owner(name) for name in draw(_names)),
    )


_filters: dict[str, st.SearchStrategy[Any]] = {
    "platform": _some(list(Platform)),
    "app_version": st.sampled_from(VERSIONS).map(lambda version: f">={version}"),
    "os_version": st.sampled_from(VERSIONS).map(lambda version: f">={version}"),
    "locale": _some(LOCALES),
    "timezone": _some(ZONES),
    "seen_within_days": st.integers(0, 3),
    "tags": _few_tags,
    "tags_any": _few_tags,
    "tags_none": _few_tags,
    "topics": _names.map(tuple),
    "profile_ids": _names.map(tuple),
}
_wishes = st.fixed_dictionaries({}, optional=_filters)


def segment_of(wishes: dict[str, Any]) -> Segment:
    ranges: dict[str, Any] = {name: parse_version_range(wishes[name], name) for name in ("app_version", "os_version") if name in wishes}
    return Segment(**wishes | ranges)


def naive_match(wishes: dict[str, Any], device: Device) -> bool:
    """The documentation of each filter, one after the other; an empty one does not filter."""
    return all(_naive_one(name, wish, device) for name, wish in wishes.items() if wish not in ((), None))


def _naive_one(name: str, wish: Any, device: Device) -> bool:
    held = getattr(device, "tags" if name.startswith("tags") else name, None)
    if name in ("app_version", "os_version"):
        return held is not None and _number(held) >= _number(wish[2:])
    if name == "locale":
        return any(re.match(rf"{re.escape(_plain(want))}(-|$)", _plain(held or "")) for want in wish)
    if name == "seen_within_days":
        return (NOW - device.last_seen_at).total_seconds() <= float(wish) * 86_400
    if name in ("platform", "timezone"):
        return held in wish
    common = [item for item in wish if held is not None and item in held]
    expected: dict[str, bool] = {"tags": len(common) == len(wish), "tags_none": not common}
    return expected.get(name, bool(common))


def _number(version: str) -> int:
    major, _, minor = version.partition(".")
    return int(major) * 1_000 + int(minor or 0)


def _plain(locale: str) -> str:
    return locale.casefold().replace("_", "-")


@given(_wishes, devices())
def test_device_matches_exactly_if_every_single_filter_does(wishes: dict[str, Any], device: Device) -> None:
    assert is_match(segment_of(wishes), device, NOW) == naive_match(wishes, device)


@pytest.mark.parametrize("name", sorted(_filters))
@settings(max_examples=40)
@given(st.data())
def test_each_filter_alone_is_judged_as_documented(name: str, data: st.DataObject) -> None:
    wishes, device = {name: data.draw(_filters[name])}, data.draw(devices())
    assert is_match(segment_of(wishes), device, NOW) == naive_match(wishes, device)


@given(devices())
def test_segment_without_filters_is_everyone(device: Device) -> None:
    assert is_match(Segment(), device, NOW)


UNKNOWN: list[tuple[Segment, bool]] = [
    (Segment(app_version=parse_version_range("!=3", "f")), False),
    (Segment(locale=("sw",)), False),
    (Segment(timezone=("Europe/Berlin",)), False),
    (Segment(tags=("beta",)), False),
    (Segment(tags_any=("beta",)), False),
    (Segment(tags_none=("beta",)), True),
    (Segment(topics=("news",)), False),
]


@pytest.mark.parametrize(("segment", "matches"), UNKNOWN)
def test_device_that_said_nothing_matches_only_what_it_need_not_have(segment: Segment, matches: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_match(segment, a_device(), NOW) is matches


@pytest.mark.parametrize(("ago", "matches"), [(timedelta(days=30), True), (timedelta(days=30, microseconds=1), False), (-timedelta(days=1), True)])
def test_last_day_of_being_seen_counts_to_its_end(ago: timedelta, matches: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_match(Segment(seen_within_days=30), a_device(last_seen_at=NOW - ago), NOW) is matches


@pytest.mark.parametrize(
    ("locale", "wanted", "matches"),
    [
        ("sw-TZ", "sw", True),
        ("sw", "sw-TZ", False),
        ("swa", "sw", False),
        ("SW_tz", "sw-TZ", True),
        ("sw-TZ-x", "sw-tz", True),
        ("sw-TZ", "SW_tz", True),
        (None, "x", False),
    ],
)
def test_language_means_all_its_regions(locale: str | None, wanted: str, matches: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_match(Segment(locale=("en", wanted)), a_device(locale=locale), NOW) is matches
