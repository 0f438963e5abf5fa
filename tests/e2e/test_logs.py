"""The functions' logs tell what happened and to which notification, and never a target, a token or anything that was said."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from local.stack import Stack
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, problem_of

MARK = "MARK7"
"""Every value of a request holds it, so that its presence in a log gives away that a value was logged."""
PHONE = "+255700777777"
USERNAME = f"{MARK}-username"
FID = f"c{MARK}{'fid':->16}"
TARGETS: dict[str, dict[str, Any]] = {
    "alive": {"token": f"{MARK}alive:APA91b", "device_id": f"{MARK}-install", "model": f"{MARK}-model", "tags": [f"{MARK}-tag"]},
    "fid": {"fid": FID},
    "dead": {"token": f"{MARK}dead"},
    "broken": {"token": f"{MARK}broken"},
    "refused": {"token": f"{MARK}refused"},
}
MESSAGE: dict[str, Any] = {
    "title": f"{MARK} title",
    "body": f"{MARK} body",
    "data": {f"{MARK}_key": f"{MARK} value"},
    "deep_link": f"app://{MARK}",
    "android": {"notification": {"ticker": f"{MARK} ticker"}},
}
FUNCTIONS = ("api", "send")


def ask_for_every_outcome(api: Api, fcm: Simulator, cloud: Cloud) -> str:
    """Have messages accepted, refused, lost and answered with their own content; returns a notification's id."""
    for target in TARGETS.values():
        api.register(**target, username=USERNAME)
    api.register(token=f"{MARK}phone", phone_number=PHONE)
    echo = {"error": {"code": 500, "message": f"{MARK}broken: {MESSAGE['body']}", "status": "INTERNAL"}}
    with fcm.answering([f"{MARK}dead"], error="UNREGISTERED"), fcm.answering([f"{MARK}broken"], status=500, body=echo):
        notification_id = api.send({"usernames": [USERNAME]}, **MESSAGE)
        cloud.wait_idle()
    with fcm.answering([FID], drop="after"), fcm.answering([f"{MARK}refused"], error="INVALID_ARGUMENT_PAYLOAD"):
        for to in ({"usernames": [USERNAME]}, {"phone_numbers": [PHONE]}, {"targets": [{"token": f"{MARK}bare"}]}, {"topic": f"{MARK}-topic"}):
            api.send(to, **MESSAGE)
        cloud.wait_idle()
    return notification_id


def ask_for_every_refusal(api: Api, stack: Stack, cloud: Cloud) -> None:
    """Send what is refused, each with marks where a careless log would quote it."""
    bad_token = {"token": f"{MARK} with spaces", "username": USERNAME}
    problem_of(api.call("POST", "/devices/", json=bad_token), 400)
    api.post("/devices/bulk/", {"devices": [bad_token, {f"{MARK}": 1}]}, 200)
    problem_of(api.call("POST", "/notify/", data=f'{{"title": "{MARK}', headers={"Content-Type": "application/json"}), 400)
    problem_of(api.call("POST", "/notify/", json={"to": {"topic": MARK}, "title": MARK, MARK: MARK}), 400)
    problem_of(api.call("GET", "/devices/", params={"cursor": MARK, "device_id": MARK}), 400)
    problem_of(api.call("GET", "/devices/", headers={"Client-ID": MARK, "Client-Token": MARK}), 401)
    problem_of(api.call("POST", "/profiles/", json={"username": MARK}, headers={"Idempotency-Key": f"{MARK} {MARK}"}), 400)
    token = cloud.identity_token(stack.environment["TASKS_SERVICE_ACCOUNT"], stack.environment["SEND_URL"])
    for body, bearer in ((MARK, token), (json.dumps({"tenant": MARK, "notification": [MARK]}), token), ("{}", f"{MARK}.{MARK}.{MARK}")):
        headers = {"Authorization": f"Bearer {bearer}"}
        assert requests.post(f"{stack.urls['gateway']}/send/", data=body, headers=headers, timeout=TIMEOUT_SECONDS).status_code in {200, 401}


@pytest.fixture(scope="module")
def logs(stack: Stack, tenant: Tenant, fcm: Simulator, cloud: Cloud) -> dict[str, str]:
    """What the functions and the gateway wrote, with the secrets of the client and the notification that it was written about."""
    api = tenant.api()
    notification_id = ask_for_every_outcome(api, fcm, cloud)
    ask_for_every_refusal(api, stack, cloud)
    written = {name: stack.log(name).read_text(encoding="utf-8") for name in (*FUNCTIONS, "gateway")}
    return {**written, "notification": notification_id, "secret": api.headers["Client-Token"].split(".")[1]}


@pytest.mark.parametrize("name", [*FUNCTIONS, "gateway"])
def test_nothing_that_was_said_is_in_a_log(logs: dict[str, str], name: str) -> None:
    quoted = [line[:300] for line in logs[name].splitlines() if MARK in line or PHONE in line or logs["secret"] in line]
    assert quoted == []


def test_send_logs_each_chunk_with_its_notification_and_counts(logs: dict[str, str]) -> None:
    lines = [json.loads(line) for line in logs["send"].splitlines() if logs["notification"] in line]
    (delivered,) = [line for line in lines if line["message"] == "chunk_delivered"]
    assert (delivered["severity"], delivered["sent"], delivered["failed"], delivered["retrying"]) == ("INFO", 3, 1, 1)
    assert delivered["request_id"]
    assert delivered["time"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_our_own_lines_are_json_with_a_severity(logs: dict[str, str], name: str) -> None:
    ours = [json.loads(line) for line in logs[name].splitlines() if line.startswith("{")]
    assert all({"severity", "message", "time"} <= line.keys() for line in ours)
    assert not [line for line in ours if line["severity"] == "ERROR"]


def test_poison_is_logged_without_its_body(logs: dict[str, str]) -> None:
    poison = [json.loads(line) for line in logs["send"].splitlines() if '"poison_task"' in line]
    assert len(poison) >= 2
    assert {line["severity"] for line in poison} == {"WARNING"}
