"""`/notify` and `/notifications`, from outside: answers, idempotency, request ids, pages."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from fanfare.domain.client import Scope
from local.readiness import wait_until
from local.stack import Stack
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, content_of, deliveries, fields_of, fresh, problem_of, wait_for_status

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
    "/notify/bulk/": ({"to": {"usernames": ["nobody"]}, "title": "Hello"}, {"to": {"usernames": ["nobody"]}, "title": "Bye"}, 202),
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
    assert health["components"].keys() == {"firestore", "tasks", "secrets", "fcm", "scheduler"}
    ready = api.get("/health/ready")
    assert ready["held"] == []
    assert ready["components"].keys() == health["components"].keys()


# Lists, many at once, one device's trace


def _listed(api: Api, **params: Any) -> list[str]:
    return [item["id"] for item in api.get("/notifications/", params=params)["items"]]


def test_notifications_are_listed_the_newest_first_page_by_page_whatever_comes_in(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    sent = [api.send({"topic": "news"}) for _ in range(5)]
    first = api.get("/notifications/", params={"limit": 2})
    api.send({"topic": "late"})
    second = api.get("/notifications/", params={"limit": 2, "cursor": first["next_cursor"]})
    third = api.get("/notifications/", params={"limit": 2, "cursor": second["next_cursor"]})
    assert [item["id"] for page in (first, second, third) for item in page["items"]] == sent[::-1]
    assert third["next_cursor"] is None
    wait_for_status(api, sent[-1])
    assert api.get("/notifications/", params={"topic": "news"})["items"][0] == api.get(f"/notifications/{sent[-1]}/")
    refused = api.call("GET", "/notifications/", params={"cursor": first["next_cursor"], "topic": "news"})
    assert fields_of(problem_of(refused, 400)) == {"cursor"}


def test_notifications_are_found_by_each_filter(own_tenant: Tenant) -> None:
    api, other = own_tenant.api(), own_tenant.api(Scope.SEND, Scope.READ)
    alice, bob = api.register(username="alice"), api.register(username="bob")
    to_alice = api.send({"usernames": ["alice", "nobody"]})
    to_bob = api.send({"profile_ids": [bob["profile_ids"][0]]})
    to_topic = other.send({"topic": "news"})
    for notification_id in (to_alice, to_bob, to_topic):
        wait_for_status(api, notification_id)
    instant = api.get(f"/notifications/{to_bob}/")["created_at"]
    assert alice["id"] != bob["id"]
    assert _listed(api, username="alice") == [to_alice]
    assert _listed(api, profile_id=bob["profile_ids"][0]) == [to_bob]
    assert _listed(api, topic="news") == [to_topic]
    assert _listed(api, client_id=other.headers["Client-ID"], status="completed") == [to_topic]
    assert _listed(api, status="cancelled") == []
    assert _listed(api, created_before=instant, username="alice") == [to_alice]
    assert set(_listed(api, created_after=instant)) >= {to_topic}
    for name in ("template", "type", "caller", "schedule_id"):
        assert _listed(api, **{name: "unknown"}) == []


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"username": "alice", "status": "queued"}, "username"),
        ({"profile_id": "p", "username": "alice"}, "username"),
        ({"status": "gone"}, "status"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": "2026-11-24T08:00:00"}, "created_after"),
        ({"created_before": "1700000000"}, "created_before"),
        ({"created_before": "0001-01-01T00:00:00+14:00"}, "created_before"),
        ({"limit": 201}, "limit"),
        ({"unknown": "x"}, "unknown"),
    ],
)
def test_filter_that_is_wrong_is_named(api: Api, params: dict[str, Any], field: str) -> None:
    assert fields_of(problem_of(api.call("GET", "/notifications/", params=params), 400)) == {field}


def test_states_of_many_come_once_in_order_and_strangers_are_missing(api: Api, stranger: Api) -> None:
    mine, theirs = api.send({"topic": fresh("news")}), stranger.send({"topic": "news"})
    state = wait_for_status(api, mine)
    other = wait_for_status(api, api.send({"topic": fresh("news")}))
    answer = api.post("/notifications/status/", {"ids": [other["id"], theirs, mine, "unknown", mine, theirs]}, 200)
    assert answer == {"items": [other, state], "missing": [theirs, "unknown"]}
    for ids in ([], ["x"] * 101, "x"):
        assert fields_of(problem_of(api.call("POST", "/notifications/status/", json={"ids": ids}), 400)) == {"ids"}


def test_trace_of_one_device_tells_its_whole_way(api: Api, fcm: Simulator, stranger: Api) -> None:
    token, person = fresh("token"), fresh("person")
    dead, whole = api.register(token=token, username=person), api.register(username=person)
    with fcm.answering([token], error="UNREGISTERED"):
        notification_id = api.send({"usernames": [person]})
        wait_for_status(api, notification_id)
    trace = api.get(f"/notifications/{notification_id}/devices/{dead['id']}/")
    assert (trace["outcome"], trace["error_code"], trace["http_status"], trace["attempts"]) == ("failed", "UNREGISTERED", 404, 1)
    assert (trace["retired"]["code"], trace["username"], trace["replayable"]) == ("UNREGISTERED", person, False)
    assert (trace["chunk"]["number"], trace["chunk"]["state"], trace["chunk"]["attempts"]) == (0, "done", 1)
    assert trace["accepted_at"] <= trace["chunk"]["started_at"] <= trace["retired"]["at"] <= trace["chunk"]["completed_at"]
    assert token not in str(trace)
    sent = api.get(f"/notifications/{notification_id}/devices/{whole['id']}/")
    assert (sent["outcome"], sent["retired"], sent["delivered_at"], sent["read_at"]) == ("sent", None, None, None)
    assert sent["fcm_message_id"]
    other = api.register()
    for caller, device in ((api, other["id"]), (api, "unknown"), (stranger, whole["id"])):
        problem_of(caller.call("GET", f"/notifications/{notification_id}/devices/{device}/"), 404)


# Cancel, pause, resume, retry


def _queued(api: Api, cloud: Cloud) -> str:
    """A notification whose task was never created, so that nothing is sent before the test goes on."""
    with cloud.refusing_tasks():
        notification_id: str = api.send({"targets": [{"token": fresh("token")}]})
    return notification_id


def _steer(api: Api, notification_id: str, what: str) -> Any:
    return content_of(api.call("POST", f"/notifications/{notification_id}/{what}/"), 200)


def test_cancelled_notification_is_never_sent_and_repeats_change_nothing(api: Api, cloud: Cloud) -> None:
    notification_id = _queued(api, cloud)
    cancelled = _steer(api, notification_id, "cancel")
    assert (cancelled["status"], cancelled["status_reason"]) == ("cancelled", "by_caller")
    assert (cancelled["counts"]["targeted"], cancelled["counts"]["sent"], cancelled["counts"]["unsent"]) == (1, 0, 1)
    assert _steer(api, notification_id, "cancel") == cancelled
    for what in ("pause", "resume", "retry"):
        problem_of(api.call("POST", f"/notifications/{notification_id}/{what}/"), 409)


def test_pass_under_way_stops_within_its_chunk_and_tells_exactly_who_was_sent_to(own_tenant: Tenant, fcm: Simulator) -> None:
    api, tokens = own_tenant.api(), [fresh("slow") for _ in range(500)]
    with fcm.answering(tokens, delay_seconds=1.0):
        notification_id = api.send({"targets": [{"token": token} for token in tokens]})
        assert wait_until(lambda: api.get(f"/notifications/{notification_id}/status/")["counts"]["sent"] > 0, timeout_seconds=20)
        told = _steer(api, notification_id, "cancel")
        assert (told["status"], told["status_reason"]) == ("sending", "cancelling")
        assert _steer(api, notification_id, "cancel")["status"] in {"sending", "cancelled"}
        counts = wait_for_status(api, notification_id, "cancelled")["counts"]
    assert 0 < counts["sent"] < 500
    assert (counts["sent"] + counts["unsent"], counts["failed"], counts["retrying"]) == (500, 0, 0)
    assert sum(fcm.record(token)["attempts"] for token in tokens) == counts["sent"]


def test_paused_notification_waits_until_it_is_resumed(api: Api, cloud: Cloud) -> None:
    notification_id = _queued(api, cloud)
    paused = _steer(api, notification_id, "pause")
    assert (paused["status"], paused["status_reason"]) == ("paused", "by_caller")
    assert _steer(api, notification_id, "pause") == paused == api.get(f"/notifications/{notification_id}/status/")
    _steer(api, notification_id, "resume")
    assert wait_for_status(api, notification_id)["counts"]["sent"] == 1
    for what in ("cancel", "pause", "resume"):
        assert problem_of(api.call("POST", f"/notifications/{notification_id}/{what}/"), 409)["code"] == "conflict"


def _failed(api: Api, fcm: Simulator, token: str) -> str:
    """A message that was to be sent now or never, when FCM was busy: it failed for good, and sending again may mend it."""
    with fcm.answering([token], error="UNAVAILABLE"):
        notification_id: str = api.send({"targets": [{"token": token}, {"token": fresh("token")}]}, ttl_seconds=0)
        wait_for_status(api, notification_id)
    return notification_id


def test_retry_sends_again_to_whoever_failed(api: Api, fcm: Simulator) -> None:
    token, key = fresh("token"), {"Idempotency-Key": fresh("key")}
    notification_id = _failed(api, fcm, token)
    first = api.call("POST", f"/notifications/{notification_id}/retry/", headers=key)
    retried = content_of(first, 202)
    assert (retried["id"], retried["counts"]["failed"]) == (notification_id, 0)
    again = api.call("POST", f"/notifications/{notification_id}/retry/", headers=key)
    assert (content_of(again, 202), again.headers["Idempotent-Replayed"]) == (retried, "true")
    assert wait_for_status(api, notification_id)["counts"]["sent"] == 2
    assert fcm.record(token)["accepted"] == 1
    problem_of(api.call("POST", f"/notifications/{notification_id}/retry/"), 409)


@pytest.mark.parametrize("what", ["cancel", "pause", "resume", "retry"])
def test_steering_needs_the_scope_and_an_own_notification(tenant: Tenant, api: Api, stranger: Api, what: str) -> None:
    notification_id = api.send({"topic": fresh("news")})
    problem_of(tenant.api(Scope.READ).call("POST", f"/notifications/{notification_id}/{what}/"), 403)
    problem_of(stranger.call("POST", f"/notifications/{notification_id}/{what}/"), 404)
    problem_of(api.call("POST", f"/notifications/{fresh('unknown')}/{what}/"), 404)


# Dead letters


def test_dead_letters_are_listed_the_newest_first_and_shown(own_tenant: Tenant, fcm: Simulator) -> None:
    api = own_tenant.api()
    made = [_failed(api, fcm, fresh("token")) for _ in range(3)]
    first = api.get("/dead-letters/", params={"limit": 2, "kind": "notification"})
    second = api.get("/dead-letters/", params={"limit": 2, "kind": "notification", "cursor": first["next_cursor"]})
    letters = [*first["items"], *second["items"]]
    assert [letter["notification_id"] for letter in letters] == made[::-1]
    assert api.get(f"/dead-letters/{letters[0]['id']}/") == letters[0]
    assert api.get("/dead-letters/", params={"created_before": "2020-01-01T00:00:00Z"})["items"] == []
    problem_of(api.call("GET", "/dead-letters/unknown-0/"), 404)
    assert fields_of(problem_of(api.call("GET", "/dead-letters/", params={"kind": "x"}), 400)) == {"kind"}
