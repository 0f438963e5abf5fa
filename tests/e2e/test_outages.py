"""What callers see while something that we depend on is down: soon an answer that says when to try again, and never a lost message."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from local.readiness import wait_until
from local.settings import StackSettings
from local.stack import Stack
from tests.e2e.conftest import open_deps
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, content_of, fresh, problem_of, wait_for_status

PARTS = frozenset({"firestore", "fcm", "cloud", "api", "send", "gateway"})
PATIENCE_SECONDS = 12.0
HEALTH_SECONDS = 2.5


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose parts are stopped: nobody else's."""
    with Stack(StackSettings(), folder=tmp_path_factory.mktemp("fragile"), parts=PARTS) as running:
        yield running


@pytest.fixture(scope="module")
def tenant(fragile: Stack) -> Iterator[Tenant]:
    created = Tenant.create(open_deps(fragile), fragile)
    yield created
    created.close()


@pytest.fixture(scope="module")
def fcm(fragile: Stack) -> Iterator[Simulator]:
    assert fragile.fcm_url
    simulator = Simulator(fragile.fcm_url)
    yield simulator
    simulator.close()


@pytest.fixture(scope="module")
def cloud(fragile: Stack) -> Iterator[Cloud]:
    service = Cloud(fragile.cloud_url)
    yield service
    service.close()


@contextmanager
def stopped(stack: Stack, part: str) -> Iterator[None]:
    """Stop a part, which then neither answers nor refuses, while the block lasts."""
    stack.kill(part, signal.SIGSTOP)
    try:
        yield
    finally:
        stack.kill(part, signal.SIGCONT)


def unavailable(api: Api, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> float:
    """Ask for something that can't be had now; returns the seconds until the answer."""
    with api.fork() as client:
        started = time.monotonic()
        response = client.call(method, path, json=body, headers=headers)
        seconds = time.monotonic() - started
        assert problem_of(response, 503)["code"] == "unavailable"
        assert int(response.headers["Retry-After"]) > 0
        return seconds


def health(stack: Stack) -> Any:
    """What `/health` shows; fails where it keeps anybody waiting."""
    with Api(stack.urls["gateway"]) as anybody:
        started = time.monotonic()
        shown = anybody.get("/health/")
        assert time.monotonic() - started < HEALTH_SECONDS
        return shown


def wait_for_component(stack: Stack, component: str, state: str) -> None:
    """Ask for `/health` until it has seen a component in a state: it looks again every ten seconds."""
    assert wait_until(lambda: health(stack)["components"][component] == state, timeout_seconds=20)


@dataclass(frozen=True)
class Outage:
    """What happened while Firestore was stopped: seconds until each 503, what `/health` came to show, and a request that got 503 under a key."""

    seconds: dict[str, float]
    health: Any
    seconds_of_cold_instance: float
    token: str
    body: dict[str, Any]
    headers: dict[str, str]


@pytest.fixture(scope="module")
def outage(fragile: Stack, api: Api) -> Outage:
    """One outage of Firestore for all tests about it: each 503 takes as long as a caller is kept waiting."""
    device, token = api.register(), fresh("token")
    body = {"to": {"targets": [{"token": token}]}, "title": "Hello"}
    headers = {"Idempotency-Key": fresh("key")}
    asked: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", "/notify/", body),
        ("POST", "/devices/", {"token": fresh("token"), "username": "alice"}),
        ("POST", "/profiles/", {"username": fresh("person")}),
        ("GET", "/devices/", None),
        ("GET", f"/devices/{device['id']}/", None),
        ("PUT", f"/devices/{device['id']}/", {"model": "x"}),
        ("DELETE", f"/devices/{device['id']}/", None),
        ("GET", "/notifications/x/", None),
    ]
    wait_for_component(fragile, "firestore", "ok")
    with stopped(fragile, "firestore"):
        with ThreadPoolExecutor(len(asked)) as pool:
            waits = pool.map(lambda row: unavailable(api, *row, **headers), asked)
            wait_for_component(fragile, "firestore", "down")
            seconds = {f"{method} {path}": wait for (method, path, _), wait in zip(asked, waits, strict=True)}
        shown = health(fragile)
        fragile.restart("api")
        cold = unavailable(api, "GET", "/devices/")
    return Outage(seconds, shown, cold, token, body, headers)


