"""Every route of `/profiles`, from outside."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fanfare.domain.client import Scope
from tests.e2e.harness import Api, Tenant, deliveries, fields_of, fresh, problem_of, wait_for_status

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_profile_is_created_and_found_by_each_of_its_names(api: Api) -> None:
    body: dict[str, Any] = {
        "username": fresh("person"), "phone_number": "+255712345678", "external_id": fresh("crm"), "tags": ["staff"], "locale": "sw-TZ",
        "timezone": "Africa/Dar_es_Salaam",
    }  # fmt: skip
    profile = api.post("/profiles/", body, 201)
    assert {name: profile[name] for name in body} == body
    assert profile.keys() == {*body, "id", "topics", "created_at", "deleted_at"}
    assert INSTANT.fullmatch(profile["created_at"])
    assert api.get(f"/profiles/{profile['id']}/") == profile
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


def reached(api: Api, to: dict[str, Any]) -> set[str]:
    """The devices that a message to these people goes to."""
    notification_id = api.send(to)
    wait_for_status(api, notification_id)
    return set(deliveries(api, notification_id))


def test_lists_are_narrowed_by_tags_and_show_the_deleted_only_if_asked(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    a, b, c = (
        api.post("/profiles", {"username": name, "tags": tags}, 201)["id"] for name, tags in (("a", ["x"]), ("b", ["x", "y"]), ("c", ["x", "y"]))
    )
    api.call("DELETE", f"/profiles/{c}/").raise_for_status()

    def listed(**query: Any) -> set[str]:
        return {profile["id"] for profile in api.get("/profiles/", params=query)["items"]}

    assert (listed(), listed(tags="x"), listed(tags=["x", "y"]), listed(tags="z")) == ({a, b}, {a, b}, {b}, set())
    assert (listed(deleted="true"), listed(deleted="true", tags=["y", "x"]), listed(username="c")) == ({c}, {c}, set())


def test_what_is_given_is_changed_and_null_takes_away(api: Api) -> None:
    made = api.post("/profiles", {"username": fresh("person"), "external_id": fresh("crm"), "locale": "de", "tags": ["a"]}, 201)
    changed = api.put(f"/profiles/{made['id']}/", {"locale": None, "timezone": "UTC", "external_id": None})
    assert changed == {**made, "locale": None, "timezone": "UTC", "external_id": None}
    assert api.get(f"/profiles/{made['id']}") == changed
    assert api.put(f"/profiles/{made['id']}", {}) == changed


def test_renamed_person_is_reached_by_the_new_name_alone(api: Api) -> None:
    old, new = fresh("person"), fresh("person")
    devices = {api.register(username=old)["id"] for _ in range(3)}
    (profile,) = api.get("/profiles/", params={"username": old})["items"]
    assert api.put(f"/profiles/{profile['id']}/", {"username": new})["username"] == new
    assert reached(api, {"usernames": [new]}) == devices
    assert reached(api, {"usernames": [old]}) == set()
    successor = api.post("/profiles", {"username": old}, 201)
    assert successor["id"] != profile["id"]
    assert api.get(f"/devices/{min(devices)}/")["username"] == new


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"username": None}, 400, "username"),
        ({"tags": None}, 400, "tags"),
        ({"colour": "red"}, 400, "colour"),
        ({"phone_number": "123"}, 400, "phone_number"),
        ({"id": "x"}, 400, "id"),
    ],
)
def test_bad_change_names_its_field_and_changes_nothing(api: Api, body: dict[str, Any], status: int, field: str) -> None:
    profile = api.post("/profiles", {"username": fresh("person")}, 201)
    assert fields_of(problem_of(api.call("PUT", f"/profiles/{profile['id']}/", json=body), status)) == {field}
    assert api.get(f"/profiles/{profile['id']}") == profile


def test_simultaneous_renames_to_one_name_have_one_winner(api: Api) -> None:
    wanted = fresh("wanted")
    people = [api.post("/profiles", {"username": fresh("person")}, 201)["id"] for _ in range(6)]
    clients = [api.fork() for _ in people]
    with ThreadPoolExecutor(len(people)) as pool:
        calls = [
            pool.submit(client.call, "PUT", f"/profiles/{person}", json={"username": wanted}) for client, person in zip(clients, people, strict=True)
        ]
        statuses = [call.result().status_code for call in calls]
    for client in clients:
        client.close()
    assert sorted(statuses) == [200, *[409] * 5]
    (holder,) = api.get("/profiles/", params={"username": wanted})["items"]
    assert holder["id"] == people[statuses.index(200)]


def test_deleted_person_receives_nothing_until_it_is_restored(api: Api) -> None:
    username, other = fresh("person"), fresh("other")
    own, shared = api.register(username=username), api.register(username=username)
    api.register(200, username=other, token=_token_of(api, shared), shared=True)
    (profile,) = api.get("/profiles/", params={"username": username})["items"]
    place = f"/profiles/{profile['id']}"
    for _ in range(2):
        assert api.call("DELETE", f"{place}/").status_code == 204
    deleted = api.get(place)
    assert {**deleted, "deleted_at": None} == profile
    assert INSTANT.fullmatch(deleted["deleted_at"])
    assert (
        reached(api, {"usernames": [username]})
        == reached(api, {"profile_ids": [profile["id"]]})
        == reached(api, {"device_ids": [own["id"]]})
        == set()
    )
    assert reached(api, {"usernames": [other]}) == {shared["id"]}
    assert (api.get(f"/devices/{own['id']}")["active"], api.get(f"/devices/{own['id']}")["inactive_reason"]) == (False, "profile_deleted")
    assert problem_of(api.call("POST", "/devices/", json={"token": fresh("token"), "username": username}), 409)["code"] == "conflict"
    problem_of(api.call("PUT", place, json={"locale": "de"}), 409)
    problem_of(api.call("POST", "/profiles", json={"username": username}), 409)
    assert api.post(f"{place}/restore/", {}, 200) == profile
    assert reached(api, {"usernames": [username]}) == {own["id"], shared["id"]}


def test_erased_person_is_gone_for_good_and_others_keep_what_they_share(api: Api) -> None:
    username, other, crm = fresh("person"), fresh("other"), fresh("crm")
    profile = api.post("/profiles", {"username": username, "external_id": crm}, 201)
    own, shared = api.register(username=username), api.register(username=username)
    api.register(200, username=other, token=_token_of(api, shared), shared=True)
    notification_id = api.send({"usernames": [username, other]})
    wait_for_status(api, notification_id)
    assert api.call("POST", f"/profiles/{profile['id']}/erase/").status_code == 204
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/restore"), ("GET", "/export")):
        problem_of(api.call(method, f"/profiles/{profile['id']}{path}", json={} if method in {"PUT", "POST"} else None), 404)
    problem_of(api.call("GET", f"/devices/{own['id']}"), 404)
    assert api.get(f"/devices/{shared['id']}")["usernames"] == [other]
    assert username not in str(api.get(f"/notifications/{notification_id}"))
    assert other in str(api.get(f"/notifications/{notification_id}"))
    assert api.get("/notifications/", params={"username": username})["items"] == []
    assert api.post("/profiles", {"username": username, "external_id": crm}, 201)["id"] != profile["id"]
    assert api.call("POST", f"/profiles/{profile['id']}/erase").status_code == 204


def test_export_holds_everything_about_a_person_and_says_so_in_the_audit_log(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    username = fresh("person")
    devices = {api.register(username=username)["id"] for _ in range(2)}
    (profile,) = api.get("/profiles/", params={"username": username})["items"]
    sent = {api.send({"usernames": [username]}), api.send({"profile_ids": [profile["id"]]})}
    for notification_id in sent:
        wait_for_status(api, notification_id)
    api.put(f"/profiles/{profile['id']}", {"locale": "sw"})
    pages, cursor = [], ""
    while cursor is not None:
        pages.append(api.get(f"/profiles/{profile['id']}/export/", params={"limit": 1, **({"cursor": cursor} if cursor else {})}))
        cursor = pages[-1]["next_cursor"]
    assert {device["id"] for page in pages for device in page["devices"]} == devices
    found = {addressed["notification"]["id"]: addressed["deliveries"] for page in pages for addressed in page["notifications"]}
    assert found.keys() == sent
    assert all({delivery["device_id"] for delivery in made} == devices for made in found.values())
    assert {"profile.created", "profile.updated", "profile.exported"} <= {entry["action"] for page in pages for entry in page["audit"]}
    exports = api.get("/audit/", params={"resource": "profile", "resource_id": profile["id"]})["items"]
    assert [entry["action"] for entry in exports].count("profile.exported") == 1
    assert username not in str(exports)


def test_export_names_nobody_else_who_was_addressed(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    person, other = fresh("person"), fresh("other")
    api.register(username=person)
    api.register(username=other)
    wait_for_status(api, api.send({"usernames": [person, other]}))
    (profile,) = api.get("/profiles/", params={"username": person})["items"]
    pages, cursor = [], ""
    while cursor is not None:
        pages.append(api.get(f"/profiles/{profile['id']}/export/", params={"cursor": cursor} if cursor else {}))
        cursor = pages[-1]["next_cursor"]
    assert [page["notifications"] for page in pages if page["notifications"]]
    assert other not in str(pages)


def test_another_tenants_profile_is_not_there(api: Api, stranger: Api) -> None:
    profile = api.post("/profiles", {"username": fresh("person")}, 201)
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/restore"), ("POST", "/erase"), ("GET", "/export")):
        body = {"locale": "de"} if method in {"PUT", "POST"} else None
        problem_of(stranger.call(method, f"/profiles/{profile['id']}{path}/", json=body), 404)
    assert api.get(f"/profiles/{profile['id']}") == profile


def test_export_takes_an_administrator(own_tenant: Tenant) -> None:
    profile = own_tenant.api().post("/profiles", {"username": fresh("person")}, 201)
    clerk = own_tenant.api(Scope.DEVICES, Scope.READ)
    assert clerk.get(f"/profiles/{profile['id']}") == profile
    problem_of(clerk.call("GET", f"/profiles/{profile['id']}/export/"), 403)


def _token_of(api: Api, device: dict[str, Any]) -> str:
    """Give a device a token that the test knows, for the phone to be registered under another name."""
    token = fresh("token")
    api.put(f"/devices/{device['id']}/", {"token": token})
    return token
