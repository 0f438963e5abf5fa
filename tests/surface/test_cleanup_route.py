"""The daily tick and the task that it makes of each tenant."""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.device import InactiveReason
from fanfare.web.cleanup import build_cleanup
from fanfare.web.fanout import build_fanout
from fanfare.web.fanout_tasks import Task, parse_task
from tests.factories import TENANT_ID
from tests.fakes import ScriptedCallAuthenticator
from tests.unit.services.cleaning import Attic

HEADERS = {"Authorization": "Bearer token"}


def test_tick_says_for_how_many_tenants_it_asked() -> None:
    attic = Attic()
    deps = replace(attic.deps, call_authenticator=ScriptedCallAuthenticator({("cleanup", "token"): None}))
    answer = build_cleanup(deps).test_client().post("/", headers=HEADERS)
    assert (answer.status_code, answer.json) == (200, {"result": "finished", "tenants": 1})
    assert [(task.work, task.tenant) for task in attic.tasks.fanouts] == [("cleanup", TENANT_ID)]


def test_task_cleans_up_its_tenant() -> None:
    attic = Attic()
    attic.device("gone", InactiveReason.DELETED, days=31)
    content = {"work": "cleanup", "tenant": TENANT_ID, "request_id": "request-1"}
    assert parse_task(content) == Task("cleanup", TENANT_ID)
    deps = replace(attic.deps, call_authenticator=ScriptedCallAuthenticator({("fanout", "token"): None}))
    answer = build_fanout(deps).test_client().post("/", json=content, headers=HEADERS)
    assert (answer.status_code, answer.json) == (200, {"result": "finished"})
    assert attic.tombstones() == {"gone"}
