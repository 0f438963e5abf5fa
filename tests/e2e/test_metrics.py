"""`/metrics` and `/health/ready` of the whole stack: what was sent, failed, received and told counts once, and a job that does not run is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from fanfare.domain.metrics import Counters
from fanfare.domain.metrics_text import CONTENT_TYPE
from fanfare.ports import Deps
from local.readiness import wait_until
from local.stack import ALL_PARTS, Stack
from tests.conftest import running
from tests.contract.adapters.scripted import Reply, ScriptedServer
from tests.e2e.conftest import open_cloud, open_deps, open_simulator
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, fresh, problem_of, wait_for_status
from tests.prometheus_text import Metric, read_metrics, value_of

SUMMED_SECONDS = 60.0
SCRAPED_SECONDS = 90.0
"""An instance shows what it has read within the last minute."""
CHECKED_SECONDS = 30.0
EXPECTED = {
    "accepted": 1,
    "messages": 3,
    "sent.android": 1,
    "sent.ios": 1,
    "failed.UNREGISTERED": 1,
    "retired.unregistered": 1,
    "delivered.android": 1,
    "read.android": 1,
    "webhooks.delivered": 1,
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own: the counters are the whole fleet's, and what other tests have left is still being tried."""
    yield from running(tmp_path_factory.mktemp("metrics"), ALL_PARTS)


@pytest.fixture(scope="module")
def deps(stack: Stack) -> Deps:
    """One of each real adapter, on it."""
    return open_deps(stack)


@pytest.fixture(scope="module")
def fcm(stack: Stack) -> Iterator[Simulator]:
    """Its FCM simulator."""
    yield from open_simulator(stack)


@pytest.fixture(scope="module")
def cloud(stack: Stack) -> Iterator[Cloud]:
    """Its task service."""
    yield from open_cloud(stack)


@pytest.fixture
def endpoint() -> Iterator[ScriptedServer]:
    """An endpoint that takes everything."""
    with ScriptedServer() as server:
        server.reply = lambda _asked: Reply(200)
        yield server


def _tick(stack: Stack, cloud: Cloud) -> None:
    token = cloud.identity_token(stack.environment["SCHEDULER_SERVICE_ACCOUNT"], stack.environment["ROLLUP_URL"])
    requests.post(stack.environment["ROLLUP_URL"], headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS).raise_for_status()
    cloud.wait_idle()


def _grown(deps: Deps, before: Counters) -> dict[str, int]:
    after = deps.metrics.read_counters()
    return {name: number for name in EXPECTED if (number := after.get(name, 0) - before.get(name, 0))}


def _scrape(platform: Api) -> dict[str, Metric]:
    assert platform.credentials
    headers = {"Authorization": f"Bearer {platform.credentials.token}"}
    answer = requests.get(f"{platform.url}/api/v1/metrics/", headers=headers, timeout=TIMEOUT_SECONDS)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, CONTENT_TYPE)
    return read_metrics(answer.text)


def _send_and_receive(api: Api, project: str, fcm: Simulator) -> None:
    """Send to three devices, of which one is gone, and report one message as read."""
    targets = {fresh("token"): platform for platform in ("android", "ios", "android")}
    devices = [api.register(token=target, platform=platform)["id"] for target, platform in targets.items()]
    read, _, gone = targets
    with fcm.answering([gone], error="UNREGISTERED"):
        wait_for_status(api, api.send({"device_ids": devices}))
    said = {"token": fcm.only_message(read)["data"]["fanfare_receipt"], "event": "read", "at": datetime.now(UTC).isoformat()}
    api.post("/receipts/", {"project": project, "receipts": [said]}, 200)


