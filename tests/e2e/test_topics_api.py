"""Every route of `/topics`, from outside: subscriptions here, and what FCM knows of them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from fanfare.domain.client import Scope
from fanfare.ports import Deps
from fanfare.services.settle_topics import settle_topics
from local.readiness import wait_until
from tests.e2e.harness import DELIVERY_SECONDS, Api, Cloud, Simulator, Tenant, fields_of, fresh, fresh_target, problem_of

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def _topic(api: Api, **fields: Any) -> str:
    return str(api.post("/topics/", {"name": fresh("topic"), **fields}, 201)["name"])


def _subscribe(api: Api, topic: str, **whom: list[str]) -> Any:
    return api.post(f"/topics/{quote(topic, safe='')}/subscribe/", whom, 200)


def _unsubscribe(api: Api, topic: str, **whom: list[str]) -> Any:
    return api.post(f"/topics/{quote(topic, safe='')}/unsubscribe/", whom, 200)


def _device(api: Api, **fields: Any) -> tuple[str, str]:
    """A new device's id and token."""
    token = fresh_target("token")
    return str(api.register(token=token, **fields)["id"]), token


def _eventually_knows(fcm: Simulator, tenant: Tenant, *known: tuple[str, str], about: set[str]) -> None:
    """Wait until FCM knows just this of these targets."""

    def told() -> set[tuple[str, str]]:
        return {(target, topic) for target, topic in fcm.subscriptions(tenant.project) if target in about}

    assert wait_until(lambda: told() == set(known), timeout_seconds=DELIVERY_SECONDS), told()


def test_created_topic_is_shown_as_it_was_said(api: Api) -> None:
    name = fresh("weather.%~_-")
    created = api.post("/topics/", {"name": name, "description": "Storms\nand floods"}, 201)
    assert created.keys() == {"name", "description", "subscriber_count", "created_at", "updated_at"}
    assert (created["name"], created["description"], created["subscriber_count"]) == (name, "Storms\nand floods", 0)
    assert INSTANT.fullmatch(created["created_at"])
    assert api.get(f"/topics/{quote(name, safe='')}") == created
    assert api.get("/topics/", params={"prefix": name})["items"] == [created]
    assert problem_of(api.call("POST", "/topics/", json={"name": name}), 409)["code"] == "conflict"


def test_topic_is_created_once_under_a_key(api: Api) -> None:
    body, key = {"name": fresh("topic")}, {"Idempotency-Key": fresh("key")}
    first = api.post("/topics/", body, 201, headers=key)
    again = api.call("POST", "/topics/", json=body, headers=key)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first, "true")


def test_devices_are_subscribed_and_unsubscribed_here_and_at_fcm(api: Api, tenant: Tenant, fcm: Simulator) -> None:
    topic = _topic(api)
    (one, first), (two, second) = _device(api), _device(api)
    assert _subscribe(api, topic, device_ids=[one, two]) == {"items": [], "changed": 2}
    assert {(first, topic), (second, topic)} <= fcm.subscriptions(tenant.project)
    shown = api.get(f"/devices/{one}")
    assert (shown["topics"], shown["unsynced_topics"], shown["topic_errors"]) == ([topic], [], [])
    assert [device["id"] for device in api.get("/devices/", params={"topic": topic})["items"]] == sorted([one, two])
    assert _subscribe(api, topic, device_ids=[one]) == {"items": [], "changed": 0}
    assert _unsubscribe(api, topic, device_ids=[one, two]) == {"items": [], "changed": 2}
    _eventually_knows(fcm, tenant, about={first, second})
    assert api.get(f"/devices/{one}")["topics"] == []


def test_active_subscribers_are_counted(api: Api) -> None:
    topic = _topic(api)
    (one, _), (two, _) = _device(api), _device(api)
    _subscribe(api, topic, device_ids=[one, two])
    api.post(f"/devices/{two}/deactivate", {}, 200)
    assert api.get(f"/topics/{topic}")["subscriber_count"] == 1


def test_refused_ones_are_told_by_their_place(api: Api, fcm: Simulator) -> None:
    topic = _topic(api)
    (one, _), (bad, token) = _device(api), _device(api)
    with fcm.answering([token], status=400, body={"error": {"code": 400, "status": "FAILED_PRECONDITION"}}):
        outcome = _subscribe(api, topic, device_ids=["nobody", one, bad])
    assert outcome == {
        "items": [{"index": 0, "error": "names no device"}, {"index": 2, "error": "FCM refused it: FAILED_PRECONDITION"}],
        "changed": 2,
    }
    assert api.get(f"/devices/{bad}")["topic_errors"] == [{"topic": topic, "error": "FAILED_PRECONDITION"}]
    assert _subscribe(api, topic, usernames=[fresh("nobody")]) == {"items": [{"index": 0, "error": "names no profile"}], "changed": 0}


