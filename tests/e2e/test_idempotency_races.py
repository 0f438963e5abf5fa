"""Fifty simultaneous requests under one Idempotency-Key do their work once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.e2e.harness import Api, Cloud, Simulator, Tenant, fresh, problem_of, wait_for_status

THREADS = 50


def at_once(ask: Callable[[Api], requests.Response], api: Api) -> list[requests.Response]:
    """Ask from fifty threads, each over a connection of its own, as close together as a barrier gets them."""
    barrier = threading.Barrier(THREADS)

    def one(_: int) -> requests.Response:
        with api.fork() as mine:
            barrier.wait(timeout=30)
            return ask(mine)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def test_fifty_simultaneous_sends_with_one_key_are_one_notification(api: Api, fcm: Simulator, cloud: Cloud) -> None:
    token = fresh("raced-token")
    device = api.register(token=token)
    before = cloud.created_tasks()
    body, key = {"to": {"device_ids": [device["id"]]}, "title": "Once"}, {"Idempotency-Key": fresh("raced-key")}
    answers = at_once(lambda mine: mine.call("POST", "/notify/", json=body, headers=key), api)
    assert {answer.status_code for answer in answers} == {202}
    (notification_id,) = {answer.json()["id"] for answer in answers}
    assert Counter(answer.headers.get("Idempotent-Replayed", "false") for answer in answers) == {"false": 1, "true": THREADS - 1}
    wait_for_status(api, notification_id)
    cloud.wait_idle()
    assert cloud.created_tasks() == before + 1
    assert fcm.record(token)["accepted"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/profiles/", {"username": "raced-profile"}),
        ("/devices/", {"token": "raced-device-token", "username": "raced-owner"}),
    ],
)
def test_fifty_simultaneous_creations_with_one_key_are_one_object(own_tenant: Tenant, path: str, body: dict[str, Any]) -> None:
    api = own_tenant.api()
    key = {"Idempotency-Key": fresh("raced-key")}
    answers = at_once(lambda mine: mine.call("POST", path, json=body, headers=key), api)
    done = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.json()["id"] for answer in done}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in done) == 1
    for waiting in (answer for answer in answers if answer.status_code != 201):
        assert problem_of(waiting, 409)["code"] == "idempotency_in_progress"
        assert int(waiting.headers["Retry-After"]) >= 1
    again = api.call("POST", path, json=body, headers=key)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, done[0].json(), "true")
    assert len(api.get(path)["items"]) == 1


def test_one_key_with_many_bodies_does_one_of_them(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    names, key = iter([f"body-{number}" for number in range(THREADS)]), {"Idempotency-Key": fresh("raced-key")}
    lock = threading.Lock()

    def ask(mine: Api) -> requests.Response:
        with lock:
            name = next(names)
        return mine.call("POST", "/profiles/", json={"username": name}, headers=key)

    answers = at_once(ask, api)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: THREADS - 1}
    assert {problem_of(answer, 409)["code"] for answer in answers if answer.status_code == 409} == {"idempotency_mismatch"}
    assert len(api.get("/profiles/")["items"]) == 1