def test_what_happened_is_counted_once(
    own_tenant: Tenant, platform: Api, deps: Deps, fcm: Simulator, stack: Stack, cloud: Cloud, endpoint: ScriptedServer
) -> None:
    api = own_tenant.api()
    _tick(stack, cloud)
    before = deps.metrics.read_counters()
    webhook = api.post("/webhooks/", {"url": endpoint.url, "events": ["webhook.disabled"]}, 201)
    _send_and_receive(api, own_tenant.project, fcm)
    api.post(f"/webhooks/{webhook['id']}/test/", None, 202)

    def is_counted() -> bool:
        _tick(stack, cloud)
        return _grown(deps, before) == EXPECTED

    assert wait_until(is_counted, timeout_seconds=SUMMED_SECONDS), _grown(deps, before)
    for _ in range(2):
        _tick(stack, cloud)
    assert _grown(deps, before) == EXPECTED
    _check_scrape(platform, deps.metrics.read_counters())


def _check_scrape(platform: Api, counters: Counters) -> None:
    metrics: dict[str, Metric] = {}

    def is_shown() -> bool:
        metrics.update(_scrape(platform))
        return value_of(metrics, "fanfare_messages_accepted_total") >= counters["messages"]

    assert wait_until(is_shown, timeout_seconds=SCRAPED_SECONDS), metrics
    assert value_of(metrics, "fanfare_messages_failed_total", code="UNREGISTERED") >= counters["failed.UNREGISTERED"]
    assert value_of(metrics, "fanfare_webhook_deliveries_total", outcome="delivered") >= counters["webhooks.delivered"]
    sent = sum(number for name, number in counters.items() if name.startswith("sent."))
    assert value_of(metrics, "fanfare_message_send_delay_seconds_count") >= sent > 0
    assert value_of(metrics, "fanfare_message_send_delay_seconds_sum") > 0


def test_only_the_platforms_client_may_scrape(api: Api, platform: Api) -> None:
    assert platform.credentials
    assert api.credentials
    assert platform.call("GET", "/metrics/").status_code == 200
    problem_of(api.call("GET", "/metrics/"), 403)
    for token, status in ((api.credentials.token, 403), (fresh("token"), 401)):
        answer = requests.get(f"{api.url}/api/v1/metrics/", headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS)
        problem_of(answer, status)
    both = platform.call("GET", "/metrics/", headers={"Authorization": f"Bearer {platform.credentials.token}"})
    assert problem_of(both, 400)["errors"][0]["field"] == "Authorization"


def _components(platform: Api) -> Mapping[str, Any]:
    components: Mapping[str, Any] = platform.get("/health/ready/")["components"]
    return components


@contextmanager
def _paused(stack: Stack, job: str) -> Iterator[None]:
    place = f"projects/{stack.environment['GOOGLE_CLOUD_PROJECT']}/locations/{stack.environment['FANFARE_REGION']}/jobs/{job}"
    requests.post(f"{stack.cloud_url}/v1/{place}:pause", json={}, timeout=TIMEOUT_SECONDS).raise_for_status()
    try:
        yield
    finally:
        requests.post(f"{stack.cloud_url}/v1/{place}:resume", json={}, timeout=TIMEOUT_SECONDS).raise_for_status()


def test_paused_job_degrades_the_scheduler_and_is_named_until_it_is_resumed(platform: Api, stack: Stack) -> None:
    assert wait_until(lambda: {found["state"] for found in _components(platform).values()} == {"ok"}, timeout_seconds=CHECKED_SECONDS)
    assert _components(platform).keys() == {"firestore", "tasks", "secrets", "fcm", "scheduler"}
    with _paused(stack, "cleanup"):
        assert wait_until(lambda: _components(platform)["scheduler"]["state"] == "degraded", timeout_seconds=CHECKED_SECONDS)
        ready = platform.get("/health/ready/")
        assert ready["status"] == "degraded"
        assert ready["components"]["scheduler"]["problems"] == ["cleanup: it is not enabled"]
        assert platform.get("/health/")["components"]["scheduler"] == "degraded"
    assert wait_until(lambda: _components(platform)["scheduler"]["state"] == "ok", timeout_seconds=CHECKED_SECONDS)
