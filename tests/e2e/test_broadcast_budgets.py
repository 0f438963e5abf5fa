"""What a broadcast costs in Firestore and Cloud Tasks, counted on 50,000 devices and extrapolated to 1,000,000: the budget of docs/data-model.md.

The audience is packed straight into its shards, so that nothing is to compact. The surfaces of `api`, `fanout` and `send` run in this process against
the emulator behind a counting proxy; FCM is a script, and the tasks that they create are performed here, one after the other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Client

from fanfare.adapters.cloud_tasks import CloudTaskQueue
from fanfare.config import Settings
from fanfare.domain.cost import MEASURED
from fanfare.domain.notification import Notification, NotificationStatus
from fanfare.ports import Deps
from fanfare.web.api import PublicApi
from fanfare.web.fanout import build_fanout
from fanfare.web.send import build_send
from fanfare.wiring import build_deps
from local.stack import Stack
from tests.bench.broadcaster import with_largest_quota
from tests.bench.population import device, pack_audience, shards_for
from tests.e2e.counting_proxy import CountingProxy, Usage, counting_proxy
from tests.e2e.harness import Cloud, Tenant
from tests.fakes.log import RecordingLog
from tests.fakes.sender import ScriptedPushSender
from tests.fakes.telemetry import RecordingTelemetry

DEVICES, FEWER = 50_000, 6_250
MILLION = 1_000_000
CHUNKS_A_TASK = 1_000
SPARE = 60
"""What a broadcast may cost beside its chunks."""
LOCALE, LOCALES = "ja-JP", 8


class CapturedTasks(CloudTaskQueue):
    """Cloud Tasks without the service: what would be posted there is kept, to be performed by the test."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, RecordingLog(), telemetry=RecordingTelemetry())
        self.waiting: list[tuple[str, dict[str, Any]]] = []
        self.created = 0

    def _create(self, queue: str, url: str, content: dict[str, Any], due_at: datetime | None) -> None:
        self.waiting.append((url, content))
        self.created += 1


@dataclass(frozen=True, slots=True)
class Cost:
    """What one broadcast came to: its chunks, what Firestore bills, and the tasks of both queues."""

    chunks: int
    used: Usage
    tasks: int

    def at(self, chunks: int, smaller: Cost) -> Cost:
        """The cost of a broadcast of so many chunks, along the line through this one and a smaller one; rounded up."""

        def along(mine: int, theirs: int) -> int:
            return ceil(theirs + (mine - theirs) * (chunks - smaller.chunks) / (self.chunks - smaller.chunks))

        mine, theirs = self.used, smaller.used
        used = Usage(*(along(getattr(mine, name), getattr(theirs, name)) for name in ("read_calls", "reads", "commits", "writes")))
        return Cost(chunks, used, along(self.tasks, smaller.tasks))

    def __str__(self) -> str:
        used = self.used
        return f"{self.chunks:>7}{used.read_calls:>9}{used.reads:>9}{used.commits:>9}{used.writes:>9}{self.tasks:>8}"


@dataclass
class Deployment:
    """The three functions, what they are run with, and a ledger of what broadcasts cost."""

    deps: Deps
    plain: Deps
    stack: Stack
    proxy: CountingProxy
    tasks: CapturedTasks
    sender: ScriptedPushSender
    functions: dict[str, FlaskClient]
    bearers: dict[str, str]
    ledger: list[str] = field(default_factory=list)

    def audience(self, devices: int) -> Tenant:
        """A tenant with so many devices in as many shards as compaction would make."""
        tenant = Tenant.create(self.plain, self.stack)
        self.plain.tenants.update(tenant.id, with_largest_quota)
        pack_audience(self.plain, tenant.id, devices, shards_for(devices))
        return tenant

    def broadcast(self, title: str, tenant: Tenant, to: dict[str, Any]) -> tuple[Cost, Notification]:
        """Accept a broadcast and perform every task that it makes, until none is left."""
        headers = tenant.credentials().headers
        self.sender.sent.clear()
        self.proxy.usage, created = Usage(), self.tasks.created
        answer = Client(PublicApi(self.deps)).post("/api/v1/notify", json={"to": to, "title": "Hello"}, headers=headers)
        assert answer.status_code == 202, answer.text
        while self.tasks.waiting:
            url, content = self.tasks.waiting.pop(0)
            done = self.functions[url].post("/", json=content, headers={"Authorization": f"Bearer {self.bearers[url]}"})
            assert done.status_code == 200, done.text
        notification = self.plain.notifications.get(tenant.id, answer.get_json()["id"])
        assert notification is not None
        cost = Cost(notification.chunk_count, self.proxy.usage, self.tasks.created - created)
        self.ledger.append(f"{title:<42}{cost}")
        return cost, notification


