"""`/receipts`, from outside: what apps report of messages that FCM has given them is shown, told and counted; and what it costs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from fanfare.config import Settings
from fanfare.domain.event import EventKind
from fanfare.domain.event_cursor import EventPlace
from fanfare.domain.listening import Listening
from fanfare.domain.receipt import sign_receipt
from fanfare.domain.receipts import MOST_RECEIPTS, ReceiptEvent, ReceiptKey, Report
from fanfare.ports import Deps
from fanfare.services.roll_up_receipts import roll_up_receipts
from fanfare.services.take_receipts import take_receipts
from fanfare.wiring import build_deps
from local.readiness import wait_until
from local.stack import Stack
from tests.e2e.counting_proxy import CountingProxy, Usage, counting_proxy
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, fields_of, fresh, problem_of, wait_for_status
from tests.factories import a_call, a_notification
from tests.fakes import FixedClock

DELIVERED, READ = ReceiptEvent.DELIVERED, ReceiptEvent.READ
SUMMED_SECONDS = 40.0
LISTENING = Listening(readers=dict.fromkeys((EventKind.NOTIFICATION_DELIVERED, EventKind.NOTIFICATION_READ), datetime(2100, 1, 1, tzinfo=UTC)))


@pytest.fixture
def phone(api: Api) -> Iterator[Api]:
    """An app without any credential."""
    with Api(api.url) as app:
        yield app


def _send(api: Api, fcm: Simulator, platforms: tuple[str, ...] = ("android",), **fields: Any) -> tuple[str, dict[str, str]]:
    """Send to new devices; returns the notification's id and each device's token of the message, as its app finds it."""
    targets = {fresh("token"): platform for platform in platforms}
    devices = {api.register(token=target, platform=platform)["id"]: target for target, platform in targets.items()}
    name = api.send({"device_ids": list(devices)}, **fields)
    wait_for_status(api, name)
    return name, {device: fcm.only_message(target)["data"].get("fanfare_receipt") for device, target in devices.items()}


def _report(*said: tuple[str, str], **fields: Any) -> dict[str, Any]:
    return {"receipts": [{"token": token, "event": event, "at": datetime.now(UTC).isoformat()} for token, event in said], **fields}


def _tick(stack: Stack, cloud: Cloud) -> None:
    """The rollup's tick, as Cloud Scheduler calls it; returns once its tasks are done."""
    token = cloud.identity_token(stack.environment["SCHEDULER_SERVICE_ACCOUNT"], stack.environment["ROLLUP_URL"])
    requests.post(stack.environment["ROLLUP_URL"], headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS).raise_for_status()
    cloud.wait_idle()


def test_what_apps_report_is_shown_at_once_and_counted_after_the_tick(
    own_tenant: Tenant, phone: Api, fcm: Simulator, stack: Stack, cloud: Cloud
) -> None:
    api = own_tenant.api()
    name, tokens = _send(api, fcm, ("android", "web", "ios"))
    (android, came), (web, was_read), (silent, _) = tokens.items()
    for _ in range(2):
        said = _report((was_read, "read"), (came, "delivered"), (was_read, "delivered"), project=own_tenant.project)
        assert phone.post("/receipts/", said, 200) == {"accepted": 3, "items": []}
    assert (api.get(f"/notifications/{name}/status/")["counts"]["delivered"], api.get(f"/notifications/{name}/")["counts"]["read"]) == (2, 1)
    shown = {row["device_id"]: row for row in api.get(f"/notifications/{name}/deliveries/")["items"]}
    assert {device: (row["delivered_at"] is not None, row["read_at"] is not None) for device, row in shown.items()} == {
        android: (True, False), web: (True, True), silent: (False, False),
    }  # fmt: skip
    assert api.get(f"/notifications/{name}/devices/{web}/")["read_at"] == shown[web]["read_at"]

    def is_summed() -> bool:
        _tick(stack, cloud)
        [listed] = api.get("/notifications/", params={"limit": 1})["items"]
        return bool(listed["counts"]["delivered"] == 2 and listed["counts"]["read"] == 1)

    assert wait_until(is_summed, timeout_seconds=SUMMED_SECONDS)
    day = api.get(f"/notifications/{name}/")["created_at"][:10]
    figures = {
        item["group"]["platform"]: (item["total_sent"], item["total_delivered"], item["total_read"])
        for item in api.get("/analytics/", params={"from": day, "to": day, "interval": "month", "group_by": ["platform"]})["items"]
    }
    assert figures == {"android": (1, 1, 0), "web": (1, 1, 1), "ios": (1, 0, 0)}
    total = api.get("/analytics/daily/", params={"from": day, "to": day})["total"]
    assert 0 < total["avg_delivery_time_ms"] < 60_000
    _tick(stack, cloud)
    api.post("/analytics/recompute/", {"day": day}, 202)
    cloud.wait_idle()
    assert api.get("/analytics/daily/", params={"from": day, "to": day})["total"] == total


