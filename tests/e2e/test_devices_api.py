"""Every route of `/devices`, from outside."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.device import InactiveReason
from fanfare.ports import Deps
from tests.e2e.harness import Api, Simulator, Tenant, deliveries, fields_of, fresh, fresh_target, problem_of, wait_for_status

DETAILS: dict[str, Any] = {
    "device_id": "install-1",
    "app_version": "3.4.1",
    "os_version": "15",
    "model": "Pixel 9",
    "locale": "sw-TZ",
    "timezone": "Africa/Dar_es_Salaam",
    "tags": ["beta"],
}
SHOWN = {
    "id", "target_kind", "target_hint", "platform", "profile_ids", "usernames", "username", *DETAILS, "topics", "active", "inactive_reason",
    "inactive_since", "last_seen_at", "created_at", "updated_at",
}  # fmt: skip


def listed(api: Api, **query: Any) -> list[str]:
    """The ids of every page of a list of devices."""
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get("/devices/", params={**query, **({"cursor": cursor} if cursor else {})})
        assert len(page["items"]) <= query.get("limit", 50)
        ids += [device["id"] for device in page["items"]]
        cursor = page["next_cursor"]
    return ids


def test_registered_device_is_shown_with_everything_but_its_target(api: Api) -> None:
    username, token = fresh("person"), f"{fresh('token')}:APA91bSecretTail"
    device = api.register(username=username, token=token, platform="ios", **DETAILS)
    assert device.keys() >= SHOWN
    assert token not in str(device)
    assert {name: device[name] for name in DETAILS} == DETAILS
    assert (device["target_kind"], device["target_hint"], device["platform"]) == ("token", "etTail", "ios")
    assert (device["usernames"], device["active"], device["inactive_reason"]) == ([username], True, None)
    shown = api.get(f"/devices/{device['id']}/")
    assert {**shown, "updated_at": None} == {**device, "updated_at": None}
    assert shown["updated_at"] >= device["created_at"][:19]


def test_platform_is_android_unless_said(api: Api) -> None:
    assert api.register()["platform"] == "android"


@pytest.mark.parametrize("kind", ["token", "fid"])
def test_registering_a_target_again_refreshes_the_same_device(api: Api, kind: str) -> None:
    username, target = fresh("person"), fresh_target(kind)
    first = api.register(**{kind: target}, username=username, app_version="3.0", tags=["beta"])
    again = api.register(expected=200, **{kind: target}, username=username, app_version="3.1")
    assert (again["id"], again["created_at"], again["target_kind"]) == (first["id"], first["created_at"], kind)
    assert (again["app_version"], again["tags"]) == ("3.1", ["beta"])
    assert again["last_seen_at"] >= first["last_seen_at"]
    assert listed(api, profile_id=first["profile_ids"][0]) == [first["id"]]


def test_value_that_was_a_token_and_comes_back_as_fid_is_the_same_device(api: Api) -> None:
    value = fresh_target("fid")
    device = api.register(token=value)
    assert api.register(expected=200, fid=value)["id"] == device["id"]
    assert api.get(f"/devices/{device['id']}/")["target_kind"] == "fid"


def test_phone_that_changes_hands_moves_to_its_new_owner(api: Api) -> None:
    token, before, after = fresh("token"), fresh("before"), fresh("after")
    first = api.register(token=token, username=before, device_id="install-1")
    moved = api.register(expected=200, token=token, username=after)
    assert (moved["id"], moved["usernames"], moved["device_id"]) == (first["id"], [after], None)
    assert listed(api, profile_id=first["profile_ids"][0]) == []


def test_shared_device_belongs_to_both(api: Api) -> None:
    token, one, two = fresh("token"), fresh("one"), fresh("two")
    device = api.register(token=token, username=one)
    shared = api.register(expected=200, token=token, username=two, shared=True)
    assert (shared["id"], shared["usernames"]) == (device["id"], [one, two])
    for profile_id in shared["profile_ids"]:
        assert listed(api, profile_id=profile_id) == [device["id"]]


def test_new_token_of_a_known_install_replaces_the_old_one(api: Api, fcm: Simulator) -> None:
    username, old, new = fresh("person"), fresh("old"), fresh("new")
    device = api.register(username=username, device_id="install-1", token=old)
    refreshed = api.register(expected=200, username=username, device_id="install-1", token=new)
    assert refreshed["id"] == device["id"]
    notification_id = api.send({"usernames": [username]})
    wait_for_status(api, notification_id)
    assert deliveries(api, notification_id).keys() == {device["id"]}
    assert fcm.record(old)["attempts"] == 0
    assert fcm.record(new)["accepted"] == 1
    other = api.register(username=fresh("other"), token=old)
    assert other["id"] != device["id"]


def test_install_that_takes_over_a_known_target_deactivates_the_device_that_had_it(api: Api) -> None:
    username, first_token, second_token = fresh("person"), fresh("token"), fresh("token")
    first = api.register(username=username, device_id="install-1", token=first_token)
    second = api.register(username=username, device_id="install-2", token=second_token)
    taken = api.register(expected=200, username=username, device_id="install-1", token=second_token)
    assert (taken["id"], taken["device_id"]) == (second["id"], "install-1")
    displaced = api.get(f"/devices/{first['id']}/")
    assert (displaced["active"], displaced["inactive_reason"], displaced["device_id"]) == (False, "replaced", None)


@pytest.mark.parametrize("owner", ["username", "phone_number"])
def test_unknown_owner_becomes_a_profile(api: Api, owner: str) -> None:
    name = {"username": fresh("person"), "phone_number": "+4930901820"}[owner]
    device = api.register(**{owner: name})
    (profile,) = api.get("/profiles/", params={owner: name})["items"]
    assert device["profile_ids"] == [profile["id"]]


def test_unknown_profile_id_is_refused(api: Api) -> None:
    body = {"token": fresh("token"), "profile_id": "nobody"}
    assert fields_of(problem_of(api.call("POST", "/devices/", json=body), 400)) == {"profile_id"}


def test_put_changes_what_is_given_and_leaves_the_rest(api: Api, fcm: Simulator) -> None:
    old, new, username = fresh("old"), fresh_target("fid"), fresh("person")
    device = api.register(token=old, username=username, **DETAILS)
    changed = api.put(f"/devices/{device['id']}/", {"fid": new, "app_version": "4.0", "platform": "web", "tags": []})
    shown = api.get(f"/devices/{device['id']}/")
    expected = {**DETAILS, "app_version": "4.0", "tags": [], "platform": "web", "target_kind": "fid", "usernames": [username]}
    assert {name: changed[name] for name in expected} == {name: shown[name] for name in expected} == expected
    wait_for_status(api, api.send({"device_ids": [device["id"]]}))
    assert fcm.record(old)["attempts"] == 0
    assert fcm.only_message(new)["fid"] == new


def test_put_moves_a_device_to_another_profile(api: Api) -> None:
    device = api.register(device_id="install-1")
    profile = api.post("/profiles/", {"username": fresh("owner")}, 201)
    moved = api.put(f"/devices/{device['id']}/", {"profile_id": profile["id"]})
    assert (moved["profile_ids"], moved["device_id"]) == ([profile["id"]], None)


def test_put_refuses_another_devices_target(api: Api) -> None:
    taken = fresh("token")
    api.register(token=taken)
    device = api.register()
    problem_of(api.call("PUT", f"/devices/{device['id']}/", json={"token": taken}), 409)
    assert api.get(f"/devices/{device['id']}/")["target_hint"] == device["target_hint"]


def test_deleted_device_is_hidden_everywhere_and_comes_back_by_registering(api: Api, tenant: Tenant, deps: Deps) -> None:
    token, username = fresh("token"), fresh("person")
    device = api.register(token=token, username=username)
    assert api.call("DELETE", f"/devices/{device['id']}/").status_code == 204
    problem_of(api.call("GET", f"/devices/{device['id']}/"), 404)
    problem_of(api.call("PUT", f"/devices/{device['id']}/", json={"model": "x"}), 404)
    assert listed(api, profile_id=device["profile_ids"][0]) == []
    (stored,) = deps.devices.get(tenant.id, [device["id"]])
    assert (stored.active, stored.inactive_reason, stored.target.value) == (False, InactiveReason.DELETED, token)
    assert api.register(expected=200, token=token, username=username)["id"] == device["id"]
    assert listed(api, profile_id=device["profile_ids"][0]) == [device["id"]]


def test_deleting_twice_is_deleting_once(api: Api) -> None:
    device = api.register()
    assert [api.call("DELETE", f"/devices/{device['id']}/").status_code for _ in range(2)] == [204, 204]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_device_and_another_tenants_device_answer_the_same(api: Api, stranger: Api, method: str) -> None:
    device = api.register()
    body = {"json": {"model": "x"}} if method == "PUT" else {}
    foreign = problem_of(stranger.call(method, f"/devices/{device['id']}/", **body), 404)
    unknown = problem_of(stranger.call(method, "/devices/no-such-device/", **body), 404)
    assert {**foreign, "request_id": ""} == {**unknown, "request_id": ""}
    assert api.get(f"/devices/{device['id']}/")["model"] is None


def test_the_same_token_in_two_tenants_is_two_devices(api: Api, stranger: Api) -> None:
    token = fresh("token")
    assert api.register(token=token)["id"] != stranger.register(token=token)["id"]


def test_lists_are_filtered(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    android = api.register(username="alice", device_id="install-1")
    ios = api.register(username="alice", platform="ios")
    other = api.register(username="bob", platform="ios", device_id="install-1")
    profile = android["profile_ids"][0]
    assert set(listed(api)) == {android["id"], ios["id"], other["id"]}
    assert set(listed(api, profile_id=profile)) == {android["id"], ios["id"]}
    assert set(listed(api, platform="ios")) == {ios["id"], other["id"]}
    assert set(listed(api, device_id="install-1")) == {android["id"], other["id"]}
    assert listed(api, profile_id=profile, platform="ios") == [ios["id"]]
    assert listed(api, active="false") == []
    assert len(listed(api, active="true")) == 3


def test_pages_continue_where_the_last_one_ended(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    ids = {api.register()["id"] for _ in range(7)}
    pages = listed(api, limit=3)
    assert len(pages) == 7
    assert set(pages) == ids


def test_cursor_of_another_query_is_refused(own_tenant: Tenant, api: Api) -> None:
    mine = own_tenant.api()
    for _ in range(3):
        mine.register()
        api.register()
    cursor = mine.get("/devices/", params={"limit": 1})["next_cursor"]
    foreign = api.get("/devices/", params={"limit": 1})["next_cursor"]
    for query in ({"cursor": cursor, "platform": "ios"}, {"cursor": foreign}, {"cursor": "nonsense"}, {"cursor": f"{cursor[:-2]}AA"}, {"cursor": ""}):
        assert fields_of(problem_of(mine.call("GET", "/devices/", params=query), 400)) == {"cursor"}
    assert fields_of(problem_of(mine.call("GET", "/profiles/", params={"cursor": cursor}), 400)) == {"cursor"}
    assert mine.get("/devices/", params={"limit": 1, "cursor": cursor})["items"]


def test_a_thousand_devices_are_registered_in_one_call_and_bad_ones_are_named(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    bad: dict[int, tuple[dict[str, Any], str]] = {
        3: ({"username": "alice"}, "token"),
        500: ({"token": "bulk-500", "username": "alice", "colour": "red"}, "colour"),
        998: ({"token": "bulk-998", "profile_id": "nobody"}, "profile_id"),
        999: ({"token": "bulk-999", "username": "alice", "tags": "beta"}, "tags"),
    }
    good = [{"token": f"bulk-{index}", "username": f"person-{index % 50}"} for index in range(1000)]
    items = api.post("/devices/bulk/", {"devices": [bad[index][0] if index in bad else good[index] for index in range(1000)]}, 200)["items"]
    assert [item["index"] for item in items] == list(range(1000))
    assert {item["index"] for item in items if "error" in item} == bad.keys()
    assert all(field in items[index]["error"] for index, (_, field) in bad.items())
    ids = [item["id"] for item in items if "id" in item]
    assert set(listed(api, limit=200)) == set(ids)
    again = api.post("/devices/bulk/", {"devices": good[:3]}, 200)["items"]
    assert [item["id"] for item in again] == ids[:3]


def test_one_target_twice_in_a_bulk_call_is_one_device(api: Api) -> None:
    token, username = fresh("token"), fresh("person")
    twice = [{"token": token, "username": username, "app_version": version} for version in ("1", "2")]
    first, second = api.post("/devices/bulk/", {"devices": twice}, 200)["items"]
    assert first["id"] == second["id"]
    assert api.get(f"/devices/{first['id']}/")["app_version"] == "2"


def test_slash_at_the_end_is_optional(api: Api) -> None:
    device = api.post("/devices", {"token": fresh("token"), "username": fresh("person")}, 201)
    assert api.get(f"/devices/{device['id']}")["id"] == api.get(f"/devices/{device['id']}/")["id"]
    assert api.put(f"/devices/{device['id']}", {"model": "x"})["model"] == "x"
    assert api.post("/devices/bulk", {"devices": [{"token": fresh("token"), "username": "a"}]}, 200)["items"][0]["id"]
    assert api.get("/devices")["items"]
    assert api.call("DELETE", f"/devices/{device['id']}").status_code == 204
