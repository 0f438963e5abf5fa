"""What operators and their scrapers ask: `/metrics`, which takes a token alone, and `/health/ready`."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from fanfare.domain.client import Scope
from fanfare.domain.health import ComponentHealth, State
from fanfare.domain.metrics_text import CONTENT_TYPE
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.web.api import build_api
from tests.factories import a_client, client_token
from tests.fakes import FixedHealth
from tests.prometheus_text import read_metrics
from tests.surface.surface import CREDENTIALS, PREFIX, some_deps

TOKEN = client_token("scraper")
SCRAPER = {"Client-ID": "scraper", "Client-Token": TOKEN}
ALONE = {"Authorization": f"Bearer {TOKEN}"}


def _api(health: FixedHealth | None = None) -> FlaskClient:
    deps = some_deps(**({"health": health} if health else {}))
    deps.clients.create(a_client(id="scraper", tenant=PLATFORM_TENANT, scopes=frozenset({Scope.PLATFORM})))
    return build_api(deps).test_client()


@pytest.mark.parametrize("headers", [SCRAPER, ALONE, {"Authorization": f"bearer  {TOKEN} "}])
def test_scraper_is_answered_in_prometheus_text_format(headers: dict[str, str]) -> None:
    answer = _api().get(f"{PREFIX}/metrics", headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, CONTENT_TYPE)
    assert "fanfare_messages_sent_total" in read_metrics(answer.text)
    assert answer.headers["RateLimit"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": f"Bearer {CREDENTIALS['Client-Token']}"}, 403),
        (CREDENTIALS, 403),
        ({**SCRAPER, **ALONE}, 400),
        ({"X-Access-Key": TOKEN}, 401),
    ],
)
def test_nobody_else_is(headers: dict[str, str], status: int) -> None:
    answer = _api().get(f"{PREFIX}/metrics", headers=headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_token_alone_opens_no_other_route() -> None:
    assert _api().get(f"{PREFIX}/health/ready", headers=ALONE).status_code == 401


def test_job_that_does_not_run_is_named_where_an_operator_asks() -> None:
    states = dict.fromkeys(("firestore", "tasks", "secrets", "fcm"), ComponentHealth(State.OK, 1.5))
    problem = "rollup: it is not enabled"
    api = _api(FixedHealth({**states, "scheduler": ComponentHealth(State.DEGRADED, 2.0, (problem,))}))
    ready = api.get(f"{PREFIX}/health/ready", headers=SCRAPER)
    assert (ready.status_code, ready.json["status"]) == (200, "degraded")
    assert ready.json["components"]["scheduler"] == {"state": "degraded", "latency_ms": 2.0, "problems": [problem]}
    assert ready.json["components"]["fcm"] == {"state": "ok", "latency_ms": 1.5, "problems": []}
    public = api.get(f"{PREFIX}/health").json
    assert (public["status"], public["components"]["scheduler"]) == ("degraded", "degraded")
    assert problem not in str(public)


def test_who_is_held_is_unknown_while_the_database_is_down() -> None:
    api = _api(FixedHealth({"firestore": ComponentHealth(State.DOWN)}))
    assert api.get(f"{PREFIX}/health/ready", headers=SCRAPER).json["held"] is None
