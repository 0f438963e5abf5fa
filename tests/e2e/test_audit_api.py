"""`/audit`, from outside: every write is in it, by whom, from where, and never what is secret."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.client import Scope
from tests.e2e.harness import Api, Cloud, Tenant, content_of, fields_of, fresh, problem_of


def _entries(api: Api, **params: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/audit/", params=params)["items"]
    return items


def test_write_is_told_of_with_who_from_where_and_what_changed(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    token = fresh("secret-token")
    response = api.call(
        "POST", "/devices/", json={"token": token, "username": fresh("person"), "locale": "sw-TZ"}, headers={"X-Request-ID": "trace-9"}
    )
    device_id = response.json()["id"]
    (entry,) = _entries(api, resource_id=device_id, resource="device")
    assert entry.keys() == {"id", "at", "action", "resource", "resource_ids", "actor", "address", "request_id", "changes", "facts"}
    assert entry["action"].startswith("device.")
    assert entry["actor"] == {"kind": "client", "id": api.headers["Client-ID"]}
    assert (entry["request_id"], entry["address"]) == ("trace-9", "127.0.0.1")
    assert token not in response.request.url
    assert token not in str(_entries(api))


def test_cancel_is_told_of_once_and_found_by_each_filter(own_tenant: Tenant, cloud: Cloud) -> None:
    api, other = own_tenant.api(), own_tenant.api()
    with cloud.refusing_tasks():
        notification_id = api.send({"topic": "news"})
    for _ in range(2):
        content_of(other.call("POST", f"/notifications/{notification_id}/cancel/"), 200)
    (entry,) = _entries(api, action="notification.cancelled")
    assert (entry["resource"], entry["resource_ids"], entry["actor"]["id"]) == ("notification", [notification_id], other.headers["Client-ID"])
    assert entry["changes"]["status"] == {"before": "queued", "after": "cancelled"}
    for params in ({"client_id": other.headers["Client-ID"]}, {"resource": "notification"}, {"resource_id": notification_id}):
        assert _entries(api, **params) == [entry]
    assert _entries(api, created_after=entry["at"], action="notification.cancelled") == [entry]
    assert _entries(api, created_before="2020-01-01T00:00:00Z") == []


def test_entries_come_page_by_page_the_newest_first_whatever_is_written(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    made = [api.register()["id"] for _ in range(5)]
    first = api.get("/audit/", params={"limit": 2, "resource": "device"})
    api.register()
    second = api.get("/audit/", params={"limit": 2, "resource": "device", "cursor": first["next_cursor"]})
    third = api.get("/audit/", params={"limit": 2, "resource": "device", "cursor": second["next_cursor"]})
    seen = [item["resource_ids"][0] for page in (first, second, third) for item in page["items"]]
    assert (seen, third["next_cursor"]) == (made[::-1], None)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"action": "cancelled"}, "action"),
        ({"resource": "Device"}, "resource"),
        ({"resource_id": "x", "client_id": "y"}, "resource_id"),
        ({"created_after": "now"}, "created_after"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_filter_that_is_wrong_is_named(api: Api, params: dict[str, Any], field: str) -> None:
    assert fields_of(problem_of(api.call("GET", "/audit/", params=params), 400)) == {field}


def test_log_is_for_admins_and_for_its_own_tenant(own_tenant: Tenant, tenant: Tenant) -> None:
    problem_of(own_tenant.api(Scope.READ, Scope.SEND).call("GET", "/audit/"), 403)
    device_id = own_tenant.api().register()["id"]
    assert _entries(tenant.api(), resource_id=device_id) == []
    assert len(_entries(own_tenant.api(), resource_id=device_id)) == 1
