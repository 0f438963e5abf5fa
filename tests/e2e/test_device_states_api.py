"""Whether a device receives, from outside: activate, deactivate, delete, erase, look up; and what is checked when it registers."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.filters import AuditFilter
from fanfare.ports import Deps
from tests.e2e.harness import Api, Simulator, Tenant, deliveries, fields_of, fresh, fresh_target, problem_of, wait_for_status

ACTIONS = ("activate", "deactivate", "erase")


def _reached(api: Api, device: dict[str, Any]) -> set[str]:
    """The devices that a message to a device's owner reaches."""
    notification_id = api.send({"profile_ids": device["profile_ids"]})
    wait_for_status(api, notification_id)
    return set(deliveries(api, notification_id))


def test_deactivated_device_gets_nothing_until_it_is_activated(api: Api) -> None:
    device = api.register()
    for _ in range(2):
        shown = api.post(f"/devices/{device['id']}/deactivate/", {}, 200)
        assert (shown["active"], shown["inactive_reason"]) == (False, "deactivated")
        assert shown["inactive_since"] is not None
    assert shown == api.get(f"/devices/{device['id']}/")
    assert _reached(api, device) == set()
    for _ in range(2):
        shown = api.post(f"/devices/{device['id']}/activate/", {}, 200)
        assert (shown["active"], shown["inactive_reason"], shown["inactive_since"]) == (True, None, None)
    assert _reached(api, device) == {device["id"]}


def test_deleted_device_comes_back_when_it_is_activated(api: Api) -> None:
    token = fresh("token")
    device = api.register(token=token)
    assert api.call("DELETE", f"/devices/{device['id']}/").status_code == 204
    problem_of(api.call("POST", f"/devices/{device['id']}/deactivate/"), 404)
    problem_of(api.call("POST", "/devices/lookup/", json={"token": token}), 404)
    assert api.post(f"/devices/{device['id']}/activate/", {}, 200)["active"]
    assert _reached(api, device) == {device["id"]}
    assert api.post("/devices/lookup/", {"token": token}, 200)["id"] == device["id"]


def test_erased_device_is_gone_and_its_target_registers_anew(api: Api, deps: Deps, tenant: Tenant) -> None:
    token, username = fresh("token"), fresh("person")
    device = api.register(token=token, username=username, device_id="install-1")
    for _ in range(2):
        assert api.post(f"/devices/{device['id']}/erase/", {}, 204) is None
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "activate/"), ("POST", "deactivate/")):
        problem_of(api.call(method, f"/devices/{device['id']}/{path}", json={}), 404)
    again = api.register(token=token, username=username, device_id="install-1")
    assert again["id"] != device["id"]
    told = [row.entry.action for row in deps.audit.list(tenant.id, AuditFilter(resource_id=device["id"]), 10, None).items]
    assert told == ["device.erased", "device.registered"]


@pytest.mark.parametrize("action", ACTIONS)
def test_unknown_device_and_another_tenants_answer_the_same(api: Api, stranger: Api, action: str) -> None:
    device = api.register()
    foreign = problem_of(stranger.call("POST", f"/devices/{device['id']}/{action}/"), 404)
    unknown = problem_of(stranger.call("POST", f"/devices/no-such-device/{action}/"), 404)
    assert {**foreign, "request_id": ""} == {**unknown, "request_id": ""}
    assert api.get(f"/devices/{device['id']}/")["active"]


@pytest.mark.parametrize("kind", ["token", "fid"])
def test_device_is_looked_up_by_its_target(api: Api, stranger: Api, kind: str) -> None:
    target = fresh_target(kind)
    device = api.register(**{kind: target})
    assert api.post("/devices/lookup/", {kind: target}, 200)["id"] == device["id"]
    problem_of(stranger.call("POST", "/devices/lookup/", json={kind: target}), 404)
    problem_of(api.call("POST", "/devices/lookup/", json={kind: f"{target}x"}), 404)


