"""Every route of `/schedules`, the examples of docs/schedules.md, and schedules that fire, from outside."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from fanfare.domain.client import Scope
from local.readiness import wait_until
from local.settings import ROOT
from local.stack import Stack
from tests.contract.stores.real import open_firestore
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, content_of, fields_of, fresh, problem_of, wait_for_status

AT = "2030-12-24T08:00:00Z"
TO_ALICE: dict[str, Any] = {"to": {"usernames": ["alice"]}, "title": "Good morning"}
ONCE: dict[str, Any] = {"notification": TO_ALICE, "at": AT}
MEMBERS = {
    "id", "notification", "at", "date", "local_time", "timezone", "repeat", "cron", "ends_at", "max_occurrences", "on_missed", "grace_seconds",
    "status", "status_reason", "next_run_at", "last_sent_at", "last_notification_id", "occurrence_count", "created_by", "created_at", "updated_at",
    "defect",
}  # fmt: skip


def _tick(stack: Stack, cloud: Cloud) -> Any:
    """What Cloud Scheduler does every minute."""
    bearer = cloud.identity_token(stack.environment["SCHEDULER_SERVICE_ACCOUNT"], stack.environment["SCHEDULE_URL"])
    answer = requests.post(f"{stack.urls['gateway']}/schedule/", headers={"Authorization": f"Bearer {bearer}"}, timeout=TIMEOUT_SECONDS)
    return content_of(answer, 200)


def _fired(stack: Stack, cloud: Cloud, api: Api, schedule: Any) -> Any:
    """Let ticks come until a schedule has fired; returns the notification that it made."""

    def has_fired() -> bool:
        _tick(stack, cloud)
        return bool(api.get(f"/schedules/{schedule['id']}")["last_notification_id"])

    assert wait_until(has_fired, timeout_seconds=20)
    (notification,) = api.get("/notifications/", params={"schedule_id": schedule["id"]})["items"]
    return notification


def _soon(seconds: float = 3) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


# Kept


def test_created_schedule_is_shown_with_its_times(api: Api) -> None:
    created = api.post("/schedules/", {**ONCE, "timezone": "Europe/Berlin", "repeat": "weekly", "max_occurrences": 3}, 201)
    assert created.keys() == MEMBERS
    assert (created["date"], created["local_time"], created["timezone"]) == ("2030-12-24", "09:00:00", "Europe/Berlin")
    assert (created["notification"], created["status"], created["next_run_at"]) == (TO_ALICE, "active", "2030-12-24T08:00:00.000Z")
    assert api.get(f"/schedules/{created['id']}") == created
    assert created in api.get("/schedules/", params={"status": "active"})["items"]


def test_request_with_a_time_beside_it_is_a_schedule(api: Api) -> None:
    created = api.post("/notify/schedule/", {**TO_ALICE, "scheduled_at": AT, "repeat_interval": "daily"}, 202)
    assert (created["notification"], created["repeat"], created["at"]) == (TO_ALICE, "daily", "2030-12-24T08:00:00.000Z")
    plain = api.post("/notify/schedule/", {"phone_number": "+255712345678", "title": "x", "scheduled_at": AT}, 202)
    assert (plain["notification"]["to"], plain["status"]) == ({"phone_numbers": ["+255712345678"]}, "pending")


def test_schedule_is_created_once_under_a_key(own_tenant: Tenant) -> None:
    api, key = own_tenant.api(), {"Idempotency-Key": fresh("key")}
    first = api.post("/notify/schedule/", ONCE, 202, headers=key)
    again = api.call("POST", "/notify/schedule/", json=ONCE, headers=key)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (202, first, "true")
    assert len(api.get("/schedules/")["items"]) == 1
    assert problem_of(api.call("POST", "/notify/schedule/", json={**ONCE, "repeat": "daily"}, headers=key), 409)["code"] == "idempotency_mismatch"


def test_schedule_is_changed_paused_resumed_and_cancelled_and_the_log_tells_of_it(api: Api) -> None:
    created = api.post("/schedules/", ONCE, 201)
    path = f"/schedules/{created['id']}"
    assert api.put(path, {**ONCE, "at": "2031-01-01T00:00:00Z"})["next_run_at"] == "2031-01-01T00:00:00.000Z"
    assert api.post(f"{path}/pause/", None, 200)["status"] == "paused"
    assert api.post(f"{path}/resume/", None, 200)["next_run_at"] == "2031-01-01T00:00:00.000Z"
    cancelled = content_of(api.call("DELETE", path), 200)
    assert (cancelled["status"], cancelled["status_reason"], cancelled["next_run_at"]) == ("cancelled", "by_caller", None)
    problem_of(api.call("POST", f"{path}/pause/"), 409)
    entries = api.get("/audit/", params={"resource_id": created["id"]})["items"]
    assert [entry["action"] for entry in entries] == [f"schedule.{word}" for word in ("cancelled", "resumed", "paused", "updated", "created")]


def test_next_firings_are_listed_zone_by_zone(api: Api) -> None:
    body = {"notification": TO_ALICE, "date": "2027-03-27", "local_time": "02:30", "timezone": "Europe/Berlin", "repeat": "daily"}
    path = f"/schedules/{api.post('/schedules/', body, 201)['id']}/preview/"
    (zone,) = content_of(api.call("POST", path, params={"count": 2}), 200)["zones"]
    assert zone == {
        "timezone": "Europe/Berlin",
        "firings": [
            {"at": "2027-03-27T01:30:00.000Z", "local_time": "2027-03-27T02:30:00"},
            {"at": "2027-03-28T01:00:00.000Z", "local_time": "2027-03-28T03:00:00"},
        ],
    }
    zones = content_of(api.call("POST", path, params={"timezones": ["Asia/Tokyo", "UTC"]}), 200)["zones"]
    assert [(zone["timezone"], len(zone["firings"])) for zone in zones] == [("Asia/Tokyo", 10), ("UTC", 10)]
    for query, field in (({"count": 0}, "count"), ({"count": 101}, "count"), ({"timezones": ["Mars/One"]}, "timezones")):
        assert fields_of(problem_of(api.call("POST", path, params=query), 400)) == {field}


def test_list_is_the_newest_first_in_pages(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    names = [api.post("/schedules/", ONCE, 201)["id"] for _ in range(3)]
    first = api.get("/schedules/", params={"limit": 2, "status": "pending"})
    last = api.get("/schedules/", params={"limit": 2, "status": "pending", "cursor": first["next_cursor"]})
    assert [item["id"] for item in first["items"] + last["items"]] == names[::-1]
    assert last["next_cursor"] is None
    assert fields_of(problem_of(api.call("GET", "/schedules/", params={"cursor": first["next_cursor"]}), 400)) == {"cursor"}


@pytest.mark.parametrize(("scope", "may_write", "may_read"), [(Scope.SEND, True, True), (Scope.READ, False, True), (Scope.TEMPLATES, False, False)])
def test_who_may_send_may_schedule_and_who_may_read_may_look(tenant: Tenant, api: Api, *, scope: Scope, may_write: bool, may_read: bool) -> None:
    path, client = f"/schedules/{api.post('/schedules/', ONCE, 201)['id']}", tenant.api(scope)
    reading = [client.call("GET", path), client.call("GET", "/schedules/"), client.call("POST", f"{path}/preview/")]
    writing = [client.call("POST", route, json=ONCE) for route in ("/schedules/", "/notify/schedule/")]
    writing += [client.call("PUT", path, json=ONCE), client.call("POST", f"{path}/pause/"), client.call("DELETE", path)]
    assert {answer.status_code == 403 for answer in reading} == {not may_read}
    assert {answer.status_code == 403 for answer in writing} == {not may_write}


def test_another_tenants_schedule_is_not_there(stranger: Api, api: Api) -> None:
    path = f"/schedules/{api.post('/schedules/', ONCE, 201)['id']}"
    for method, route in (("GET", path), ("DELETE", path), ("POST", f"{path}/pause/"), ("POST", f"{path}/resume/"), ("POST", f"{path}/preview/")):
        problem_of(stranger.call(method, route), 404)
    problem_of(stranger.call("PUT", path, json=ONCE), 404)


# Fired


def test_due_schedule_sends_once_and_is_completed(stack: Stack, own_tenant: Tenant, cloud: Cloud, fcm: Simulator) -> None:
    api, token = own_tenant.api(), fresh("token")
    api.register(token=token, username="alice")
    schedule = api.post("/notify/schedule/", {**TO_ALICE, "scheduled_at": _soon().isoformat()}, 202)
    notification = _fired(stack, cloud, api, schedule)
    assert (notification["schedule_id"], notification["request"]) == (schedule["id"], TO_ALICE)
    assert wait_for_status(api, notification["id"])["counts"]["sent"] == 1
    assert len(fcm.messages(token)) == 1
    after = api.get(f"/schedules/{schedule['id']}")
    assert (after["status"], after["status_reason"], after["occurrence_count"]) == ("completed", "all_sent", 1)
    assert (after["last_notification_id"], after["next_run_at"]) == (notification["id"], None)
    _tick(stack, cloud)
    assert len(api.get("/notifications/", params={"schedule_id": schedule["id"]})["items"]) == 1


def test_each_recipient_gets_it_at_their_own_time(stack: Stack, own_tenant: Tenant, cloud: Cloud, fcm: Simulator) -> None:
    api, east, west = own_tenant.api(), fresh("token"), fresh("token")
    api.register(token=east, username="alice", timezone="Pacific/Kiritimati")
    api.register(token=west, username="alice", timezone="Pacific/Honolulu")
    local = _soon(4) + timedelta(hours=14)
    times = {"date": f"{local:%Y-%m-%d}", "local_time": f"{local:%H:%M:%S}", "timezone": "recipient"}
    schedule = api.post("/schedules/", {"notification": TO_ALICE, **times}, 201)
    notification = _fired(stack, cloud, api, schedule)
    assert notification["counts"]["targeted"] == 2
    assert wait_until(lambda: len(fcm.messages(east)) == 1, timeout_seconds=20)
    assert fcm.messages(west) == []


def test_occurrence_that_can_not_be_sent_says_why(stack: Stack, own_tenant: Tenant, cloud: Cloud) -> None:
    api = own_tenant.api()
    api.post("/templates/", {"name": "news", "title": "News"}, 201)
    body = {"to": {"usernames": ["alice"]}, "template": "news", "scheduled_at": _soon().isoformat(), "repeat_interval": "daily"}
    path = f"/schedules/{api.post('/notify/schedule/', body, 202)['id']}"
    api.put("/templates/news", {"title": "News", "active": False})

    def has_failed() -> bool:
        _tick(stack, cloud)
        return bool(api.get(path)["status_reason"] == "template_inactive")

    assert wait_until(has_failed, timeout_seconds=20)
    after = api.get(path)
    assert (after["status"], after["occurrence_count"], after["last_notification_id"]) == ("active", 0, None)


def test_schedule_that_was_broken_by_hand_is_told_and_mended(stack: Stack, own_tenant: Tenant) -> None:
    api = own_tenant.api()
    created = api.post("/schedules/", ONCE, 201)
    path = f"/schedules/{created['id']}"
    firestore = open_firestore(stack.firestore_host, stack.environment["GOOGLE_CLOUD_PROJECT"])
    document = firestore.collection("tenants").document(own_tenant.id).collection("schedules").document(created["id"])
    document.update({"timezone": "Mars/One"})
    shown = api.get(path)
    assert shown["defect"].startswith("timezone: ")
    assert document.get().get("defect") == shown["defect"]
    for route in ("pause", "preview"):
        assert problem_of(api.call("POST", f"{path}/{route}/"), 409)["code"] == "conflict"
    assert api.put(path, ONCE)["defect"] is None
    firestore.close()


# What is refused, and what the document shows


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"at": "2020-01-01T00:00:00Z"}, "at"),
        ({"at": "tomorrow"}, "at"),
        ({"at": AT, "date": "2030-12-24"}, "at"),
        ({}, "at"),
        ({"at": AT, "ends_at": "2030-12-23T00:00:00Z"}, "ends_at"),
        ({"at": AT, "timezone": "Mars/One"}, "timezone"),
        ({"at": AT, "timezone": "recipient"}, "at"),
        ({"at": AT, "repeat": "hourly"}, "repeat"),
        ({"at": AT, "repeat": "daily", "cron": "0 9 * * *"}, "cron"),
        ({"repeat": "cron"}, "cron"),
        ({"cron": "0 0 9 * * *"}, "cron"),
        ({"cron": "0 9 30 2 *"}, "cron"),
        ({"date": "2030-02-30", "local_time": "09:00"}, "date"),
        ({"date": "2030-02-28", "local_time": "25:00"}, "local_time"),
        ({"at": AT, "max_occurrences": 0}, "max_occurrences"),
        ({"at": AT, "grace_seconds": 86_401}, "grace_seconds"),
        ({"at": AT, "on_missed": "wait"}, "on_missed"),
        ({"at": AT, "colour": "red"}, "colour"),
        ({"at": AT, "notification": {**TO_ALICE, "ramp": [1, 100]}}, "notification.ramp"),
        ({"at": AT, "notification": {"to": {"targets": [{"token": "t"}]}, "title": "x"}}, "notification.to.targets"),
        ({"at": AT, "notification": {**TO_ALICE, "template": "unknown"}}, "notification.template"),
        ({"at": AT, "notification": {**TO_ALICE, "mood": "good"}}, "notification.mood"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(api: Api, said: dict[str, Any], field: str) -> None:
    body = {"notification": TO_ALICE, **said}
    for route in ("/schedules/", "/notify/schedule/"):
        assert fields_of(problem_of(api.call("POST", route, json=body), 400)) == {field}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"scheduled_at": "2020-01-01T00:00:00Z"}, "scheduled_at"),
        ({"scheduled_at": AT, "to": {"targets": [{"token": "t"}]}}, "to.targets"),
        ({"scheduled_at": AT, "repeat_interval": "hourly"}, "repeat_interval"),
        ({"scheduled_at": AT, "repeat_interval": "daily", "cron": "0 9 * * *"}, "cron"),
        ({"scheduled_at": AT, "template": "unknown"}, "template"),
        ({}, "scheduled_at"),
    ],
)
def test_what_is_wrong_beside_the_request_is_named_as_the_caller_named_it(api: Api, said: dict[str, Any], field: str) -> None:
    assert fields_of(problem_of(api.call("POST", "/notify/schedule/", json={**TO_ALICE, **said}), 400)) == {field}


def test_examples_of_the_document_are_accepted(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8"), re.DOTALL)
    made = [api.post("/notify/schedule/", json.loads(block), 202) for block in blocks]
    assert [schedule["repeat"] for schedule in made] == ["none", "weekly", "daily", "monthly", "cron"]
    assert [schedule["timezone"] for schedule in made] == ["UTC", "UTC", "recipient", "Europe/Berlin", "Africa/Dar_es_Salaam"]
