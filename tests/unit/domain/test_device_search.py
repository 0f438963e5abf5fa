"""Which devices a list shows: what an index answers and what is looked at agree with what was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.device import Device
from fanfare.domain.device_search import DeviceSearch, indexed_filter, is_found, is_indexed
from fanfare.domain.filters import DeviceFilter
from fanfare.domain.message import Platform
from fanfare.domain.versions import parse_version_range
from tests.factories import NOW, a_device, an_owner

DAY = timedelta(days=1)
DEVICE = a_device(app_version="3.4.1", tags=("beta", "vip"), topics=("news", "sport"), last_seen_at=NOW - 7 * DAY)


def version(text: str) -> Any:
    return parse_version_range(text, "app_version")


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({}, True),
        ({"app_version": version(">=3.2,<4")}, True),
        ({"app_version": version(">=3.2,<3.4")}, False),
        ({"seen_within_days": 7}, True),
        ({"seen_within_days": 6}, False),
        ({"not_seen_within_days": 6}, True),
        ({"not_seen_within_days": 7}, False),
        ({"seen_within_days": 10, "not_seen_within_days": 3}, True),
        ({"seen_within_days": 10, "not_seen_within_days": 8}, False),
        ({"tags": ("beta",)}, True),
        ({"tags": ("vip", "beta")}, True),
        ({"tags": ("vip", "alpha")}, False),
        ({"topic": "sport"}, True),
        ({"topic": "weather"}, False),
        ({"topic": "sport", "tags": ("beta",), "app_version": version("3.4.1"), "seen_within_days": 7}, True),
    ],
)
def test_device_is_found_if_it_meets_everything(search: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_found(DeviceSearch(**search), DEVICE, NOW) is expected


def test_device_without_a_version_meets_no_range() -> None:
    assert not is_found(DeviceSearch(app_version=version(">=0")), replace(DEVICE, app_version=None), NOW)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({}, {}),
        ({"platform": Platform.IOS, "active": False, "device_id": "phone"}, {"platform": Platform.IOS, "active": False, "device_id": "phone"}),
        ({"profile_id": "p", "topic": "news", "tags": ("beta",)}, {"profile_id": "p"}),
        ({"topic": "news", "tags": ("beta", "vip")}, {"topic": "news"}),
        ({"tags": ("beta", "vip")}, {"tag": "beta"}),
    ],
)
def test_index_is_asked_by_the_array_that_leaves_the_fewest(search: dict[str, Any], expected: dict[str, Any]) -> None:
    assert indexed_filter(DeviceSearch(**search)) == DeviceFilter(**expected)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({}, True),
        ({"platform": Platform.IOS, "active": True, "device_id": "phone", "profile_id": "p"}, True),
        ({"tags": ("beta",)}, True),
        ({"topic": "news"}, True),
        ({"tags": ("beta", "vip")}, False),
        ({"topic": "news", "tags": ("beta",)}, False),
        ({"profile_id": "p", "topic": "news"}, False),
        ({"app_version": version("3")}, False),
        ({"seen_within_days": 0}, False),
        ({"not_seen_within_days": 0}, False),
    ],
)
def test_search_is_indexed_if_one_query_answers_all_of_it(search: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_indexed(DeviceSearch(**search)) is expected


_some = st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=3).map(tuple)
_found = st.builds(lambda tags, topics, owners: a_device(tags=tags, topics=topics, owners=tuple(map(an_owner, owners))), _some, _some, _some)
_searches = st.builds(DeviceSearch, profile_id=st.none() | st.sampled_from("ab"), topic=st.none() | st.sampled_from("ab"), tags=_some)


@given(_searches, _found)
def test_index_and_look_together_are_the_search(search: DeviceSearch, device: Device) -> None:
    """Nothing is asked of neither, and an indexed search needs no look."""
    given = indexed_filter(search)
    by_index = (
        (given.profile_id is None or given.profile_id in device.profile_ids)
        and (given.topic is None or given.topic in device.topics)
        and (given.tag is None or given.tag in device.tags)
    )
    meant = (
        (search.profile_id is None or search.profile_id in device.profile_ids)
        and (search.topic is None or search.topic in device.topics)
        and set(search.tags) <= set(device.tags)
    )
    assert (by_index and is_found(search, device, NOW)) is meant
    assert not is_indexed(search) or by_index is meant