@pytest.mark.parametrize("body", [{}, {"token": "a", "fid": "b"}])
def test_lookup_wants_one_target(api: Api, body: dict[str, str]) -> None:
    assert fields_of(problem_of(api.call("POST", "/devices/lookup/", json=body), 400)) == {"body"}


def test_inactive_devices_are_deleted_once_they_were_so_for_long(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    live, *others = [api.register() for _ in range(3)]
    for device in others:
        api.post(f"/devices/{device['id']}/deactivate/", {}, 200)
    assert api.post("/devices/delete-inactive/", {"older_than_days": 1}, 200) == {"removed": 0, "more": False}
    assert api.post("/devices/delete-inactive/", {}, 200) == {"removed": 2, "more": False}
    assert api.post("/devices/delete-inactive/", {"older_than_days": 0}, 200) == {"removed": 0, "more": False}
    assert [device["id"] for device in api.get("/devices/")["items"]] == [live["id"]]
    assert api.post(f"/devices/{others[0]['id']}/activate/", {}, 200)["active"]


@pytest.mark.parametrize("days", [-1, 3_651, "1", 1.5, None])
def test_days_are_a_number_within_ten_years(api: Api, days: object) -> None:
    assert fields_of(problem_of(api.call("POST", "/devices/delete-inactive/", json={"older_than_days": days}), 400)) == {"older_than_days"}


# What is checked at registration


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({"fid": "f" * 21}, "fid"),
        ({"fid": "g" * 22}, "fid"),
        ({"fid": "cMEP0vJqS0:APA91bHqXyz"}, "fid"),
        ({"token": "0f" * 32}, "token"),
        ({"token": "https://fcm.googleapis.com/fcm/send/abc"}, "token"),
    ],
)
def test_target_of_a_wrong_kind_is_refused_by_its_shape(api: Api, target: dict[str, str], field: str) -> None:
    body = {**target, "username": fresh("person")}
    assert fields_of(problem_of(api.call("POST", "/devices/", json=body), 400)) == {field}
    (item,) = api.post("/devices/bulk/", {"devices": [body]}, 200)["items"]
    assert item["error"].startswith(f"{field}: ")
    device = api.register()
    assert fields_of(problem_of(api.call("PUT", f"/devices/{device['id']}/", json=target), 400)) == {field}


@pytest.mark.parametrize("kind", ["token", "fid"])
def test_target_that_fcm_knows_is_registered_without_a_message(api: Api, fcm: Simulator, kind: str) -> None:
    target = fresh_target(kind)
    api.register(**{kind: target, "validate": True})
    assert fcm.record(target)["attempts"] == 0


@pytest.mark.parametrize("error", ["UNREGISTERED", "INVALID_ARGUMENT_TOKEN", "SENDER_ID_MISMATCH"])
def test_target_that_fcm_refuses_is_not_registered(api: Api, fcm: Simulator, error: str) -> None:
    token, username = fresh("token"), fresh("person")
    body = {"token": token, "username": username, "validate": True}
    with fcm.answering([token], error=error):
        problem = problem_of(api.call("POST", "/devices/", json=body), 400)
        (item,) = api.post("/devices/bulk/", {"devices": [body]}, 200)["items"]
    assert fields_of(problem) == {"token"}
    assert item["error"].startswith("token: ")
    assert token not in str(problem) + str(item)
    assert api.get("/profiles/", params={"username": username})["items"] == []
    assert api.register(token=token, username=username)["active"]


def test_registration_that_can_not_be_checked_asks_to_come_back(api: Api, fcm: Simulator) -> None:
    token = fresh("token")
    with fcm.answering([token], error="UNAVAILABLE"):
        response = api.call("POST", "/devices/", json={"token": token, "username": fresh("person"), "validate": True})
    assert problem_of(response, 503)["code"] == "unavailable"
    assert response.headers["Retry-After"] == "30"
    assert api.call("POST", "/devices/lookup/", json={"token": token}).status_code == 404