def test_firestore_down_is_503_within_seconds(outage: Outage) -> None:
    assert max(outage.seconds.values()) < PATIENCE_SECONDS, outage.seconds


def test_firestore_down_is_seen_in_health(outage: Outage) -> None:
    assert (outage.health["status"], outage.health["components"]["firestore"]) == ("degraded", "down")


def test_cold_instance_without_firestore_answers_503(outage: Outage) -> None:
    assert outage.seconds_of_cold_instance < PATIENCE_SECONDS


@pytest.mark.usefixtures("outage")
def test_everything_works_again_once_firestore_is_back(api: Api) -> None:
    device = api.register()
    wait_for_status(api, api.send({"device_ids": [device["id"]]}))


def test_request_that_got_503_sends_once_when_it_is_repeated_under_its_key(outage: Outage, api: Api, fcm: Simulator) -> None:
    for _ in range(2):
        answer = api.post("/notify/", outage.body, 202, headers=outage.headers)
        wait_for_status(api, answer["id"])
    assert fcm.record(outage.token)["attempts"] == 1


def test_message_is_accepted_while_cloud_tasks_refuses(fragile: Stack, tenant: Tenant, api: Api, cloud: Cloud, fcm: Simulator) -> None:
    token = fresh("token")
    with cloud.refusing_tasks():
        notification_id = api.send({"targets": [{"token": token}]})
    assert api.get(f"/notifications/{notification_id}/status/")["status"] == "queued"
    assert fcm.record(token)["attempts"] == 0
    # What the sweep does a minute later: the task carries an id and nothing else.
    bearer = cloud.identity_token(fragile.environment["TASKS_SERVICE_ACCOUNT"], fragile.environment["SEND_URL"])
    task = {"tenant": tenant.id, "notification": notification_id, "chunk": 0, "request_id": "sweep"}
    headers = {"Authorization": f"Bearer {bearer}"}
    content_of(requests.post(f"{fragile.urls['gateway']}/send/", json=task, headers=headers, timeout=TIMEOUT_SECONDS), 200)
    assert wait_for_status(api, notification_id)["counts"]["sent"] == 1
    assert fcm.record(token)["accepted"] == 1


def test_api_answers_while_send_is_dead_and_send_works_again_afterwards(fragile: Stack, api: Api, fcm: Simulator) -> None:
    slow, later = fresh("slow"), fresh("later")
    with fcm.answering([slow], delay_seconds=10):
        interrupted = api.send({"targets": [{"token": slow}]})
        assert wait_until(lambda: fcm.record(slow)["attempts"] == 1, timeout_seconds=10)
        fragile.kill("send", signal.SIGKILL)
        status = api.get(f"/notifications/{interrupted}/status/")
        assert (status["status"], status["counts"]["unsent"]) == ("sending", 1)
        waiting = api.send({"targets": [{"token": later}]})
        assert api.get(f"/notifications/{waiting}/status/")["status"] == "queued"
        fragile.restart("send")
    wait_for_status(api, waiting)
    assert fcm.record(later)["accepted"] == 1


def test_warm_instance_needs_no_secret_manager_and_accepts(fragile: Stack, api: Api) -> None:
    device = api.register()
    with stopped(fragile, "cloud"):
        assert api.register()["active"]
        notification_id = api.send({"device_ids": [device["id"]]})
        assert api.get(f"/notifications/{notification_id}/status/")["counts"]["targeted"] == 1


def test_cold_instance_without_secret_manager_answers_503_until_it_is_back(fragile: Stack, api: Api) -> None:
    body = {"token": fresh("token"), "username": fresh("person")}
    with stopped(fragile, "cloud"), ThreadPoolExecutor(1) as pool:
        fragile.restart("api")
        with Api(fragile.urls["gateway"]) as anybody:
            # A cold instance's first answer pays its imports, not the outage.
            anybody.get("/health/live")
        wait = pool.submit(unavailable, api, "POST", "/devices/", body)
        wait_for_component(fragile, "secrets", "down")
        assert wait.result() < PATIENCE_SECONDS
    api.post("/devices/", body, 201)
