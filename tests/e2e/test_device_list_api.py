"""The filters of `GET /devices`, from outside."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.device import Device
from fanfare.ports import Deps
from tests.e2e.harness import Api, Tenant, fields_of, problem_of

DEVICES: dict[str, dict[str, Any]] = {
    "a": {"username": "alice", "app_version": "3.4.1", "tags": ["beta", "vip"], "device_id": "install-a"},
    "b": {"username": "alice", "app_version": "3.10", "tags": ["beta"], "platform": "ios"},
    "c": {"username": "bob", "app_version": "4.0", "tags": ["beta", "vip"], "platform": "ios"},
    "d": {"username": "bob"},
}


@pytest.fixture(scope="module")
def names(api: Api, tenant: Tenant, deps: Deps) -> dict[str, str]:
    """Which of the devices an id is; `c` and `d` are subscribed to news, `d` is inactive."""
    ids = {api.register(**fields)["id"]: name for name, fields in DEVICES.items()}
    for device_id, name in ids.items():
        if name in "cd":
            deps.devices.update(tenant.id, device_id, _subscribed)
        if name == "d":
            api.post(f"/devices/{device_id}/deactivate/", {}, 200)
    return ids


def _subscribed(device: Device) -> Device:
    return Device(**{field: getattr(device, field) for field in Device.__slots__} | {"topics": ("news",)})


def _listed(api: Api, names: dict[str, str], query: dict[str, Any], limit: int) -> str:
    found = ""
    cursor: str | None = ""
    while cursor is not None:
        page = api.get("/devices/", params={**query, "limit": limit, **({"cursor": cursor} if cursor else {})})
        assert len(page["items"]) <= limit
        found += "".join(names[device["id"]] for device in page["items"])
        cursor = page["next_cursor"]
    return "".join(sorted(found))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "abcd"),
        ({"username": "alice"}, "ab"),
        ({"username": "nobody"}, ""),
        ({"app_version": ">=3.4.1,<4"}, "ab"),
        ({"app_version": ">3.9"}, "bc"),
        ({"tags": "beta"}, "abc"),
        ({"tags": ["beta", "vip"]}, "ac"),
        ({"tags": ["vip", "beta", "none"]}, ""),
        ({"topic": "news"}, "cd"),
        ({"topic": "news", "tags": "vip"}, "c"),
        ({"topic": "news", "active": "true"}, "c"),
        ({"active": "false"}, "d"),
        ({"seen_within_days": 1}, "abcd"),
        ({"not_seen_within_days": 1}, ""),
        ({"username": "bob", "platform": "ios", "app_version": "4.0.0", "tags": ["vip"], "topic": "news", "seen_within_days": 7}, "c"),
        ({"device_id": "install-a"}, "a"),
    ],
)
@pytest.mark.parametrize("limit", [1, 200])
def test_every_filter_is_met(api: Api, names: dict[str, str], query: dict[str, Any], expected: str, limit: int) -> None:
    assert _listed(api, names, query, limit) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"app_version": "new"}, "app_version"),
        ({"app_version": ""}, "app_version"),
        ({"app_version": ">=1," * 100}, "app_version"),
        ({"seen_within_days": "-1"}, "seen_within_days"),
        ({"not_seen_within_days": "soon"}, "not_seen_within_days"),
        ({"tags": "x" * 65}, "tags.0"),
        ({"tags": ["x"] * 51}, "tags"),
        ({"topic": "/topics/news"}, "topic"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_filter_is_named(api: Api, query: dict[str, Any], field: str) -> None:
    assert fields_of(problem_of(api.call("GET", "/devices/", params=query), 400)) == {field}


def test_cursor_of_a_search_with_days_goes_on_and_belongs_to_it_alone(api: Api, names: dict[str, str]) -> None:
    query = {"seen_within_days": 7, "tags": "beta", "limit": 1}
    first = api.get("/devices/", params=query)
    second = api.get("/devices/", params={**query, "cursor": first["next_cursor"]})
    assert first["items"][0]["id"] != second["items"][0]["id"]
    for other in ({**query, "seen_within_days": 8}, {**query, "tags": "vip"}, {**query, "topic": "news"}):
        problem = problem_of(api.call("GET", "/devices/", params={**other, "cursor": first["next_cursor"]}), 400)
        assert fields_of(problem) == {"cursor"}
