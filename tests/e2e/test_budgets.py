"""What an operation costs in Firestore and Cloud Tasks, counted and not timed: the budgets of docs/data-model.md.

The functions run in this process, as functions-framework serves them, against the emulator behind a counting proxy. Rate limits and the audit log
are not built yet; their share of the budgets is free.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import functions_framework
import pytest
from flask.testing import FlaskClient

from fanfare.domain.event import EventKind
from fanfare.domain.keepalive import Keepalive, KeepaliveState
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.limits import LimitGroup
from fanfare.domain.listening import Listening
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.ports import Deps
from local.settings import ROOT
from local.stack import Stack
from tests.e2e.counting_proxy import CountingProxy, Usage, counting_proxy
from tests.e2e.harness import Cloud, Simulator, Tenant, fresh
from tests.factories import a_device, a_token

MAIN = str(ROOT / "functions" / "main.py")
# Nobody listens there: the tasks wait, and the tests do what Cloud Tasks would do.
SEND_URL = "http://127.0.0.1:9/"


@dataclass
class Functions:
    """`api`, `send` and `fanout` as functions-framework runs them, and a ledger of what operations cost."""

    api: FlaskClient
    send: FlaskClient
    fanout: FlaskClient
    proxy: CountingProxy
    cloud: Cloud
    tenant: str
    headers: dict[str, str]
    bearer: dict[str, str]
    fanout_bearer: dict[str, str]
    ledger: list[str] = field(default_factory=list)

    def post(self, path: str, body: Any, status: int) -> Any:
        """Call `api`."""
        answer = self.api.post(f"/api/v1{path}", json=body, headers=self.headers)
        assert answer.status_code == status, answer.text
        return answer.json

    def deliver(self, notification_id: str) -> None:
        """Call `send` as Cloud Tasks does."""
        task = {"tenant": self.tenant, "notification": notification_id, "chunk": 0, "request_id": "budget"}
        answer = self.send.post("/", json=task, headers=self.bearer)
        assert (answer.status_code, answer.json) == (200, {"result": "finished"})

    def ping(self, tenant: str) -> None:
        """Call `fanout` as Cloud Tasks does for a page of devices to ping."""
        answer = self.fanout.post("/", json={"work": "keepalive", "tenant": tenant, "request_id": "budget"}, headers=self.fanout_bearer)
        assert (answer.status_code, answer.json) == (200, {"result": "finished"})

    def register(self, count: int) -> tuple[str, list[str]]:
        """Register devices of one new person; returns their username and tokens."""
        username, tokens = fresh("budget"), [fresh("budget-token") for _ in range(count)]
        self.post("/devices/bulk", {"devices": [{"token": token, "username": username} for token in tokens]}, 200)
        return username, tokens

    def notify(self, username: str) -> str:
        """Ask for a push; returns its id."""
        accepted: str = self.post("/notify", {"to": {"usernames": [username]}, "title": "Hello", "priority": "high"}, 202)["id"]
        return accepted

    def cost(self, operation: str, perform: Callable[[], object]) -> tuple[Usage, int]:
        """Perform an operation; returns what it cost and how many tasks it made."""
        self.proxy.usage, tasks = Usage(), self.cloud.created_tasks()
        perform()
        used, made = self.proxy.usage, self.cloud.created_tasks() - tasks
        self.ledger.append(f"{operation:<48}{used.read_calls:>6}{used.reads:>7}{used.commits:>9}{used.writes:>8}{made:>7}")
        return used, made


COUNTED = dict.fromkeys(LimitGroup, 3_999)
"""The highest limits of which every request is counted by a write of its own."""


@pytest.fixture(scope="module")
def functions(stack: Stack, deps: Deps, cloud: Cloud) -> Iterator[Functions]:
    """Warm instances of both functions: client, tenant and keys are cached, as in all requests but an instance's first."""
    tenant = Tenant.create(deps, stack)
    with counting_proxy(stack.firestore_host) as (proxy, address), pytest.MonkeyPatch.context() as environment:
        for name, value in {**stack.environment, "FIRESTORE_EMULATOR_HOST": address, "SEND_URL": SEND_URL, "WEBHOOK_URL": SEND_URL}.items():
            environment.setenv(name, value)
        api, send, fanout = (functions_framework.create_app(target, MAIN).test_client() for target in ("api", "send", "fanout"))
        tokens = [cloud.identity_token(stack.environment["TASKS_SERVICE_ACCOUNT"], url) for url in (SEND_URL, stack.environment["FANOUT_URL"])]
        bearers = [{"Authorization": f"Bearer {token}"} for token in tokens]
        running = Functions(api, send, fanout, proxy, cloud, tenant.id, tenant.credentials(limits=COUNTED).headers, *bearers)
        running.deliver(running.notify(running.register(1)[0]))
        yield running
    cloud.purge()
    sys.stdout.write(f"\n{'operation':<48}{'calls':>6}{'reads':>7}{'commits':>9}{'writes':>8}{'tasks':>7}\n" + "\n".join(running.ledger) + "\n")


