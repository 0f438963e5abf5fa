"""`/analytics` as the API takes and shows it: which days, which rows, what is wrong and by which name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from fanfare.domain.analytics import Amounts, Row, RowKey
from fanfare.domain.client import Scope
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.limits import LimitGroup
from fanfare.ports import Deps
from fanfare.services.show_analytics import DayTotal, daily_totals
from fanfare.web.api import build_api
from fanfare.web.fanout_tasks import Task, parse_task
from tests.factories import NOW, TENANT_ID, a_client, client_token
from tests.fakes import RecordingTaskQueue
from tests.fakes.tasks import FanoutTask
from tests.surface.surface import CREDENTIALS, PREFIX, some_deps

DAY = NOW.date()
KEY = RowKey(DAY, "client-1", "news", "android", "order")
ZEROS = {"total_sent": 0, "total_delivered": 0, "total_read": 0, "total_failed": 0, "cleaned": 0, "avg_delivery_time_ms": None}


@pytest.fixture
def deps() -> Deps:
    """A tenant with rows of two days, and another one whose rows are its own."""
    deps = some_deps()
    rows = [
        Row(KEY, Amounts(3, 1, 2, 1, 0, 900, 2)),
        Row(KEY._replace(platform="ios", template=None), Amounts(2)),
        Row(RowKey(DAY, platform="ios"), Amounts(cleaned=4)),
        Row(KEY._replace(day=DAY - timedelta(days=1), client_id="client-2"), Amounts(5)),
    ]
    deps.analytics.add(TENANT_ID, "mark-1", rows, NOW)
    deps.analytics.add("globex", "mark-1", [Row(KEY, Amounts(99))], NOW)
    return deps


@pytest.fixture
def api(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client()


def _get(api: FlaskClient, path: str = "/analytics", **query: Any) -> Any:
    response = api.get(PREFIX + path, query_string=query, headers=CREDENTIALS)
    assert response.status_code == 200, response.json
    return response.json


def _fields(api: FlaskClient, path: str, **query: Any) -> set[str]:
    response = api.get(PREFIX + path, query_string=query, headers=CREDENTIALS)
    assert (response.status_code, response.json["code"]) == (400, "invalid_request")
    return {error["field"] for error in response.json["errors"]}


def test_last_thirty_days_are_shown_by_day(api: FlaskClient) -> None:
    shown = _get(api)
    first = DAY - timedelta(days=29)
    assert (shown["from"], shown["to"], shown["interval"], len(shown["items"])) == (first.isoformat(), DAY.isoformat(), "day", 30)
    assert shown["items"][0] == {"from": first.isoformat(), "to": first.isoformat(), "group": {}, **ZEROS}
    assert shown["items"][-1] == {
        "from": DAY.isoformat(), "to": DAY.isoformat(), "group": {}, "total_sent": 5, "total_failed": 1, "total_delivered": 2, "total_read": 1,
        "cleaned": 4, "avg_delivery_time_ms": 450,
    }  # fmt: skip
    assert (shown["total"]["total_sent"], shown["total"]["cleaned"]) == (10, 4)


def test_days_are_shown_with_those_of_nothing(api: FlaskClient) -> None:
    shown = _get(api, "/analytics/daily", **{"from": (DAY - timedelta(days=2)).isoformat()})
    assert [(item["day"], item["total_sent"]) for item in shown["items"]] == [
        ((DAY - timedelta(days=2)).isoformat(), 0),
        ((DAY - timedelta(days=1)).isoformat(), 5),
        (DAY.isoformat(), 5),
    ]
    assert shown["items"][0] == {"day": (DAY - timedelta(days=2)).isoformat(), **ZEROS}
    assert shown["total"]["total_sent"] == 10


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ({"client_id": "client-2"}, 5),
        ({"topic": "news"}, 10),
        ({"platform": "android"}, 8),
        ({"platform": "android", "client_id": "client-1", "topic": "news", "template": "order"}, 3),
        ({"topic": "other"}, 0),
    ],
)
def test_filters_combine(api: FlaskClient, query: dict[str, str], sent: int) -> None:
    assert _get(api, **query)["total"]["total_sent"] == sent
    assert _get(api, "/analytics/daily", **query)["total"]["total_sent"] == sent


def test_groups_are_shown_with_what_has_none(api: FlaskClient) -> None:
    shown = _get(api, interval="month", group_by=["template", "platform"], **{"from": DAY.isoformat()})
    assert [(item["group"], item["total_sent"], item["cleaned"]) for item in shown["items"]] == [
        ({"template": None, "platform": "ios"}, 2, 4),
        ({"template": "order", "platform": "android"}, 3, 0),
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-31"}, "from"),
        ({"from": "20261124"}, "from"),
        ({"from": "2026-W48-2"}, "from"),
        ({"from": "1999-12-31"}, "from"),
        ({"to": "3000-01-01"}, "to"),
        ({"to": ""}, "to"),
        ({"from": "2026-11-24", "to": "2026-11-23"}, "to"),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "from"),
        ({"platform": "blackberry"}, "platform"),
        ({"topic": "a b"}, "topic"),
        ({"template": "x" * 101}, "template"),
        ({"client_id": ""}, "client_id"),
        ({"first": "2026-11-24"}, "first"),
        ({"day": "2026-11-24"}, "day"),
    ],
)
def test_wrong_field_is_named(api: FlaskClient, query: dict[str, str], field: str) -> None:
    assert _fields(api, "/analytics", **query) == {field}
    assert _fields(api, "/analytics/daily", **query) == {field}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"interval": "year"}, "interval"),
        ({"group_by": ["platform", "platform"]}, "group_by"),
        ({"group_by": ["platform", "topic", "template"]}, "group_by"),
        ({"group_by": "day"}, "group_by.0"),
    ],
)
def test_wrong_summing_is_named(api: FlaskClient, query: dict[str, Any], field: str) -> None:
    assert _fields(api, "/analytics", **query) == {field}


def test_more_rows_than_one_answer_is_summed_of_are_refused(deps: Deps, api: FlaskClient) -> None:
    deps.analytics.add(TENANT_ID, "many", [Row(KEY._replace(template=f"t{number}"), Amounts(1)) for number in range(10_000)], NOW)
    assert _fields(api, "/analytics", group_by="platform") == {"from"}
    assert _get(api)["total"]["total_sent"] == 10_010, "the totals are few whatever the rows"
    assert _get(api, template="t1", group_by="platform")["total"]["total_sent"] == 1


def test_fleet_is_shown_where_it_is_pinged(deps: Deps, api: FlaskClient) -> None:
    assert _get(api)["keepalive"] is None
    pinging = KeepaliveSettings(enabled=True)
    deps.tenants.update(TENANT_ID, lambda stored: replace(stored, settings=replace(stored.settings, keepalive=pinging)))
    assert _get(api)["keepalive"] == {"replied": 0, "silent": 0, "stopped": 0}


def test_limit_is_that_of_analytics(deps: Deps) -> None:
    deps.clients.create(a_client(id="client-3", limits={LimitGroup.ANALYTICS: 2}))
    api = build_api(deps).test_client()
    headers = {"Client-ID": "client-3", "Client-Token": client_token("client-3")}
    statuses = [api.get(f"{PREFIX}{path}", headers=headers).status_code for path in ("/analytics", "/analytics/daily", "/analytics")]
    assert statuses == [200, 200, 429]


def test_recomputation_is_accepted_and_said_in_the_audit_log(deps: Deps, api: FlaskClient) -> None:
    response = api.post(f"{PREFIX}/analytics/recompute", json={"day": DAY.isoformat()}, headers=CREDENTIALS)
    assert (response.status_code, response.json) == (202, {"day": DAY.isoformat()})
    assert isinstance(deps.tasks, RecordingTaskQueue)
    [task] = deps.tasks.fanouts
    assert task == FanoutTask("recomputation", TENANT_ID, (DAY.isoformat(),), task.request_id)
    entries = api.get(f"{PREFIX}/audit", query_string={"action": "analytics.recomputed"}, headers=CREDENTIALS).json["items"]
    assert [(entry["resource"], entry["resource_ids"]) for entry in entries] == [("analytics", [DAY.isoformat()])]


@pytest.mark.parametrize("day", ["2026-13-01", 20261124, None, "2020-01-01", (DAY + timedelta(days=1)).isoformat()])
def test_day_that_can_not_be_recomputed_is_named(deps: Deps, api: FlaskClient, day: object) -> None:
    response = api.post(f"{PREFIX}/analytics/recompute", json={"day": day}, headers=CREDENTIALS)
    assert (response.status_code, [error["field"] for error in response.json["errors"]]) == (400, ["day"])
    assert isinstance(deps.tasks, RecordingTaskQueue)
    assert deps.tasks.fanouts == []


@pytest.mark.parametrize("scope", [Scope.READ, Scope.SEND])
def test_recomputing_is_for_admins(deps: Deps, scope: Scope) -> None:
    deps.clients.create(a_client(id="client-3", scopes=frozenset({scope})))
    headers = {"Client-ID": "client-3", "Client-Token": client_token("client-3")}
    response = build_api(deps).test_client().post(f"{PREFIX}/analytics/recompute", json={"day": DAY.isoformat()}, headers=headers)
    assert response.status_code == 403


def test_last_days_are_told_in_the_words_of_fcmpy(deps: Deps) -> None:
    assert daily_totals(deps, TENANT_ID, 3) == [
        DayTotal(DAY - timedelta(days=2), 0, 0, 0),
        DayTotal(DAY - timedelta(days=1), 5, 0, 0),
        DayTotal(DAY, 5, 1, 4),
    ]


@pytest.mark.parametrize(
    ("content", "task"),
    [
        ({"work": "tally"}, Task("tally", "acme")),
        ({"work": "receipts"}, Task("receipts", "acme")),
        ({"work": "tally", "after": "n-1"}, Task("tally", "acme", after="n-1")),
        ({"work": "tally", "after": 1}, None),
        ({"work": "tally", "after": "x" * 257}, None),
        ({"work": "recomputation", "day": "2026-11-24"}, Task("recomputation", "acme", day=DAY)),
        ({"work": "recomputation", "day": "2026-11-24", "after": "1.n-1"}, Task("recomputation", "acme", day=DAY, after="1.n-1")),
        ({"work": "recomputation", "day": "2026-11-24", "after": []}, None),
        ({"work": "recomputation", "day": "today"}, None),
        ({"work": "recomputation", "day": 20261124}, None),
        ({"work": "recomputation"}, None),
        ({"work": ["tally"]}, None),
    ],
)
def test_tasks_of_the_rollup_are_read(content: dict[str, object], task: Task | None) -> None:
    assert parse_task({"tenant": "acme", **content}) == task
