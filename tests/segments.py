"""Devices of many kinds and filters on everything that they carry, drawn by hypothesis or by a random generator."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from fanfare.domain.device import Device
from fanfare.domain.message import Platform
from fanfare.domain.segment import Segment
from fanfare.domain.versions import parse_version_range
from tests.factories import NOW, a_device, a_token, an_owner

LOCALES = ["sw", "sw-TZ", "sw_tz", "swa", "SW-tz-x", "en", "en-GB"]
ZONES = ["Africa/Dar_es_Salaam", "Europe/Berlin"]
VERSIONS = ["3", "3.2", "3.10", "4.0"]
TAGS = ["beta", "staff", "vip"]
NAMES = ["p1", "p2", "p3"]
_few_tags = st.lists(st.sampled_from(TAGS), max_size=2).map(tuple)
_names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)


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


FILTERS: dict[str, st.SearchStrategy[Any]] = {
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
WISHES = st.fixed_dictionaries({}, optional=FILTERS)


def segment_of(wishes: dict[str, Any]) -> Segment:
    ranges: dict[str, Any] = {name: parse_version_range(wishes[name], name) for name in ("app_version", "os_version") if name in wishes}
    return Segment(**wishes | ranges)


def a_random_device(random: Random, device_id: str) -> Device:
    """A device of any kind, active or not, some of whose owners may be deleted."""

    def maybe(values: list[str]) -> str | None:
        return random.choice([None, *values])

    owners = [an_owner(name, suspended=random.random() < 0.2) for name in random.sample(NAMES, random.randint(0, 2))]
    return a_device(
        id=device_id,
        target=a_token(device_id),
        platform=random.choice(list(Platform)),
        app_version=maybe(VERSIONS),
        os_version=maybe([*VERSIONS, "beta"]),
        locale=maybe(LOCALES),
        timezone=maybe(ZONES),
        last_seen_at=NOW - timedelta(hours=random.randint(0, 60 * 24), microseconds=random.randint(0, 10**6)),
        tags=tuple(random.sample(TAGS, random.randint(0, 2))),
        topics=tuple(random.sample(NAMES, random.randint(0, 2))),
        owners=tuple(owners),
        active=random.random() < 0.9,
    )


def a_random_segment(random: Random) -> Segment:
    """One to three filters of those that there are; most of them leave some devices and take some."""

    def few(values: list[Any]) -> tuple[Any, ...]:
        return tuple(random.sample(values, random.randint(1, 2)))

    draw: dict[str, Any] = {
        "platform": lambda: few(list(Platform)),
        "app_version": lambda: random.choice([">=", "<", "!=", "=="]) + random.choice(VERSIONS),
        "os_version": lambda: ">=3," + random.choice(["<=", "!="]) + random.choice(VERSIONS),
        "locale": lambda: few(LOCALES),
        "timezone": lambda: few(ZONES),
        "seen_within_days": lambda: random.randint(0, 60),
        "tags": lambda: few(TAGS),
        "tags_any": lambda: few(TAGS),
        "tags_none": lambda: few(TAGS),
        "topics": lambda: few(NAMES),
        "profile_ids": lambda: few(NAMES),
    }
    return segment_of({name: draw[name]() for name in random.sample(sorted(draw), random.randint(1, 3))})
