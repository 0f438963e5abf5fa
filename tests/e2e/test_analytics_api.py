"""`/analytics`, from outside: what was sent is in it after the rollup's tick, once, and a day can be recomputed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests

from fanfare.domain.analytics import Amounts, Row, RowKey
from fanfare.domain.client import Scope
from fanfare.ports import Deps
from local.stack import Stack
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, content_of, fields_of, fresh, problem_of, wait_for_status


def _tick(stack: Stack, cloud: Cloud) -> Any:
    """The rollup's tick, as Cloud Scheduler calls it; returns once its tasks are done."""
    url = stack.environment["ROLLUP_URL"]
    token = cloud.identity_token(stack.environment["SCHEDULER_SERVICE_ACCOUNT"], url)
    response = requests.post(url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS)
    cloud.wait_idle()
    return content_of(response, 200)["rolled_up"]


def _days(api: Api, *notification_ids: str) -> tuple[str, str]:
    """The days on which these were created: a test may run past midnight."""
    created = sorted(api.get(f"/notifications/{name}/")["created_at"][:10] for name in notification_ids)
    return created[0], created[-1]


def _figures(api: Api, days: tuple[str, str], *group_by: str, **query: Any) -> dict[tuple[str | None, ...], tuple[int, int]]:
    asked = {"from": days[0], "to": days[1], "interval": "month", "group_by": list(group_by), **query}
    items = api.get("/analytics/", params=asked)["items"]
    figures: dict[tuple[str | None, ...], tuple[int, int]] = {}
    for item in items:
        key = tuple(item["group"][name] for name in group_by)
        sent, failed = figures.get(key, (0, 0))
        figures[key] = (sent + item["total_sent"], failed + item["total_failed"])
    return figures


@pytest.fixture
def sent(own_tenant: Tenant, fcm: Simulator) -> tuple[Api, list[str]]:
    """Three notifications that have been sent: by template to an Android phone and a dead iPhone, to a topic, and of many chunks."""
    api, template, dead = own_tenant.api(), fresh("template"), fresh("token")
    api.post("/templates/", {"name": template, "title": "Hello", "body": "There"}, 201)
    phones = [api.register()["id"], api.register(platform="ios", token=dead)["id"]]
    with fcm.answering([dead], error="UNREGISTERED"):
        names = [api.send({"device_ids": phones}, template=template)]
        wait_for_status(api, names[0])
    names.append(api.send({"topic": "news"}))
    messages = [{"to": {"device_ids": [api.register()["id"]]}, "title": f"Number {number}"} for number in range(3)]
    names.append(api.post("/notify/bulk/", {"messages": messages}, 202)["id"])
    for name in names:
        wait_for_status(api, name)
    return api, names


def test_what_was_sent_is_counted_once_by_everything_it_is_filtered_by(
    sent: tuple[Api, list[str]], own_tenant: Tenant, stack: Stack, cloud: Cloud
) -> None:
    api, names = sent
    _tick(stack, cloud)
    _tick(stack, cloud)
    days, template = _days(api, *names), api.get(f"/notifications/{names[0]}/")["template"]
    assert _figures(api, days, "platform") == {("android",): (4, 0), ("ios",): (0, 1), (None,): (1, 0)}
    assert _figures(api, days, "template", "platform") == {
        (None, None): (1, 0), (None, "android"): (3, 0), (template, "android"): (1, 0), (template, "ios"): (0, 1),
    }  # fmt: skip
    assert _figures(api, days, "client_id") == {(api.headers["Client-ID"],): (5, 1)}
    assert _figures(api, days, topic="news") == {(): (1, 0)}
    assert _figures(api, days, platform="android", template=template) == {(): (1, 0)}
    daily = api.get("/analytics/daily/", params={"from": days[0], "to": days[1]})
    assert (daily["total"]["total_sent"], daily["total"]["total_failed"]) == (5, 1)
    assert own_tenant.api().get("/analytics/daily/")["total"] == daily["total"], "today is among the last thirty days"


def test_other_tenants_see_nothing_of_it(sent: tuple[Api, list[str]], tenant: Tenant, stack: Stack, cloud: Cloud) -> None:
    api, names = sent
    _tick(stack, cloud)
    days = _days(api, *names)
    assert _figures(tenant.api(), days, client_id=api.headers["Client-ID"]) == {(): (0, 0)}


def test_day_that_somebody_has_changed_is_recomputed(sent: tuple[Api, list[str]], own_tenant: Tenant, deps: Deps, stack: Stack, cloud: Cloud) -> None:
    api, names = sent
    _tick(stack, cloud)
    days = _days(api, *names)
    wrong = RowKey(date.fromisoformat(days[0]), api.headers["Client-ID"], None, "android")
    deps.analytics.add(own_tenant.id, "wrong", [Row(wrong, Amounts(50, 7))], datetime.now(UTC))
    assert _figures(api, days) == {(): (55, 8)}
    for day in dict.fromkeys(days):
        assert api.post("/analytics/recompute/", {"day": day}, 202) == {"day": day}
    cloud.wait_idle()
    assert _figures(api, days) == {(): (5, 1)}
    assert _figures(api, days, "platform") == {("android",): (4, 0), ("ios",): (0, 1), (None,): (1, 0)}
    _tick(stack, cloud)
    assert _figures(api, days) == {(): (5, 1)}


def test_recomputing_is_for_admins_and_days_that_are_kept(own_tenant: Tenant) -> None:
    today = datetime.now(UTC).date()
    problem_of(own_tenant.api(Scope.READ, Scope.SEND).call("POST", "/analytics/recompute/", json={"day": today.isoformat()}), 403)
    for day in (today + timedelta(days=2), today - timedelta(days=91)):
        problem = problem_of(own_tenant.api().call("POST", "/analytics/recompute/", json={"day": day.isoformat()}), 400)
        assert fields_of(problem) == {"day"}


def test_days_that_can_not_be_shown_are_named(api: Api) -> None:
    assert fields_of(problem_of(api.call("GET", "/analytics/", params={"from": "2025-01-01", "to": "2026-01-02"}), 400)) == {"from"}
    assert fields_of(problem_of(api.call("GET", "/analytics/daily/", params={"to": "tomorrow"}), 400)) == {"to"}