@pytest.fixture(scope="module")
def deployment(stack: Stack, deps: Deps, cloud: Cloud) -> Iterator[Deployment]:
    """The surfaces of `api`, `fanout` and `send` behind the proxy. FCM and the task service are the only parts that are not real."""
    with counting_proxy(stack.firestore_host) as (proxy, address), pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", address)
        settings = Settings.from_env(stack.environment)
        tasks, sender = CapturedTasks(settings), ScriptedPushSender()
        counted = replace(build_deps(settings), tasks=tasks, sender=sender)
        surfaces: dict[str, Flask] = {settings.function_urls["fanout"]: build_fanout(counted), settings.function_urls["send"]: build_send(counted)}
        bearers = {url: cloud.identity_token(settings.tasks_service_account, url) for url in surfaces}
        functions = {url: surface.test_client() for url, surface in surfaces.items()}
        running = Deployment(counted, deps, stack, proxy, tasks, sender, functions, bearers)
        yield running
    columns = f"{'broadcast':<42}{'chunks':>7}{'calls':>9}{'reads':>9}{'commits':>9}{'writes':>9}{'tasks':>8}"
    sys.stdout.write("\n" + "\n".join([columns, *running.ledger]) + "\n")


@pytest.fixture(scope="module")
def everyone(deployment: Deployment) -> tuple[Cost, Cost]:
    """What a broadcast to 50,000 costs, and one to an eighth of them."""
    smaller, _ = deployment.broadcast(f"to {FEWER:,}", deployment.audience(FEWER), {"everyone": True})
    cost, notification = deployment.broadcast(f"to {DEVICES:,}", deployment.audience(DEVICES), {"everyone": True})
    counts = notification.counts
    assert (notification.status, counts.targeted, counts.sent) == (NotificationStatus.COMPLETED, DEVICES, DEVICES)
    sent = [device_id for device_id, _ in deployment.sender.sent]
    assert len(sent) == len(set(sent)) == DEVICES
    return cost, smaller


def test_broadcast_to_fifty_thousand_stays_within_its_budget(everyone: tuple[Cost, Cost]) -> None:
    for cost in everyone:
        assert cost.used.reads <= 2 * cost.chunks + SPARE
        assert cost.used.writes <= 4 * cost.chunks + SPARE
        assert cost.tasks <= cost.chunks + ceil(cost.chunks / CHUNKS_A_TASK)


def test_broadcast_to_a_million_stays_within_its_budget(deployment: Deployment, everyone: tuple[Cost, Cost]) -> None:
    cost, smaller = everyone
    million = cost.at(shards_for(MILLION), smaller)
    deployment.ledger.append(f"{f'to {MILLION:,}, extrapolated':<42}{million}")
    assert million.used.reads <= 2 * million.chunks + SPARE
    assert million.used.writes <= 4 * million.chunks + SPARE
    # The fan-out's own tasks, one for each thousand chunks, are not seen in a broadcast of fewer.
    assert million.tasks + million.chunks // CHUNKS_A_TASK <= million.chunks + ceil(million.chunks / CHUNKS_A_TASK)


def test_cost_table_reckons_with_no_less_than_was_counted(everyone: tuple[Cost, Cost]) -> None:
    cost, smaller = everyone
    chunks = cost.chunks - smaller.chunks
    assert (cost.used.reads - smaller.used.reads) / chunks <= MEASURED.reads_a_chunk
    assert (cost.used.writes - smaller.used.writes) / chunks <= MEASURED.writes_a_chunk
    assert smaller.used.reads - smaller.chunks * MEASURED.reads_a_chunk <= MEASURED.reads_a_broadcast
    assert smaller.used.writes - smaller.chunks * MEASURED.writes_a_chunk <= MEASURED.writes_a_broadcast


def test_segment_of_few_is_packed_into_full_chunks_first(deployment: Deployment) -> None:
    tenant = deployment.audience(DEVICES)
    shards = shards_for(DEVICES)
    cost, notification = deployment.broadcast(f"to an eighth of {DEVICES:,}", tenant, {"segment": {"locale": [LOCALE]}})
    now = notification.planned_at
    wanted = {found.id for found in (device(number, now) for number in range(DEVICES)) if found.locale == LOCALE}
    assert len(wanted) == DEVICES // LOCALES
    assert (notification.status, notification.counts.sent) == (NotificationStatus.COMPLETED, len(wanted))
    assert {device_id for device_id, _ in deployment.sender.sent} == wanted
    assert cost.chunks < shards / 4
    # Beside the shards themselves a sample of them is read, and two documents at each step.
    assert cost.used.reads <= shards + 2 * cost.chunks + 2 * SPARE
    assert cost.used.writes <= 5 * cost.chunks + SPARE
