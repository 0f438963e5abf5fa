"""Every route of `/templates`, and requests that name a template, from outside."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fanfare.domain.client import Scope
from fanfare.domain.starter_templates import STARTERS
from local.stack import Stack
from tests.contract.stores.real import open_firestore
from tests.e2e.harness import Api, Simulator, Tenant, fields_of, fresh, problem_of, wait_for_status

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BODY = "Hello {{name}}, your order #{{order_id}} is {{status}}"
VARIABLES: dict[str, Any] = {"name": "John", "order_id": "1234", "status": "ready"}
TOLD = "Hello John, your order #1234 is ready"
FULL: dict[str, Any] = {
    "title": "Order {{order_id}}", "body": BODY, "data": {"order_id": "{{order_id}}"}, "image_url": "https://example.com/{{order_id}}.png",
    "deep_link": "app://orders/{{order_id}}", "actions": [{"id": "track", "title": "Track {{order_id}}"}], "channel": "orders", "sound": "default",
    "priority": "high", "silent": False, "ttl_seconds": 60, "defaults": {"name": "friend", "order_id": 1, "express": True}, "syntax": "double",
    "active": True,
}  # fmt: skip


def _create(api: Api, **fields: Any) -> Any:
    return api.post("/templates/", {"name": fresh("template"), "body": BODY, **fields}, 201)


def _only_body(fcm: Simulator, token: str) -> Any:
    return fcm.only_message(token)["notification"]["body"]


def _send(api: Api, token: str, expected: int = 202, **fields: Any) -> Any:
    return api.post("/notify/", {"to": {"targets": [{"token": token}]}, **fields}, expected)


def test_created_template_is_shown_as_it_was_said(api: Api) -> None:
    name = fresh("template")
    words = {"platforms": {"ios": {"sound": "chime.caf"}}, "locales": {"sw-TZ": {"title": "Agizo"}}}
    created = api.post("/templates/", {"name": name, **FULL, **words}, 201)
    assert {key: created[key] for key in FULL} == FULL
    assert created["platforms"] == {"ios": {"sound": "chime.caf"}}
    assert created["locales"] == {"sw-TZ": {"title": "Agizo"}}
    assert (created["name"], created["version"], created["defect"]) == (name, 1, None)
    assert created["created_by"] == api.headers["Client-ID"]
    assert INSTANT.fullmatch(created["created_at"])
    assert api.get(f"/templates/{name}") == created
    assert api.get("/templates/", params={"prefix": name})["items"] == [created]


def test_template_is_created_once_under_a_key(api: Api) -> None:
    body = {"name": fresh("template"), "body": BODY}
    key = {"Idempotency-Key": fresh("key")}
    first = api.post("/templates/", body, 201, headers=key)
    again = api.call("POST", "/templates/", json=body, headers=key)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first, "true")
    assert problem_of(api.call("POST", "/templates/", json=body), 409)["code"] == "conflict"


def test_change_is_a_version_and_the_earlier_one_is_shown(api: Api) -> None:
    first = _create(api)
    path = f"/templates/{first['name']}"
    second = api.put(path, {"body": "new", "active": False})
    assert (second["version"], second["body"], second["active"]) == (2, "new", False)
    assert api.get(path) == second
    assert api.get(path, params={"version": 1}) == first
    problem_of(api.call("GET", path, params={"version": 3}), 404)
    assert [template["version"] for template in api.get("/templates/", params={"prefix": first["name"], "active": "false"})["items"]] == [2]
    assert api.get("/templates/", params={"prefix": first["name"], "active": "true"})["items"] == []


def test_deleted_template_is_gone(api: Api) -> None:
    path = f"/templates/{_create(api)['name']}"
    assert api.call("DELETE", path).status_code == 204
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"body": "x"})):
        problem_of(api.call(method, path, json=body), 404)
    problem_of(api.call("POST", f"{path}/render", json={}), 404)


def test_another_tenants_template_does_not_exist(api: Api, stranger: Api) -> None:
    name = _create(api)["name"]
    problem_of(stranger.call("GET", f"/templates/{name}"), 404)
    problem_of(stranger.call("DELETE", f"/templates/{name}"), 404)
    assert {template["name"] for template in stranger.get("/templates/")["items"]} == STARTERS.keys()
    assert fields_of(_refused(stranger, template=name)) == {"template"}


def test_pages_are_in_the_order_of_names_and_a_cursor_belongs_to_its_query(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    for name in ("b", "a.1", "a.2", "c"):
        _create(api, name=name)
    first = api.get("/templates/", params={"limit": 5})
    assert [template["name"] for template in first["items"]] == ["a.1", "a.2", "b", "c", "call"]
    rest = api.get("/templates/", params={"limit": 5, "cursor": first["next_cursor"]})
    assert ([template["name"] for template in rest["items"]], rest["next_cursor"]) == (["default", "keepalive", "message"], None)
    assert fields_of(problem_of(api.call("GET", "/templates/", params={"cursor": first["next_cursor"], "prefix": "a"}), 400)) == {"cursor"}


def test_scopes_decide_who_may_read_and_write(tenant: Tenant, api: Api) -> None:
    name = _create(api)["name"]
    reader, sender = tenant.api(Scope.READ), tenant.api(Scope.SEND)
    assert reader.get(f"/templates/{name}")["name"] == name
    assert reader.post(f"/templates/{name}/render", {"variables": VARIABLES}, 200)["version"] == 1
    writes: list[tuple[str, str, Any]] = [
        ("POST", "/templates", {"name": "x", "body": "y"}),
        ("PUT", f"/templates/{name}", {"body": "y"}),
        ("DELETE", f"/templates/{name}", None),
    ]
    for method, path, body in writes:
        assert problem_of(reader.call(method, path, json=body), 403)["code"] == "forbidden"
    problem_of(sender.call("GET", f"/templates/{name}"), 403)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "a/b"}, {"name"}),
        ({"name": "__a__"}, {"name"}),
        ({"colour": "red"}, {"colour"}),
        ({"title": "x" * 256}, {"title"}),
        ({"body": "Hello {{name"}, {"body"}),
        ({"body": "{% for a in b %}{% endfor %}"}, {"body"}),
        ({"body": "{{ 'a' * 1000000000 }}"}, {"body"}),
        ({"body": "{{ " + "-" * 3_000 + "1 }}"}, {"body"}),
        ({"body": "{% if name %}"}, {"body"}),
        ({"body": "{name}", "syntax": "single", "title": "{{name}}"}, {"title"}),
        ({"body": "y" * 4_090}, {"body"}),
        ({"locales": {"sw": {"body": "y" * 4_090}}}, {"body"}),
        ({"platforms": {"ios": {"data": {"k": "y" * 4_090}}}}, {"data"}),
        ({"locales": {"not a tag": {"body": "x"}}}, {"locales.not a tag"}),
        ({"platforms": {"symbian": {"body": "x"}}}, {"platforms.symbian"}),
        ({"platforms": {"ios": {"ttl_seconds": 5}}}, {"platforms.ios.ttl_seconds"}),
        ({"defaults": {"a": None}}, None),
        ({"defaults": {"self": "x"}}, {"defaults"}),
        ({"defaults": {"a": "x" * 4_096}}, {"defaults"}),
        ({"data": {"__k__": "x"}}, {"data"}),
        ({"image_url": "ftp://example.com"}, {"image_url"}),
    ],
)
def test_template_that_could_never_be_sent_is_refused_by_its_field(api: Api, fields: dict[str, Any], wrong: set[str] | None) -> None:
    body = {"name": fresh("template"), "body": "x", **fields}
    refused = problem_of(api.call("POST", "/templates/", json=body), 400)
    assert refused["code"] == "invalid_request"
    assert wrong is None or fields_of(refused) == wrong


# What it says


def test_usage_example_of_the_plan_is_rendered_and_sent(api: Api, fcm: Simulator) -> None:
    name, token = _create(api)["name"], fresh("token")
    rendered = api.post(f"/templates/{name}/render/", {"variables": VARIABLES}, 200)
    assert {item["body"] for item in rendered["items"]} == {TOLD}
    wait_for_status(api, _send(api, token, template=name, variables=VARIABLES)["id"])
    assert _only_body(fcm, token) == TOLD


def test_fcmpys_syntax_is_rendered_and_sent(api: Api, fcm: Simulator) -> None:
    name = _create(api, title="New message from {caller}", body="{body}", syntax="single")["name"]
    token = fresh("token")
    wait_for_status(api, _send(api, token, template=name, variables={"caller": "+255700000000", "body": "{caller} {{x}}"})["id"])
    notification = fcm.only_message(token)["notification"]
    assert notification == {"title": "New message from +255700000000", "body": "{caller} {{x}}"}


def test_every_form_is_shown_with_its_size(api: Api) -> None:
    name = _create(api, **FULL, platforms={"ios": {"sound": "chime.caf"}}, locales={"sw": {"body": "Habari {{username}}"}})["name"]
    items = api.post(f"/templates/{name}/render", {"variables": {"status": "ready"}, "username": "alice"}, 200)["items"]
    assert [(item["platform"], item["locale"]) for item in items] == [(p, tag) for p in ("android", "ios", "web") for tag in (None, "sw")]
    assert [item["body"] for item in items] == ["Hello friend, your order #1 is ready", "Habari alice"] * 3
    assert {item["sound"] for item in items if item["platform"] == "ios"} == {"chime.caf"}
    assert all(0 < item["bytes"] < item["limit_bytes"] == 4_096 and item["errors"] == [] for item in items)
    one = api.post(f"/templates/{name}/render", {"variables": {"status": "x"}, "platform": "web", "locale": "sw-KE"}, 200)["items"]
    assert [(item["platform"], item["locale"], item["body"]) for item in one] == [("web", "sw", "Habari ")]


def test_people_are_told_in_their_language_and_by_their_name(api: Api, fcm: Simulator) -> None:
    name = _create(api, body="Hi {{username}}", locales={"sw": {"body": "Habari {{username}}"}}, platforms={"ios": {"title": "iOS"}})["name"]
    people = [(fresh("person"), fresh("token"), platform, locale) for platform, locale in (("android", None), ("ios", "sw-TZ"), ("web", "en"))]
    for username, token, platform, locale in people:
        api.register(username=username, token=token, platform=platform, **({"locale": locale} if locale else {}))
    wait_for_status(api, api.post("/notify/", {"to": {"usernames": [person[0] for person in people]}, "template": name}, 202)["id"])
    told = [fcm.only_message(token)["notification"] for _, token, _, _ in people]
    assert [message["body"] for message in told] == [f"Hi {people[0][0]}", f"Habari {people[1][0]}", f"Hi {people[2][0]}"]
    assert [message.get("title") for message in told] == [None, "iOS", None]


def test_requests_own_fields_win_and_texts_without_a_template_are_literal(api: Api, fcm: Simulator) -> None:
    name, worded, literal = _create(api, **FULL)["name"], fresh("token"), fresh("token")
    sent = _send(api, worded, template=name, variables={"status": "x"}, title="{{name}}", data={"more": "{{x}}"})
    wait_for_status(api, sent["id"])
    message = fcm.only_message(worded)
    assert (message["notification"]["title"], message["data"]["more"], message["data"]["order_id"]) == ("{{name}}", "{{x}}", "1")
    assert api.get(f"/notifications/{sent['id']}")["ttl_seconds"] == 60
    wait_for_status(api, _send(api, literal, title="{{name}} {name}")["id"])
    assert fcm.only_message(literal)["notification"]["title"] == "{{name}} {name}"


# What is refused


def _refused(api: Api, status: int = 400, **fields: Any) -> Any:
    return problem_of(api.call("POST", "/notify/", json={"to": {"targets": [{"token": fresh("token")}]}, **fields}), status)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"template": "no-such-template"}, {"template"}),
        ({"template": "no such"}, {"template"}),
        ({"title": "x", "variables": {"a": "b"}}, {"variables"}),
    ],
)
def test_request_without_a_usable_template_is_refused_by_its_field(api: Api, fields: dict[str, Any], wrong: set[str]) -> None:
    assert fields_of(_refused(api, **fields)) == wrong


@pytest.mark.parametrize(
    ("variables", "wrong"),
    [
        ({"name": "John"}, {"variables.order_id", "variables.status"}),
        ({**VARIABLES, "name": "x" * 4_096}, {"variables"}),
        ({**VARIABLES, "name": "x" * 4_000}, {"body"}),
        ({**VARIABLES, "name": ["x"]}, None),
        ({**VARIABLES, "name": {"a": "b"}}, None),
        ({**VARIABLES, "a b": "x"}, {"variables"}),
    ],
)
def test_variables_that_are_missing_or_too_big_are_refused_by_their_names(api: Api, variables: dict[str, Any], wrong: set[str] | None) -> None:
    refused = _refused(api, template=_create(api)["name"], variables=variables)
    assert all(field.startswith(("variables", "body")) for field in fields_of(refused))
    assert wrong is None or fields_of(refused) == wrong


def test_template_that_is_switched_off_is_refused(api: Api) -> None:
    name = _create(api, active=False)["name"]
    assert _refused(api, 409, template=name, variables=VARIABLES)["code"] == "template_inactive"
    assert api.post(f"/templates/{name}/render", {"variables": VARIABLES}, 200)["items"]


def test_template_that_was_broken_by_hand_is_refused_shown_and_mended(stack: Stack, tenant: Tenant, api: Api) -> None:
    name = _create(api)["name"]
    firestore = open_firestore(stack.firestore_host, stack.environment["GOOGLE_CLOUD_PROJECT"])
    document = firestore.collection("tenants").document(tenant.id).collection("templates").document(name)
    document.update({"body": "Hello {{name", "title": 5})
    assert _refused(api, 409, template=name, variables=VARIABLES)["code"] == "template_broken"
    shown = api.get(f"/templates/{name}")
    assert shown["defect"].startswith("title: must be a text")
    assert document.get().get("defect") == shown["defect"]
    problem_of(api.call("POST", f"/templates/{name}/render", json={"variables": VARIABLES}), 409)
    mended = api.put(f"/templates/{name}", {"body": BODY})
    assert (mended["defect"], mended["version"]) == (None, 2)
    assert _send(api, fresh("token"), template=name, variables=VARIABLES)["id"]
    firestore.close()
