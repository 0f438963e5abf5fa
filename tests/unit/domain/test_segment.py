"""Filters, against a naive evaluator that asks one question after the other."""

from __future__ import annotations

import re
from dataclasses import fields
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
from tests.segments import FILTERS, WISHES, devices, segment_of


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


@given(WISHES, devices())
def test_device_matches_exactly_if_every_single_filter_does(wishes: dict[str, Any], device: Device) -> None:
    assert is_match(segment_of(wishes), device, NOW) == naive_match(wishes, device)


@pytest.mark.parametrize("name", sorted(FILTERS))
@settings(max_examples=40)
@given(st.data())
def test_each_filter_alone_is_judged_as_documented(name: str, data: st.DataObject) -> None:
    wishes, device = {name: data.draw(FILTERS[name])}, data.draw(devices())
    assert is_match(segment_of(wishes), device, NOW) == naive_match(wishes, device)


@given(devices())
def test_segment_without_filters_is_everyone(device: Device) -> None:
    assert is_match(Segment(), device, NOW)


FULL = a_device(
    platform=Platform.IOS,
    app_version="3.4.1",
    os_version="15",
    locale="sw-TZ",
    timezone="Africa/Dar_es_Salaam",
    last_seen_at=NOW - timedelta(days=3),
    tags=("beta", "vip"),
    topics=("news", "sport"),
    owners=(an_owner("p1"), an_owner("p2")),
)
TABLE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"platform": ("android", "ios")}, {"platform": ("android", "web")}),
    ({"app_version": ">=3.4,<3.10"}, {"app_version": ">=3.10"}),
    ({"os_version": "15.0"}, {"os_version": "!=15"}),
    ({"locale": ("en", "sw")}, {"locale": ("sw-KE", "en")}),
    ({"timezone": ("Europe/Berlin", "Africa/Dar_es_Salaam")}, {"timezone": ("Europe/Berlin",)}),
    ({"seen_within_days": 3}, {"seen_within_days": 2}),
    ({"tags": ("beta", "vip")}, {"tags": ("beta", "staff")}),
    ({"tags_any": ("staff", "vip")}, {"tags_any": ("staff",)}),
    ({"tags_none": ("staff",)}, {"tags_none": ("staff", "beta")}),
    ({"topics": ("other", "news")}, {"topics": ("other",)}),
    ({"profile_ids": ("p3", "p2")}, {"profile_ids": ("p3",)}),
]


@pytest.mark.parametrize(("taking", "leaving"), TABLE, ids=[next(iter(taking)) for taking, _ in TABLE])
def test_each_filter_takes_and_leaves_one_device(taking: dict[str, Any], leaving: dict[str, Any]) -> None:
    assert is_match(segment_of(taking), FULL, NOW)
    assert not is_match(segment_of(leaving), FULL, NOW)


def test_every_filter_stands_in_the_table() -> None:
    assert [next(iter(taking)) for taking, _ in TABLE] == [field.name for field in fields(Segment)]


def test_one_filter_that_leaves_is_enough() -> None:
    taking = {name: wish for pair in TABLE for name, wish in pair[0].items()}
    assert is_match(segment_of(taking), FULL, NOW)
    assert not any(is_match(segment_of(taking | leaving), FULL, NOW) for _, leaving in TABLE)


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