def test_whoever_listens_is_told_once(own_tenant: Tenant, deps: Deps, phone: Api, fcm: Simulator) -> None:
    # Before the API has heard of the tenant: it knows for a minute what it knew.
    assert deps.tenants.update(own_tenant.id, lambda tenant: replace(tenant, listening=LISTENING))
    name, tokens = _send(own_tenant.api(), fcm, ("android", "ios"))
    device, token = next(iter(tokens.items()))

    for _ in range(2):
        phone.post("/receipts/", _report(*((each, "delivered") for each in tokens.values()), project=own_tenant.project), 200)
        phone.post("/receipts/", _report((token, "read"), project=own_tenant.project), 200)
    events = deps.events.read_after(own_tenant.id, EventPlace(datetime(2020, 1, 1, tzinfo=UTC), "0"), datetime(2100, 1, 1, tzinfo=UTC), 9)
    told = [(event.kind, event.notification_ids) for event in events]
    assert told == [(EventKind.NOTIFICATION_DELIVERED, (name,)), (EventKind.NOTIFICATION_READ, (name,))]
    assert device.encode() in events[1].body
    assert token.encode() not in events[0].body


def test_bad_tokens_are_named_and_nothing_is_stored(api: Api, tenant: Tenant, own_tenant: Tenant, deps: Deps, phone: Api, fcm: Simulator) -> None:
    name, tokens = _send(api, fcm)
    _, foreign = _send(own_tenant.api(), fcm)
    (device, good), (other,) = next(iter(tokens.items())), foreign.values()
    old = a_notification(id=fresh("old"), tenant=tenant.id, created_at=datetime.now(UTC) - timedelta(days=91))
    deps.notifications.accept(old, [])
    late = sign_receipt(deps.receipt_keys.receipt_key(tenant.id), old.id, device)
    bad = [good[:-1] + ("A" if good[-1] != "A" else "B"), other, late, "a.b.c"]
    said = _report((good, "delivered"), *((token, "read") for token in bad), project=tenant.project)
    for caller in (phone, api):
        problem = problem_of(caller.call("POST", "/receipts/", json=said), 400)
        assert fields_of(problem) == {f"receipts.{index}.token" for index in (1, 2, 3, 4)}
    assert deps.receipts.get_many(tenant.id, [ReceiptKey(name, device), ReceiptKey(old.id, device)]) == {}
    for token in bad:
        problem_of(phone.call("POST", "/receipts/", json=_report((token, "read"), project=tenant.project)), 400 if token == late else 401)
    many = problem_of(api.call("POST", "/receipts/", json=_report(*[(good, "read")] * (MOST_RECEIPTS + 1))), 400)
    assert fields_of(many) == {"receipts"}
    skipped = phone.post("/receipts/", {**said, "on_invalid": "skip"}, 200)
    assert [item["error"] for item in skipped["items"]] == ["invalid", "invalid", "expired", "invalid"]
    assert list(deps.receipts.get_many(tenant.id, [ReceiptKey(name, device)])) == [ReceiptKey(name, device)]


def test_topics_message_is_reported_by_a_client_that_names_the_device(api: Api, tenant: Tenant, phone: Api, fcm: Simulator) -> None:
    topic, device = fresh("topic"), api.register()["id"]
    name = api.send({"topic": topic})
    wait_for_status(api, name)
    token = fcm.only_message(topic)["data"]["fanfare_receipt"]
    problem_of(phone.call("POST", "/receipts/", json=_report((token, "read"), project=tenant.project)), 401)
    said = {"receipts": [{"token": token, "event": "read", "device_id": device}]}
    assert api.post("/receipts/", said, 200)["accepted"] == 1
    assert fields_of(problem_of(api.call("POST", "/receipts/", json=_report((token, "read"))), 400)) == {"receipts.0.device_id"}


@pytest.mark.parametrize("platform", ["android", "ios", "web"])
def test_message_that_wants_no_receipts_carries_nothing_to_report_by(api: Api, fcm: Simulator, platform: str) -> None:
    name, tokens = _send(api, fcm, (platform,), receipts=False, data={"order": "1"})
    assert list(tokens.values()) == [None]
    assert api.get(f"/notifications/{name}/")["request"]["receipts"] is False
    _, usual = _send(api, fcm, (platform,), receipts=True)
    assert all(usual.values())


