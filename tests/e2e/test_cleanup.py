"""The daily cleanup, from outside: what a tenant has kept for long enough is gone after the tick, and the numbers and the audit log say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from fanfare.ports import Deps
from local.stack import Stack
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Cloud, Tenant, content_of, fresh, problem_of, wait_for_status

Age = Callable[..., None]


@pytest.fixture
def age(deps: Deps, own_tenant: Tenant) -> Age:
    """Makes a document of the tenant so many days older than it is, as time would."""
    store: Any = deps.devices

    def make_older(path: str, *fields: str, days: int) -> None:
        at = datetime.now(UTC) - timedelta(days=days)
        store._firestore.document(f"tenants/{own_tenant.id}/{path}").update(dict.fromkeys(fields, at))

    return make_older


@pytest.fixture
def own_api(own_tenant: Tenant) -> Api:
    return own_tenant.api()


def _tick(stack: Stack, cloud: Cloud) -> Any:
    """The tick, as Cloud Scheduler calls it; returns once its tasks are done."""
    url = stack.environment["CLEANUP_URL"]
    token = cloud.identity_token(stack.environment["SCHEDULER_SERVICE_ACCOUNT"], url)
    response = requests.post(url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS)
    cloud.wait_idle()
    return content_of(response, 200)


def _tell(api: Api) -> list[dict[str, str]]:
    items = api.get("/audit/", params={"action": "cleanup.performed", "limit": 100})["items"]
    return [item["facts"] for item in items]


def test_devices_that_were_deleted_or_inactive_for_a_month_are_wiped_and_counted(stack: Stack, cloud: Cloud, own_api: Api, age: Age) -> None:
    deleted, inactive, idle, kept = (own_api.register(token=fresh("token")) for _ in range(4))
    own_api.call("DELETE", f"/devices/{deleted['id']}")
    own_api.post(f"/devices/{inactive['id']}/deactivate", None, 200)
    age(f"devices/{deleted['id']}", "inactive_since", days=31)
    age(f"devices/{inactive['id']}", "inactive_since", "purgeable_since", days=31)
    age(f"devices/{idle['id']}", "last_seen_at", days=271)
    assert _tick(stack, cloud)["tenants"] >= 1
    shown = {device["id"]: device["inactive_reason"] for device in own_api.get("/devices/", params={"limit": 100})["items"]}
    assert shown == {idle["id"]: "idle", kept["id"]: None}
    problem_of(own_api.call("POST", f"/devices/{deleted['id']}/activate"), 404)
    assert _tell(own_api) == [{"idle_targets": "1", "inactive_devices": "1", "deleted_devices": "1"}]
    today = datetime.now(UTC).date()
    days = own_api.get("/analytics/daily/", params={"from": (today - timedelta(days=1)).isoformat(), "to": today.isoformat()})["items"]
    assert sum(day["cleaned"] for day in days) == 2
    _tick(stack, cloud)
    assert len(_tell(own_api)) == 1, "nothing was left to do"


def test_notification_goes_in_steps_as_it_ages(stack: Stack, cloud: Cloud, own_api: Api, age: Age) -> None:
    sent = own_api.send({"device_ids": [own_api.register()["id"]]})
    wait_for_status(own_api, sent)
    age(f"notifications/{sent}", "completed_at", days=8)
    _tick(stack, cloud)
    assert own_api.get(f"/notifications/{sent}/")["counts"]["sent"] == 1
    assert _tell(own_api) == [{"recipients": "1"}]
    age(f"notifications/{sent}", "completed_at", days=91)
    _tick(stack, cloud)
    problem_of(own_api.call("GET", f"/notifications/{sent}/"), 404)


def test_tenants_own_days_count(stack: Stack, cloud: Cloud, own_tenant: Tenant, own_api: Api, age: Age) -> None:
    own_api.put(f"/apps/{own_tenant.id}/", {"retention_days": {"inactive_devices": 60}})
    device = own_api.register()
    own_api.post(f"/devices/{device['id']}/deactivate", None, 200)
    age(f"devices/{device['id']}", "inactive_since", "purgeable_since", days=31)
    _tick(stack, cloud)
    assert own_api.get(f"/devices/{device['id']}/")["active"] is False
    assert _tell(own_api) == []


def test_erased_person_leaves_no_trace_after_a_month(stack: Stack, cloud: Cloud, own_api: Api, age: Age) -> None:
    name = fresh("person")
    device = own_api.register(username=name)
    (profile,) = own_api.get("/profiles/", params={"username": name})["items"]
    own_api.call("DELETE", f"/profiles/{profile['id']}")
    age(f"profiles/{profile['id']}", "deleted_at", days=31)
    _tick(stack, cloud)
    problem_of(own_api.call("GET", f"/profiles/{profile['id']}/"), 404)
    problem_of(own_api.call("GET", f"/devices/{device['id']}/"), 404)
    assert _tell(own_api) == [{"profiles": "1"}]