def test_what_fcm_could_not_take_is_told_again(api: Api, tenant: Tenant, fcm: Simulator, deps: Deps) -> None:
    topic = _topic(api)
    device, token = _device(api)
    with fcm.answering([token], error="UNAVAILABLE"):
        assert _subscribe(api, topic, device_ids=[device]) == {"items": [], "changed": 1}
    assert api.get(f"/devices/{device}")["unsynced_topics"] == [topic]
    _eventually_knows(fcm, tenant, (token, topic), about={token})
    assert wait_until(lambda: api.get(f"/devices/{device}")["unsynced_topics"] == [], timeout_seconds=DELIVERY_SECONDS)
    assert (tenant.id, device) not in deps.subscriptions.find_unsynced(deps.clock.now(), 1_000)


def test_profile_is_subscribed_with_its_devices_and_those_it_registers_later(api: Api, tenant: Tenant, fcm: Simulator) -> None:
    topic, alice = _topic(api), fresh("alice")
    _, first = _device(api, username=alice)
    assert _subscribe(api, topic, usernames=[alice]) == {"items": [], "changed": 1}
    _, later = _device(api, username=alice)
    _eventually_knows(fcm, tenant, (first, topic), (later, topic), about={first, later})
    profile = api.get("/profiles/", params={"username": alice})["items"][0]
    assert profile["topics"] == [topic]
    assert _unsubscribe(api, topic, profile_ids=[profile["id"]]) == {"items": [], "changed": 1}
    _eventually_knows(fcm, tenant, about={first, later})


def test_device_with_a_new_token_is_resubscribed_and_a_deactivated_one_is_not_sent_to(api: Api, tenant: Tenant, fcm: Simulator) -> None:
    topic = _topic(api)
    device, token = _device(api)
    _subscribe(api, topic, device_ids=[device])
    renewed = fresh_target("token")
    api.put(f"/devices/{device}", {"token": renewed})
    _eventually_knows(fcm, tenant, (renewed, topic), about={renewed})
    api.post(f"/devices/{device}/deactivate", {}, 200)
    _eventually_knows(fcm, tenant, about={renewed})
    api.post(f"/devices/{device}/activate", {}, 200)
    _eventually_knows(fcm, tenant, (renewed, topic), about={renewed})
    assert api.call("POST", f"/devices/{device}/erase").status_code == 204
    _eventually_knows(fcm, tenant, about={renewed})
    assert token != renewed


def test_deleted_topic_is_gone_and_everybody_is_unsubscribed(api: Api, tenant: Tenant, fcm: Simulator) -> None:
    topic, alice = _topic(api), fresh("alice")
    device, token = _device(api, username=alice)
    _subscribe(api, topic, usernames=[alice])
    assert api.call("DELETE", f"/topics/{topic}").status_code == 204
    for method, path, body in (("GET", "", None), ("DELETE", "", None), ("POST", "/subscribe", {"device_ids": [device]})):
        problem_of(api.call(method, f"/topics/{topic}{path}", json=body), 404)
    assert api.get("/topics/", params={"prefix": topic})["items"] == []
    assert api.get(f"/devices/{device}")["topics"] == []
    assert api.get("/profiles/", params={"username": alice})["items"][0]["topics"] == []
    _eventually_knows(fcm, tenant, about={token})
    assert "being deleted" in problem_of(api.call("POST", "/topics/", json={"name": topic}), 409)["detail"]


def test_lost_tasks_cost_a_minute_at_the_most(own_tenant: Tenant, fcm: Simulator, cloud: Cloud, deps: Deps) -> None:
    api = own_tenant.api()
    topic, alice = _topic(api), fresh("alice")
    _subscribe(api, topic, profile_ids=[api.post("/profiles/", {"username": alice}, 201)["id"]])
    with cloud.refusing_tasks():
        device, token = _device(api, username=alice)
    assert api.get(f"/devices/{device}")["unsynced_topics"] == [topic]
    assert fcm.subscriptions(own_tenant.project) == set()

    def nudged() -> bool:
        settle_topics(deps, "e2e")
        return (token, topic) in fcm.subscriptions(own_tenant.project)

    assert wait_until(nudged, timeout_seconds=90)


def test_another_tenants_topics_and_devices_do_not_exist(api: Api, stranger: Api, fcm: Simulator, tenant: Tenant) -> None:
    topic = _topic(api)
    device, token = _device(api)
    problem_of(stranger.call("GET", f"/topics/{topic}"), 404)
    problem_of(stranger.call("POST", f"/topics/{topic}/subscribe", json={"device_ids": [device]}), 404)
    assert _subscribe(stranger, _topic(stranger), device_ids=[device]) == {"items": [{"index": 0, "error": "names no device"}], "changed": 0}
    assert (token, topic) not in fcm.subscriptions(tenant.project)


