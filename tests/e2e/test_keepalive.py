"""Keepalive on the whole stack: a device is registered, due, pinged once by data alone, replies, falls silent and is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from fanfare.domain.device import Device
from fanfare.domain.keepalive import Keepalive, KeepaliveState
from fanfare.domain.registration import RegistrationPlan
from fanfare.ports import Deps
from fanfare.services.keepalive_health import fleet_health
from local.readiness import wait_until
from local.stack import Stack
from tests.e2e.harness import DELIVERY_SECONDS, TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, fresh, fresh_target, problem_of

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def tick(stack: Stack, cloud: Cloud) -> Callable[[], Any]:
    """The function, called as Cloud Scheduler does; what it makes is delivered when this returns."""
    url = stack.environment["KEEPALIVE_URL"]
    bearer = {"Authorization": f"Bearer {cloud.identity_token(stack.environment['SCHEDULER_SERVICE_ACCOUNT'], url)}"}

    def call() -> Any:
        answer = requests.post(url, json={}, headers=bearer, timeout=TIMEOUT_SECONDS)
        assert answer.status_code == 200, answer.text
        cloud.wait_idle()
        return answer.json()["pinged"]

    return call


@pytest.fixture
def api(own_tenant: Tenant) -> Api:
    """A client of a tenant that pings."""
    client = own_tenant.api()
    client.put(f"/apps/{own_tenant.id}", {"keepalive": {"enabled": True}})
    return client


def device_of(deps: Deps, tenant: Tenant, device_id: str) -> Device:
    return deps.devices.get(tenant.id, [device_id])[0]


def move(deps: Deps, tenant: Tenant, device_id: str, **times: datetime | None) -> None:
    """Let time pass for one device, by the database."""
    before = device_of(deps, tenant, device_id)
    after = replace(before, keepalive=replace(before.keepalive, state=KeepaliveState.PLANNED, **times))
    assert deps.devices.save(tenant.id, [RegistrationPlan(after, before)])


def wait_planned(api: Api, device_id: str) -> Any:
    """The device's keepalive, once a tick has chosen its time."""
    assert wait_until(lambda: api.get(f"/devices/{device_id}")["keepalive"]["state"] == "planned", timeout_seconds=DELIVERY_SECONDS)
    return api.get(f"/devices/{device_id}")["keepalive"]


def test_a_registered_device_gets_a_time_tomorrow_and_nothing_yet(api: Api, tick: Callable[[], Any], fcm: Simulator) -> None:
    token = fresh_target("token")
    device = api.register(token=token, timezone="Asia/Kathmandu")
    assert device["keepalive"] == {"state": "new", "last": None, "next": None, "reply": None}
    tick()
    planned = wait_planned(api, device["id"])
    zone = timedelta(hours=5, minutes=45)
    local_days = [(at + zone).date() for at in (datetime.now(UTC), datetime.fromisoformat(planned["next"]))]
    assert local_days[1] - local_days[0] == DAY
    assert fcm.record(token)["attempts"] == 0


@pytest.mark.parametrize(("platform", "kind"), [("android", "token"), ("ios", "fid")])
def test_a_due_device_is_pinged_once_by_data_alone(
    api: Api, deps: Deps, own_tenant: Tenant, tick: Callable[[], Any], fcm: Simulator, platform: str, kind: str
) -> None:
    target, username = fresh_target(kind), fresh("person")
    device = api.register(**{kind: target}, platform=platform, username=username)
    move(deps, own_tenant, device["id"], next=datetime.now(UTC) - MINUTE)
    for _ in range(3):
        tick()
    assert wait_until(lambda: fcm.record(target)["accepted"] > 0, timeout_seconds=DELIVERY_SECONDS)
    assert fcm.record(target)["accepted"] == 1
    message = fcm.only_message(target)
    assert (message["data"]["type"], message["data"]["username"]) == ("keepalive", username)
    assert not any("notification" in block for block in (message, message.get("android", {})))
    if platform == "ios":
        assert message["apns"]["headers"]["apns-priority"] == "5"
        assert message["apns"]["payload"] == {"aps": {"content-available": 1}}
    else:
        assert message["android"] == {"priority": "high", "ttl": "86400s"}
    (shown,) = api.get("/notifications/", params={"type": "keepalive"})["items"]
    assert (shown["id"], shown["status"], shown["counts"]["sent"]) == (message["data"]["fanfare_id"], "completed", 1)


def test_the_app_replies_by_the_receipt_of_its_ping_and_no_other_credential(
    api: Api, deps: Deps, own_tenant: Tenant, tick: Callable[[], Any], fcm: Simulator
) -> None:
    token = fresh_target("token")
    device = api.register(token=token)
    move(deps, own_tenant, device["id"], next=datetime.now(UTC) - MINUTE)
    tick()
    assert wait_until(lambda: fcm.record(token)["accepted"] > 0, timeout_seconds=DELIVERY_SECONDS)
    receipt = fcm.only_message(token)["data"]["fanfare_receipt"]
    with Api(api.url) as phone:
        for _ in range(2):
            phone.post("/keepalive-reply/", {"receipt": receipt, "project": own_tenant.project}, 204)
        problem_of(phone.call("POST", "/keepalive-reply/", json={"receipt": receipt[:-1], "project": own_tenant.project}), 401)
    replied = api.get(f"/devices/{device['id']}")["keepalive"]
    assert replied["reply"] >= replied["last"]
    (entry,) = api.get("/audit/", params={"action": "device.replied"})["items"]
    assert entry["resource_ids"] == [device["id"]]


def test_a_silent_app_is_left_alone_until_it_replies(api: Api, deps: Deps, own_tenant: Tenant, tick: Callable[[], Any], fcm: Simulator) -> None:
    token = fresh_target("token")
    device = api.register(token=token)
    now = datetime.now(UTC)
    move(deps, own_tenant, device["id"], next=now - MINUTE, last=now - DAY, reply=now - 8 * DAY)
    tick()
    assert wait_until(lambda: device_of(deps, own_tenant, device["id"]).keepalive.state is KeepaliveState.STOPPED, timeout_seconds=DELIVERY_SECONDS)
    health = fleet_health(deps, own_tenant.id)
    assert health is not None
    assert (health.stopped, fcm.record(token)["attempts"]) == (1, 0)
    api.post("/keepalive-reply/", {"token": token}, 204)
    tick()
    assert wait_planned(api, device["id"])["next"] is not None
    assert fcm.record(token)["attempts"] == 0


def test_nobody_is_pinged_where_it_is_off(stranger: Api, own_tenant: Tenant, deps: Deps, tick: Callable[[], Any], fcm: Simulator) -> None:
    token = fresh_target("token")
    device = stranger.register(token=token)
    move(deps, own_tenant, device["id"], next=datetime.now(UTC) - MINUTE)
    tick()
    assert fcm.record(token)["attempts"] == 0
    assert device_of(deps, own_tenant, device["id"]).keepalive == Keepalive(
        KeepaliveState.PLANNED, None, device_of(deps, own_tenant, device["id"]).keepalive.next
    )
