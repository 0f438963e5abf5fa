"""`GET /apps/{id}/audience`: what a client is told of its tenant's audience, and who is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from flask.testing import FlaskClient

from fanfare.domain.audience import OVERLAP
from fanfare.domain.client import Scope
from fanfare.domain.registration import RegistrationPlan
from fanfare.ports import Deps
from fanfare.services.compact_audience import compact_audience
from fanfare.web.api import build_api
from fanfare.web.rollup import build_rollup
from tests.factories import NOW, TENANT_ID, a_client, a_device, client_token
from tests.fakes import FixedClock, RecordingTaskQueue, ScriptedCallAuthenticator
from tests.surface.surface import CREDENTIALS, PREFIX, some_deps

READER = {"Client-ID": "reader", "Client-Token": client_token("reader")}
SENDER = {"Client-ID": "sender", "Client-Token": client_token("sender")}


@pytest.fixture
def deps() -> Deps:
    found = some_deps(clock=FixedClock(NOW))
    found.clients.create(a_client(id="reader", scopes=frozenset({Scope.READ})))
    found.clients.create(a_client(id="sender", scopes=frozenset({Scope.SEND})))
    return found


@pytest.fixture
def api(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client()


def test_audience_is_shown_as_it_was_compacted(deps: Deps, api: FlaskClient) -> None:
    for number in range(3):
        deps.devices.save(TENANT_ID, [RegistrationPlan(a_device(id=f"device-{number}"))])
    compact_audience(deps, TENANT_ID, "request-1")
    cast("FixedClock", deps.clock).advance(timedelta(seconds=30))
    assert api.get(f"{PREFIX}/apps/{TENANT_ID}/audience", headers=READER).json == {
        "id": TENANT_ID,
        "devices": 3,
        "shards": 1,
        "generation": 1,
        "watermark_lag_seconds": (OVERLAP + timedelta(seconds=30)).total_seconds(),
        "compacted_at": "2026-11-24T08:00:00.000Z",
    }


def test_audience_that_was_never_compacted_is_empty_and_has_no_lag(api: FlaskClient) -> None:
    shown = api.get(f"{PREFIX}/apps/{TENANT_ID}/audience", headers=CREDENTIALS).json
    assert (shown["devices"], shown["shards"], shown["watermark_lag_seconds"], shown["compacted_at"]) == (0, 1, None, None)


@pytest.mark.parametrize(
    ("headers", "tenant", "status"), [(READER, "globex", 404), (CREDENTIALS, "globex", 404), (SENDER, TENANT_ID, 403), ({}, TENANT_ID, 401)]
)
def test_audience_is_shown_to_readers_of_the_tenant_alone(api: FlaskClient, headers: dict[str, str], tenant: str, status: int) -> None:
    assert api.get(f"{PREFIX}/apps/{tenant}/audience", headers=headers).status_code == status


def test_tick_says_what_it_did(deps: Deps) -> None:
    deps.devices.save(TENANT_ID, [RegistrationPlan(a_device())])
    tasks = RecordingTaskQueue()
    ticking = replace(deps, tasks=tasks, call_authenticator=ScriptedCallAuthenticator({("rollup", "token"): None}))
    answer = build_rollup(ticking).test_client().post("/", headers={"Authorization": "Bearer token"})
    assert (answer.status_code, answer.json) == (
        200,
        {"result": "finished", "rolled_up": {"tenants": 1, "generations": 0, "tallies": 0, "receipts": False, "ended": 0}},
    )
    assert [task.tenant for task in tasks.fanouts] == [TENANT_ID]
