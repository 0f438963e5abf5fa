"""Broadcasts through the whole stack: paced, staged, stopped, and finished though the functions die in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fanfare.domain.message import Platform
from fanfare.ports import Deps
from local.readiness import wait_until
from local.settings import StackSettings
from local.stack import Stack
from tests.bench.population import PLATFORMS, write_devices
from tests.bench.workload import token
from tests.e2e.conftest import open_deps
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Simulator, Tenant, content_of, fresh

PARTS = frozenset({"firestore", "fcm", "cloud", "api", "send", "fanout", "schedule", "gateway"})
DEVICES = 3_000
PATIENCE_SECONDS = 150.0
ANDROID = {"segment": {"platform": ["android"]}}
FEW = {"segment": {"app_version": "3.0.0"}}
"""One of sixty."""


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose functions are killed: nobody else's."""
    with Stack(StackSettings(), folder=tmp_path_factory.mktemp("broadcasts"), parts=PARTS) as running:
        yield running


@pytest.fixture(scope="module")
def own_deps(fragile: Stack) -> Deps:
    return open_deps(fragile)


@pytest.fixture(scope="module")
def fcm(fragile: Stack) -> Iterator[Simulator]:
    assert fragile.fcm_url
    simulator = Simulator(fragile.fcm_url)
    yield simulator
    simulator.close()


@pytest.fixture(scope="module")
def tenant(own_deps: Deps, fragile: Stack) -> Iterator[Tenant]:
    """Three thousand devices, every other one an Android phone."""
    created = Tenant.create(own_deps, fragile)
    store: Any = own_deps.devices
    write_devices(own_deps, store._firestore, created.id, range(DEVICES))
    yield created
    created.close()


@pytest.fixture(scope="module")
def api(tenant: Tenant) -> Api:
    return tenant.api()


class Watched:
    """A broadcast as its sender sees it, and what FCM got of it."""

    def __init__(self, api: Api, fragile: Stack, to: dict[str, Any], **fields: Any) -> None:
        self._api, self._fcm = api, fragile.fcm_url
        self._marker = fresh("broadcast")
        self.id = api.send(to, title=self._marker, **fields)

    def shown(self) -> Any:
        return self._api.get(f"/notifications/{self.id}/")

    def steer(self, step: str) -> Any:
        return self._api.post(f"/notifications/{self.id}/{step}/", {}, 200)

    def wait(self, *statuses: str) -> Any:
        """Poll until it has one of these states; returns what is shown then."""
        assert wait_until(lambda: self.shown()["status"] in statuses, timeout_seconds=PATIENCE_SECONDS), self.shown()
        return self.shown()

    def reached(self) -> dict[str, set[str]]:
        """The tags under which each target was sent this message; a repeat under the same tag replaces what is shown."""
        found = content_of(requests.get(f"{self._fcm}/_sim/messages", params={"limit": 10_000}, timeout=TIMEOUT_SECONDS), 200)["messages"]
        reached: dict[str, set[str]] = {}
        for item in found:
            message = item["message"]
            if message.get("notification", {}).get("title") == self._marker:
                tag = message.get("android", {}).get("notification", {}).get("tag") or message.get("apns", {}).get("headers", {}).get(
                    "apns-collapse-id"
                )
                reached.setdefault(message["token"], set()).add(tag)
        return reached

    def wait_begun(self) -> None:
        """Wait until FCM has got some of it, but not all."""
        assert wait_until(lambda: self.shown()["counts"]["sent"] > 0, timeout_seconds=PATIENCE_SECONDS)


def androids() -> set[str]:
    return {token(number) for number in range(DEVICES) if PLATFORMS[number % len(PLATFORMS)] is Platform.ANDROID}


def test_few_of_many_are_packed_and_reached(api: Api, fragile: Stack) -> None:
    watched = Watched(api, fragile, FEW)
    assert watched.wait("completed")["counts"]["sent"] == 50
    assert watched.reached().keys() == {token(number) for number in range(0, DEVICES, 60)}


