"""`/notify` and `/notifications`, from outside: answers, idempotency, request ids, pages."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from fanfare.domain.client import Scope
from local.stack import Stack
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Simulator, Tenant, content_of, deliveries, fields_of, fresh, problem_of, wait_for_status

MESSAGE = {"title": "Hello", "data": {"screen": "home"}, "priority": "high"}


def test_answer_names_the_notification_and_where_to_look(api: Api, stack: Stack) -> None:
    api.register(username=(username := fresh("person")))
    response = api.call("POST", "/notify/", json={"to": {"usernames": [username]}, **MESSAGE})
    answer = content_of(response, 202)
    assert answer.keys() == {"id", "status"}
    assert answer["status"] == "queued"
    assert len(answer["id"]) <= 24
    assert response.headers["Location"] == f"/api/v1/notifications/{answer['id']}"
    found = requests.get(stack.urls["gateway"] + response.headers["Location"], headers=api.headers, timeout=TIMEOUT_SECONDS)
    assert content_of(found, 200)["id"] == answer["id"]


def test_notification_shows_the_request_and_what_became_of_it(api: Api) -> None:
    device = api.register()
    body = {"to": {"device_ids": [device["id"]]}, **MESSAGE}
    response = api.call("POST", "/notify/", json=body, headers={"X-Request-ID": "trace-1.a_b"})
    notification_id = content_of(response, 202)["id"]
    wait_for_status(api, notification_id)
    shown = api.get(f"/notifications/{notification_id}/")
    assert shown["request"] == body
    assert (shown["status"], shown["status_reason"], shown["errors"]) == ("completed", None, {})
    assert (shown["ttl_seconds"], shown["client_id"], shown["request_id"]) == (86_400, api.headers["Client-ID"], "trace-1.a_b")
    assert shown["created_at"] <= shown["started_at"] <= shown["completed_at"]
    assert shown["counts"] == {"targeted": 1, "sent": 1, "failed": 0, "retrying": 0, "unsent": 0, "delivered": 0, "read": 0}


def test_status_is_short(api: Api) -> None:
    notification_id = api.send({"topic": fresh("news")})
    status = wait_for_status(api, notification_id)
    assert status == api.get(f"/notifications/{notification_id}/status")
    assert status.keys() == {"id", "status", "status_reason", "counts"}


def test_deliveries_come_in_pages(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    bulk = [{"token": f"page-{number}", "username": "crowd"} for number in range(5)]
    ids = {item["id"] for item in api.post("/devices/bulk/", {"devices": bulk}, 200)["items"]}
    notification_id = api.send({"usernames": ["crowd"]})
    wait_for_status(api, notification_id)
    path = f"/notifications/{notification_id}/deliveries/"
    first = api.get(path, params={"limit": 3})
    second = api.get(path, params={"limit": 3, "cursor": first["next_cursor"]})
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (3, 2, None)
    assert {item["device_id"] for page in (first, second) for item in page["items"]} == ids
    other = api.send({"usernames": ["crowd"]})
    refused = api.call("GET", f"/notifications/{other}/deliveries/", params={"cursor": first["next_cursor"]})
    assert fields_of(problem_of(refused, 400)) == {"cursor"}


@pytest.mark.parametrize("path", ["", "status/", "deliveries/"])
def test_unknown_notification(api: Api, path: str) -> None:
    problem_of(api.call("GET", f"/notifications/{fresh('unknown')}/{path}"), 404)


def test_repeat_with_the_same_key_and_body_replays_the_first_answer(api: Api, fcm: Simulator) -> None:
    token, key = fresh("token"), {"Idempotency-Key": fresh("key")}
    body = {"to": {"targets": [{"token": token}]}, **MESSAGE}
    first = api.call("POST", "/notify/", json=body, headers=key)
    wait_for_status(api, content_of(first, 202)["id"])
    second = api.call("POST", "/notify/", json=body, headers=key)
    assert content_of(second, 202)["id"] == first.json()["id"]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert fcm.record(token)["accepted"] == 1


def test_same_key_with_another_body_is_a_conflict(api: Api, fcm: Simulator) -> None:
    token, key = fresh("token"), {"Idempotency-Key": fresh("key")}
    api.post("/notify/", {"to": {"topic": fresh("news")}, **MESSAGE}, 202, headers=key)
    refused = api.call("POST", "/notify/", json={"to": {"targets": [{"token": token}]}, **MESSAGE}, headers=key)
    assert problem_of(refused, 409)["code"] == "idempotency_mismatch"
    assert fcm.record(token)["attempts"] == 0


def test_key_belongs_to_its_client_and_route(tenant: Tenant, api: Api) -> None:
    key = {"Idempotency-Key": fresh("key")}
    body = {"to": {"topic": fresh("news")}, **MESSAGE}
    mine = api.post("/notify/", body, 202, headers=key)["id"]
    theirs = tenant.api(Scope.SEND).post("/notify/", body, 202, headers=key)["id"]
    assert mine != theirs
    profile = api.call("POST", "/profiles/", json={"username": fresh("person")}, headers=key)
    content_of(profile, 201)
    assert "Idempotent-Replayed" not in profile.headers


CREATING: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "/profiles/": ({"username": "idempotent"}, {"username": "another"}, 201),
    "/devices/": ({"token": "idempotent", "username": "idem-owner"}, {"token": "idempotent", "username": "another"}, 201),
    "/devices/bulk/": ({"devices": [{"token": "idem-bulk", "username": "a"}]}, {"devices": [{"token": "another", "username": "a"}]}, 200),
}


@pytest.mark.parametrize("path", CREATING)
def test_every_creating_route_replays(api: Api, path: str) -> None:
    body, other, status = CREATING[path]
    key = {"Idempotency-Key": fresh("key")}
    first = api.call("POST", path, json=body, headers=key)
    second = api.call("POST", path, json=body, headers=key)
    assert content_of(second, status) == content_of(first, status)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert problem_of(api.call("POST", path, json=other, headers=key), 409)["code"] == "idempotency_mismatch"


def test_key_of_a_refused_request_may_be_used_again(api: Api) -> None:
    key, taken = {"Idempotency-Key": fresh("key")}, fresh("person")
    api.post("/profiles/", {"username": taken}, 201)
    problem_of(api.call("POST", "/profiles/", json={"username": taken}, headers=key), 409)
    api.post("/profiles/", {"username": fresh("person")}, 201, headers=key)


@pytest.mark.parametrize("key", ["", "with space", "ключ".encode(), "x" * 256])
def test_key_of_no_usable_form_is_refused(api: Api, key: str | bytes) -> None:
    for path, body in (("/notify/", {"to": {"topic": "news"}, **MESSAGE}), ("/profiles/", {"username": fresh("person")})):
        refused = api.call("POST", path, json=body, headers={"Idempotency-Key": key})
        assert fields_of(problem_of(refused, 400)) == {"Idempotency-Key"}


def test_twenty_simultaneous_requests_with_one_key_make_one_notification(api: Api, fcm: Simulator) -> None:
    token, key = fresh("token"), {"Idempotency-Key": fresh("key")}
    body = {"to": {"targets": [{"token": token}]}, **MESSAGE}
    clients = [api.fork() for _ in range(20)]
    start = threading.Barrier(20)

    def ask(client: Api) -> requests.Response:
        start.wait()
        return client.call("POST", "/notify/", json=body, headers=key)

    with ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(ask, clients))
    for client in clients:
        client.close()
    ids = {content_of(response, 202)["id"] for response in responses}
    assert len(ids) == 1
    assert Counter("Idempotent-Replayed" in response.headers for response in responses) == {True: 19, False: 1}
    wait_for_status(api, ids.pop())
    assert fcm.record(token)["attempts"] == 1


def test_without_a_key_each_request_is_a_message(api: Api) -> None:
    body = {"to": {"topic": fresh("news")}, **MESSAGE}
    assert len({api.post("/notify/", body, 202)["id"] for _ in range(3)}) == 3


ANSWERS = {"/devices/": 200, "/devices/unknown/": 404, "/no-such-route/": 404, "/health/": 200}


@pytest.mark.parametrize("path", ANSWERS)
def test_request_id_is_kept_where_its_form_is_harmless(api: Api, path: str) -> None:
    for given in ("abc-1.2_X", "x" * 64):
        response = api.call("GET", path, headers={"X-Request-ID": given})
        assert (response.status_code, response.headers["X-Request-ID"]) == (ANSWERS[path], given)


@pytest.mark.parametrize("path", ANSWERS)
def test_request_id_is_replaced_where_its_form_is_not(api: Api, path: str) -> None:
    seen = [api.call("GET", path, headers={"X-Request-ID": given}).headers["X-Request-ID"] for given in ("x" * 65, "with space", "")]
    assert len(set(seen)) == 3
    assert all(len(request_id) == 22 for request_id in seen)


def test_five_hundred_recipients_are_one_chunk(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    notification_id = api.send({"targets": [{"token": f"many-{number}"} for number in range(500)]})
    status = wait_for_status(api, notification_id)
    assert (status["counts"]["targeted"], status["counts"]["sent"]) == (500, 500)
    found = deliveries(api, notification_id)
    assert len({item["fcm_message_id"] for item in found.values()}) == 500


def test_health_tells_every_component_and_live_tells_nothing_else(api: Api, stack: Stack) -> None:
    with Api(stack.urls["gateway"]) as anybody:
        assert anybody.get("/health/live/") == {"status": "ok"}
        health = anybody.get("/health/")
        problem_of(anybody.call("GET", "/health/ready/"), 401)
    assert health.keys() == {"status", "components"}
    assert health["components"].keys() == {"firestore", "tasks", "secrets", "fcm"}
    ready = api.get("/health/ready")
    assert ready["held"] == []
    assert ready["components"].keys() == health["components"].keys()