def test_pages_are_in_the_order_of_names_and_a_cursor_belongs_to_its_query(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    for name in ("b", "a.1", "a.2", "c"):
        _topic(api, name=name)
    first = api.get("/topics/", params={"limit": 3})
    assert [topic["name"] for topic in first["items"]] == ["a.1", "a.2", "b"]
    rest = api.get("/topics/", params={"limit": 3, "cursor": first["next_cursor"]})
    assert ([topic["name"] for topic in rest["items"]], rest["next_cursor"]) == (["c"], None)
    assert fields_of(problem_of(api.call("GET", "/topics/", params={"cursor": first["next_cursor"], "prefix": "a"}), 400)) == {"cursor"}


def test_scopes_decide_who_may_read_and_write(tenant: Tenant, api: Api) -> None:
    topic = _topic(api)
    reader, sender = tenant.api(Scope.READ), tenant.api(Scope.SEND)
    assert reader.get(f"/topics/{topic}")["name"] == topic
    assert topic in [each["name"] for each in reader.get("/topics/", params={"prefix": topic})["items"]]
    writes: list[tuple[str, str, Any]] = [
        ("POST", "/topics", {"name": "x"}),
        ("DELETE", f"/topics/{topic}", None),
        ("POST", f"/topics/{topic}/subscribe", {"device_ids": ["x"]}),
        ("POST", f"/topics/{topic}/unsubscribe", {"device_ids": ["x"]}),
    ]
    for method, path, body in writes:
        assert problem_of(reader.call(method, path, json=body), 403)["code"] == "forbidden"
    problem_of(sender.call("GET", f"/topics/{topic}"), 403)


def test_every_write_is_in_the_audit_log(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    topic = _topic(api)
    profile = api.post("/profiles/", {"username": fresh("alice")}, 201)["id"]
    device, _ = _device(api, profile_id=profile)
    _subscribe(api, topic, device_ids=[device])
    _subscribe(api, topic, profile_ids=[profile])
    _unsubscribe(api, topic, profile_ids=[profile])
    api.call("DELETE", f"/topics/{topic}")
    entries = api.get("/audit/", params={"limit": 200})["items"]
    told = {(entry["action"], tuple(entry["resource_ids"])) for entry in entries if entry["actor"]["id"] == api.headers["Client-ID"]}
    assert {
        ("topic.created", (topic,)), ("device.subscribed", (device,)), ("profile.subscribed", (profile,)), ("profile.unsubscribed", (profile,)),
        ("device.unsubscribed", (device,)), ("topic.deleted", (topic,)),
    } <= told  # fmt: skip


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"name"}),
        ({"name": ""}, {"name"}),
        ({"name": "a/b"}, {"name"}),
        ({"name": "/topics/news"}, {"name"}),
        ({"name": ".."}, {"name"}),
        ({"name": "__x__"}, {"name"}),
        ({"name": "x" * 901}, {"name"}),
        ({"name": "x", "description": "y" * 1_001}, {"description"}),
        ({"name": "x", "description": 7}, {"description"}),
        ({"name": "x", "subscriber_count": 7}, {"subscriber_count"}),
    ],
)
def test_wrong_field_of_a_topic_is_named(api: Api, body: dict[str, Any], wrong: set[str]) -> None:
    assert fields_of(problem_of(api.call("POST", "/topics/", json=body), 400)) == wrong


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"body"}),
        ({"device_ids": ["a"], "usernames": ["b"]}, {"body"}),
        ({"device_ids": []}, {"device_ids"}),
        ({"device_ids": ["x"] * 1_001}, {"device_ids"}),
        ({"usernames": ["x"] * 1_001}, {"usernames"}),
        ({"profile_ids": ["a/b"]}, {"profile_ids.0"}),
        ({"phone_numbers": ["+15550100"]}, {"phone_numbers"}),
    ],
)
def test_wrong_field_of_a_subscription_is_named(api: Api, body: dict[str, Any], wrong: set[str]) -> None:
    topic = _topic(api)
    for change in ("subscribe", "unsubscribe"):
        assert wrong <= fields_of(problem_of(api.call("POST", f"/topics/{topic}/{change}", json=body), 400))


def test_condition_with_six_topics_is_refused_by_name(api: Api) -> None:
    six = " || ".join(f"'t{number}' in topics" for number in range(6))
    problem = problem_of(api.call("POST", "/notify/", json={"to": {"condition": six}, "title": "Hello"}), 400)
    assert fields_of(problem) == {"to.condition"}
    assert "1 to 5 topics" in problem["detail"]