@pytest.mark.timeout(300)
def test_segment_is_reached_though_fanout_and_send_die_in_the_middle(api: Api, own_deps: Deps, tenant: Tenant, fragile: Stack) -> None:
    watched = Watched(api, fragile, ANDROID, spread_over_seconds=10)
    assert wait_until(lambda: _is_being_fanned_out(own_deps, tenant.id, watched.id), timeout_seconds=PATIENCE_SECONDS)
    fragile.kill("fanout")
    fragile.restart("fanout")
    watched.wait_begun()
    fragile.kill("send")
    fragile.restart("send")
    shown = watched.wait("completed")
    assert shown["counts"] == {"targeted": 1_500, "sent": 1_500, "failed": 0, "retrying": 0, "unsent": 0, "delivered": 0, "read": 0}
    assert watched.reached() == {target: {watched.id} for target in androids()}


def _is_being_fanned_out(deps: Deps, tenant: str, notification_id: str) -> bool:
    """Tell whether a call of `fanout` has begun."""
    found = deps.broadcasts.advance(tenant, notification_id, lambda *_: None)
    return found is not None and found[1] is not None


def test_nobody_is_reached_at_once(api: Api, fragile: Stack) -> None:
    watched = Watched(api, fragile, {"segment": {"tags": ["nobody"]}})
    shown = watched.wait("completed")
    assert (shown["status_reason"], shown["counts"]["targeted"]) == ("no_recipients", 0)


def test_ramp_stops_after_its_first_stage_and_goes_on_when_it_is_resumed(api: Api, fcm: Simulator, fragile: Stack) -> None:
    with fcm.answering([token(number) for number in range(DEVICES)], status=402):
        watched = Watched(api, fragile, ANDROID, ramp=[25, 100], guard={"max_error_share": 0.1})
        shown = watched.wait("paused")
        assert shown["status_reason"] == "guard_error_share"
        guard = shown["guard"]
        assert (guard["stage"], guard["error_share"], guard["dead_share"], guard["tripped"]) == (0, 1.0, 0.0, "guard_error_share")
        assert shown["counts"]["failed"] == guard["outcomes"]
        assert watched.reached() == {}
    watched.steer("resume")
    ended = watched.wait("completed")["counts"]
    assert (ended["failed"], ended["sent"]) == (guard["outcomes"], 1_500 - guard["outcomes"])
    assert len(watched.reached()) == ended["sent"]


def test_paused_broadcast_sends_nothing_until_it_is_resumed(api: Api, fragile: Stack) -> None:
    watched = Watched(api, fragile, ANDROID, spread_over_seconds=12)
    watched.wait_begun()
    watched.steer("pause")
    assert watched.shown()["status"] == "paused"
    # A chunk that was being sent ends.
    assert wait_until(lambda: watched.shown()["counts"]["sent"] == len(watched.reached()), timeout_seconds=PATIENCE_SECONDS)
    before = len(watched.reached())
    assert 0 < before < 1_500
    other = Watched(api, fragile, FEW)
    other.wait("completed")
    assert len(watched.reached()) == before
    watched.steer("resume")
    assert watched.wait("completed")["counts"]["sent"] == 1_500
    assert watched.reached() == {target: {watched.id} for target in androids()}


def test_cancelled_broadcast_counts_whom_it_has_not_reached(api: Api, fragile: Stack) -> None:
    watched = Watched(api, fragile, ANDROID, spread_over_seconds=600)
    watched.wait_begun()
    watched.steer("cancel")
    shown = watched.wait("cancelled")
    counts = shown["counts"]
    assert counts["sent"] == len(watched.reached())
    assert (counts["targeted"], counts["sent"] + counts["unsent"]) == (1_500, 1_500)
    assert counts["unsent"] > 0


def test_topic_is_sent_to_by_fcm_or_device_by_device(api: Api, fcm: Simulator, fragile: Stack) -> None:
    topic = fresh("topic")
    api.post("/topics/", {"name": topic}, 201)
    devices = [api.register(platform="ios")["id"] for _ in range(10)]
    api.post(f"/topics/{topic}/subscribe/", {"device_ids": devices}, 200)
    api.post(f"/notify/topic/{topic}/", {"title": "By FCM"}, 202)
    assert wait_until(lambda: len(fcm.messages(topic)) == 1, timeout_seconds=PATIENCE_SECONDS)
    sent = api.post(f"/notify/topic/{topic}/", {"title": "By device", "fanout": "devices"}, 202)
    assert wait_until(lambda: api.get(f"/notifications/{sent['id']}/")["status"] == "completed", timeout_seconds=PATIENCE_SECONDS)
    assert api.get(f"/notifications/{sent['id']}/")["counts"]["sent"] == 10
    refused = api.call("POST", "/notify/topic/unknown/", json={"title": "Hello"})
    assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (400, ["name"])