def _heard(functions: Functions, deps: Deps, stack: Stack, listening: Listening) -> Functions:
    """The same functions for a new tenant, whose events somebody listens to."""
    tenant = Tenant.create(deps, stack)
    assert deps.tenants.update(tenant.id, lambda stored: replace(stored, listening=listening))
    heard = replace(functions, tenant=tenant.id, headers=tenant.credentials(limits=COUNTED).headers)
    heard.deliver(heard.notify(heard.register(1)[0]))
    return heard


@pytest.mark.parametrize("devices", [1, 3, 20])
def test_notify_to_one_profile(functions: Functions, devices: int) -> None:
    username, _ = functions.register(devices)
    used, tasks = functions.cost(f"POST /notify to one profile with {devices} devices", lambda: functions.notify(username))
    assert used.reads <= 1 + devices
    assert (used.commits, used.writes, tasks) == (2, 3, 1)


def test_notify_to_nobody(functions: Functions) -> None:
    used, tasks = functions.cost("POST /notify to nobody", lambda: functions.notify(fresh("nobody")))
    assert (used.reads, used.commits, used.writes, tasks) == (1, 2, 2, 0)


def test_first_attempt_of_a_chunk_of_500_all_accepted(functions: Functions, fcm: Simulator) -> None:
    username, tokens = functions.register(500)
    notification_id = functions.notify(username)
    started = time.monotonic()
    used, tasks = functions.cost("send, first attempt of a chunk of 500", lambda: functions.deliver(notification_id))
    # A pass that takes longer than a second stores a checkpoint, at most one a second.
    checkpoints = int(time.monotonic() - started)
    assert (used.reads, tasks) == (2, 0)
    assert used.commits <= 2 + checkpoints
    assert used.writes <= 3 + checkpoints
    assert [fcm.record(token)["accepted"] for token in (tokens[0], tokens[-1])] == [1, 1]


KINDS = frozenset({EventKind.NOTIFICATION_SENT, EventKind.NOTIFICATION_COMPLETED, EventKind.DEVICE_REGISTERED})
READER = Listening(readers={kind.value: datetime(2100, 1, 1, tzinfo=UTC) for kind in KINDS})


@pytest.mark.parametrize(("listening", "webhooks"), [(READER, 0), (Listening(webhooks={"one": KINDS, "two": KINDS}), 2)], ids=["reader", "webhooks"])
def test_listeners_cost_a_document_for_each_kind_and_one_for_each_webhook(
    functions: Functions, deps: Deps, stack: Stack, listening: Listening, webhooks: int
) -> None:
    heard = _heard(functions, deps, stack, listening)
    username, _ = heard.register(500)
    notification_id = heard.notify(username)
    started = time.monotonic()
    used, tasks = heard.cost(f"send to 500, a reader or {webhooks} webhooks listening", lambda: heard.deliver(notification_id))
    checkpoints = int(time.monotonic() - started)
    assert used.reads == 2
    assert used.commits <= 2 + checkpoints
    assert used.writes <= 3 + 2 * (1 + webhooks) + checkpoints
    assert tasks == 2 * webhooks
    body = {"token": fresh("budget-token"), "username": username}
    used, tasks = heard.cost(f"register, a reader or {webhooks} webhooks listening", lambda: heard.post("/devices", body, 201))
    assert used.reads <= 2
    assert (used.commits, used.writes, tasks) == (2, 4 + 1 + webhooks, webhooks)
    body["app_version"] = "2"
    used, tasks = heard.cost("refresh, which nobody is told of", lambda: heard.post("/devices", body, 200))
    assert (used.commits, used.writes, tasks) == (2, 3, 0)