def test_each_message_of_many_says_for_itself_whether_it_wants_receipts(api: Api, fcm: Simulator) -> None:
    targets = [fresh("token"), fresh("token")]
    devices = [api.register(token=target)["id"] for target in targets]
    wanted = [
        {"to": {"device_ids": [device]}, "title": "Hello", "receipts": receipts} for device, receipts in zip(devices, (True, False), strict=True)
    ]
    wait_for_status(api, api.post("/notify/bulk/", {"messages": wanted}, 202)["id"])
    assert ["fanfare_receipt" in fcm.only_message(target)["data"] for target in targets] == [True, False]


@dataclass(frozen=True, slots=True)
class Counted:
    """The adapters behind the proxy, for a tenant to whose receipts somebody listens, and what was counted of each call."""

    deps: Deps
    proxy: CountingProxy
    tenant: str
    ledger: list[str]

    def accept(self) -> str:
        name = fresh("received")
        self.deps.notifications.accept(a_notification(id=name, tenant=self.tenant, created_at=datetime.now(UTC) - timedelta(minutes=1)), [])
        return name

    def reports(self, name: str, event: ReceiptEvent, count: int) -> list[Report]:
        key = self.deps.receipt_keys.receipt_key(self.tenant)
        return [Report(sign_receipt(key, name, f"device-{number}"), event) for number in range(count)]

    def take(self, *reports: Report) -> tuple[int, int, int]:
        """Reads, commits and documents written."""
        self.proxy.usage = Usage()
        take_receipts(self.deps, a_call(tenant=self.tenant), reports, skip_refused=False)
        used = self.proxy.usage
        self.ledger.append(f"{len(reports):>4} {reports[-1].event}: {used.reads} reads, {used.writes} writes in {used.commits} commits")
        return used.reads, used.commits, used.writes


@pytest.fixture
def counted(stack: Stack, own_tenant: Tenant) -> Iterator[Counted]:
    with counting_proxy(stack.firestore_host) as (proxy, address), pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", address)
        found = Counted(build_deps(Settings.from_env(stack.environment)), proxy, own_tenant.id, [])
        assert found.deps.tenants.update(own_tenant.id, lambda tenant: replace(tenant, listening=LISTENING))
        found.take(*found.reports(found.accept(), DELIVERED, 1))
        yield found
        sys.stdout.write("\n" + "\n".join(found.ledger) + "\n")


@pytest.mark.parametrize("count", [1, 20])
def test_receipt_costs_at_most_a_read_and_a_write_and_its_batch_an_event(counted: Counted, count: int) -> None:
    name = counted.accept()
    delivered, read = counted.reports(name, DELIVERED, count), counted.reports(name, READ, count)
    assert counted.take(*delivered) == (1, 1, count + 1), "when the message was asked for is read once"
    assert counted.take(*read) == (count, 1, count + 1)
    assert counted.take(*read) == (count, 0, 0)
    assert counted.take(*counted.reports(counted.accept(), READ, count)) == (count + 1, 1, count + 2), "of a message of which nothing was known"
    both = counted.accept()
    assert counted.take(*counted.reports(both, DELIVERED, count), *counted.reports(both, READ, count)) == (1, 1, count + 2)


def test_repeated_delivery_writes_nothing(counted: Counted) -> None:
    name = counted.accept()
    said = counted.reports(name, DELIVERED, 5)
    counted.take(*said)
    before = counted.deps.receipts.get_many(counted.tenant, [ReceiptKey(name, f"device-{number}") for number in range(5)])
    reads, commits, _ = counted.take(*said)
    # The one commit is the one that is refused, with nothing written: nobody looks before a first delivery.
    assert (commits, reads <= 2 * len(said)) == (1, True)
    after = counted.deps.receipts.get_many(counted.tenant, list(before))
    assert {key: receipt.revision for key, receipt in after.items()} == {key: receipt.revision for key, receipt in before.items()}


def test_summing_a_page_reads_each_receipt_and_its_device_and_writes_a_row_for_all(counted: Counted) -> None:
    later = replace(counted.deps, clock=FixedClock(datetime.now(UTC) + timedelta(minutes=1)))
    roll_up_receipts(later, "request-1")
    name = counted.accept()
    counted.take(*counted.reports(name, DELIVERED, 50))
    counted.proxy.usage = Usage()
    assert roll_up_receipts(later, "request-1") == 50
    used = counted.proxy.usage
    counted.ledger.append(f"  50 summed: {used.reads} reads, {used.writes} writes in {used.commits} commits")
    # Beside them: the place before and after each event's page, its message, when that was sent, and what comes after the last one.
    assert used.reads <= 2 * 50 + 8
    assert (used.commits, used.writes) == (1, 5), "the place, the message, its row, the day's total and the fleet's numbers"
    assert counted.deps.notifications.get(counted.tenant, name).counts.delivered == 50  # type: ignore[union-attr]
