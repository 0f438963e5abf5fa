"""Every route of `/profiles`, from outside."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.harness import Api, Tenant, deliveries, fields_of, fresh, problem_of, wait_for_status

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_profile_is_created_and_found_by_each_of_its_names(api: Api) -> None:
    body: dict[str, Any] = {
        "username": fresh("person"), "phone_number": "+255712345678", "external_id": fresh("crm"), "tags": ["staff"], "locale": "sw-TZ",
        "timezone": "Africa/Dar_es_Salaam",
    }  # fmt: skip
    profile = api.post("/profiles/", body, 201)
    assert {name: profile[name] for name in body} == body
    assert profile.keys() == {*body, "id", "created_at"}
    assert INSTANT.fullmatch(profile["created_at"])
    for name in ("username", "phone_number", "external_id"):
        assert api.get("/profiles/", params={name: body[name]})["items"] == [profile]


def test_profile_of_one_name_has_no_other(api: Api) -> None:
    profile = api.post("/profiles", {"external_id": fresh("crm")}, 201)
    assert (profile["username"], profile["phone_number"], profile["tags"], profile["locale"], profile["timezone"]) == (None, None, [], None, None)


@pytest.mark.parametrize("name", ["username", "phone_number", "external_id"])
def test_name_that_is_taken_is_a_conflict_and_nothing_is_stored(api: Api, name: str) -> None:
    value = {"username": fresh("person"), "phone_number": "+4930901821", "external_id": fresh("crm")}[name]
    first = api.post("/profiles/", {name: value}, 201)
    other = {"external_id": fresh("crm")} if name != "external_id" else {"username": fresh("person")}
    assert problem_of(api.call("POST", "/profiles/", json={name: value, **other}), 409)["code"] == "conflict"
    assert api.get("/profiles/", params=other)["items"] == []
    assert api.get("/profiles/", params={name: value})["items"] == [first]


def test_simultaneous_creations_of_one_username_make_one_profile(api: Api) -> None:
    username = fresh("person")
    clients = [api.fork() for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        statuses = sorted(pool.map(lambda client: client.call("POST", "/profiles/", json={"username": username}).status_code, clients))
    for client in clients:
        client.close()
    assert statuses == [201, *[409] * 9]
    assert len(api.get("/profiles/", params={"username": username})["items"]) == 1


def test_the_same_name_in_two_tenants_is_two_people(api: Api, stranger: Api) -> None:
    username = fresh("person")
    mine, theirs = (client.post("/profiles/", {"username": username}, 201)["id"] for client in (api, stranger))
    assert mine != theirs
    assert [profile["id"] for profile in stranger.get("/profiles/")["items"]] == [theirs]


def test_unknown_name_lists_nobody(api: Api) -> None:
    assert api.get("/profiles", params={"username": fresh("nobody")}) == {"items": [], "next_cursor": None}


def test_pages_continue_where_the_last_one_ended(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    ids = {api.post("/profiles/", {"username": f"person-{number}"}, 201)["id"] for number in range(5)}
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get("/profiles/", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        found += [profile["id"] for profile in page["items"]]
        cursor = page["next_cursor"]
    assert len(found) == 5
    assert set(found) == ids


def test_cursor_belongs_to_its_filter(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    for number in range(3):
        api.post("/profiles/", {"username": f"person-{number}"}, 201)
    cursor = api.get("/profiles/", params={"limit": 1})["next_cursor"]
    refused = problem_of(api.call("GET", "/profiles/", params={"cursor": cursor, "username": "person-1"}), 400)
    assert fields_of(refused) == {"cursor"}


def test_device_can_be_registered_for_a_profile_and_reached_by_its_id(api: Api) -> None:
    profile = api.post("/profiles/", {"username": fresh("person"), "phone_number": "+4930901822"}, 201)
    device = api.register(profile_id=profile["id"])
    for to in ({"profile_ids": [profile["id"]]}, {"usernames": [profile["username"]]}, {"phone_numbers": [profile["phone_number"]]}):
        notification_id = api.send(to)
        wait_for_status(api, notification_id)
        assert deliveries(api, notification_id).keys() == {device["id"]}


def test_another_tenants_profile_id_reaches_nobody(api: Api, stranger: Api) -> None:
    device = api.register()
    notification_id = stranger.send({"profile_ids": device["profile_ids"]})
    assert wait_for_status(stranger, notification_id)["counts"]["targeted"] == 0