def test_repeated_task_of_a_finished_chunk(functions: Functions) -> None:
    notification_id = functions.notify(functions.register(1)[0])
    functions.deliver(notification_id)
    used, tasks = functions.cost("send, repeated task of a finished chunk", lambda: functions.deliver(notification_id))
    assert used.reads <= 2
    assert (used.commits, tasks) == (1, 0)


def test_retired_targets_come_on_top_one_write_each(functions: Functions, fcm: Simulator) -> None:
    username, tokens = functions.register(10)
    notification_id = functions.notify(username)
    with fcm.answering(tokens[:3], error="UNREGISTERED"):
        used, tasks = functions.cost("send to 10 of which 3 are dead", lambda: functions.deliver(notification_id))
    assert used.reads <= 2 + 3
    assert (used.commits, used.writes, tasks) == (3, 3 + 3, 0)


def test_register_a_device_of_a_known_profile(functions: Functions) -> None:
    username, _ = functions.register(1)
    body = {"token": fresh("budget-token"), "username": username}
    used, tasks = functions.cost("register a device by known profile", lambda: functions.post("/devices", body, 201))
    assert used.reads <= 2
    assert (used.commits, used.writes, tasks) == (2, 4, 0)


def test_refresh_a_device(functions: Functions) -> None:
    username, (token,) = functions.register(1)
    body = {"token": token, "username": username, "app_version": "2"}
    used, tasks = functions.cost("register it again", lambda: functions.post("/devices", body, 200))
    assert used.reads <= 3
    assert (used.commits, used.writes, tasks) == (2, 3, 0)


def test_register_a_hundred_devices_in_one_call(functions: Functions) -> None:
    username, _ = functions.register(1)
    body = {"devices": [{"token": fresh("budget-token"), "username": username} for _ in range(100)]}
    used, tasks = functions.cost("register 100 devices in one call", lambda: functions.post("/devices/bulk", body, 200))
    assert used.reads <= 1 + 100
    assert (used.commits, used.writes, tasks) == (2, 202, 0)


def test_keepalive_tick_of_500_due(functions: Functions, deps: Deps, stack: Stack) -> None:
    tenant = Tenant.create(deps, stack)
    due = Keepalive(KeepaliveState.PLANNED, next=datetime.now(UTC) - timedelta(minutes=1))
    for _ in range(5):
        plans = [RegistrationPlan(a_device(id=fresh("due"), target=a_token(fresh("due")), owners=(), keepalive=due)) for _ in range(100)]
        assert deps.devices.save(tenant.id, plans)
    # The last thing, so that no tick of the stack's own finds them first.
    assert deps.tenants.update(tenant.id, lambda stored: replace(stored, settings=TenantSettings(keepalive=KeepaliveSettings(enabled=True))))
    used, tasks = functions.cost("keepalive, a page of 500 due", lambda: functions.ping(tenant.id))
    assert used.reads <= 500 + 20
    assert (used.commits, used.writes, tasks) == (1, 500 + 2, 1)
    idle, tasks = functions.cost("keepalive, nobody due", lambda: functions.ping(tenant.id))
    assert idle.reads <= 20
    assert (idle.commits, tasks) == (0, 0)


def test_refused_requests_cost_no_more_than_their_count(functions: Functions) -> None:
    used, tasks = functions.cost("POST /notify that is refused", lambda: functions.post("/notify", {"to": {"usernames": ["a"]}, "title": 1}, 400))
    assert (used, tasks) == (Usage(commits=1, writes=1), 0)


def test_template_costs_no_read_where_it_is_at_hand_and_none_in_the_send(functions: Functions) -> None:
    username, _ = functions.register(2)
    name = functions.post("/templates", {"name": fresh("budget-template"), "body": "Hello {{username}}"}, 201)["name"]
    body = {"to": {"usernames": [username]}, "template": name}
    cold, _ = functions.cost("POST /notify by a template", lambda: functions.post("/notify", body, 202))
    ids: list[str] = []
    warm, tasks = functions.cost("POST /notify by a template at hand", lambda: ids.append(functions.post("/notify", body, 202)["id"]))
    sent, _ = functions.cost("send by a template", lambda: functions.deliver(ids[0]))
    assert cold.reads <= 1 + 2 + 1
    assert (warm.reads <= 1 + 2, warm.commits <= 2, warm.writes <= 3, tasks) == (True, True, True, 1)
    assert (sent.reads, sent.commits) == (2, 2)
