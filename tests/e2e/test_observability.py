"""What functions tell collectors of traces and errors: one trace from a caller to FCM and to an endpoint, and nothing that was said."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore

from local.readiness import wait_until
from local.settings import StackSettings
from local.stack import Stack
from tests.collector import CollectedSpan, Collector
from tests.contract.adapters.scripted import Asked, Reply, ScriptedServer
from tests.contract.stores.real import open_firestore
from tests.e2e.conftest import open_deps
from tests.e2e.harness import DELIVERY_SECONDS, Api, Cloud, Tenant

PARTS = frozenset({"firestore", "fcm", "cloud", "api", "send", "webhook", "gateway"})
MARK = "MARK7"
"""Every value of a request holds it, so that its presence gives away that a value was told."""
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE}-{SPAN}-01", "X-Request-ID": "observed-1"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def observed(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose functions are told of the collector."""
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "SENTRY_DSN": collector.dsn}
    with Stack(StackSettings(), folder=tmp_path_factory.mktemp("observed"), parts=PARTS, environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def tenant(observed: Stack) -> Iterator[Tenant]:
    created = Tenant.create(open_deps(observed), observed)
    yield created
    created.close()


@pytest.fixture(scope="module")
def firestore(observed: Stack) -> Iterator[Firestore]:
    """What a hand has in the console."""
    client = open_firestore(observed.firestore_host, observed.environment["GOOGLE_CLOUD_PROJECT"])
    yield client
    client.close()


@pytest.fixture(scope="module")
def posted(observed: Stack, tenant: Tenant) -> Iterator[list[Asked]]:
    """A push whose end is told to an endpoint: what the endpoint was asked."""
    api, cloud = tenant.api(), Cloud(observed.cloud_url)
    with ScriptedServer() as endpoint:
        endpoint.reply = lambda _asked: Reply(200)
        api.post("/webhooks/", {"url": f"{endpoint.url}/{MARK}", "events": ["notification.completed"]}, 201)
        api.register(token=f"{MARK}token", username=f"{MARK}-username")
        api.post("/notify/", {"to": {"usernames": [f"{MARK}-username"]}, "title": f"{MARK} title"}, 202, headers=CALLER)
        assert wait_until(lambda: len(endpoint.asked) == 1, timeout_seconds=DELIVERY_SECONDS)
        cloud.wait_idle()
        yield endpoint.asked
    cloud.close()


@pytest.fixture(scope="module")
def spans(posted: list[Asked], collector: Collector) -> dict[str, CollectedSpan]:
    """The spans of the push, by service and name."""
    assert len(posted) == 1
    assert wait_until(lambda: any(span.name == "webhook post" for span in collector.spans), timeout_seconds=DELIVERY_SECONDS)
    return {f"{span.service}: {span.name}": span for span in collector.spans if span.trace == TRACE}


def _way_up(spans: dict[str, CollectedSpan], name: str) -> list[str]:
    """The names from a span to the first of its trace."""
    by_id = {span.id: (key, span) for key, span in spans.items()}
    key, span = name, spans[name]
    way = [key]
    while span.parent in by_id:
        key, span = by_id[span.parent]
        way.append(key)
    return [*way, span.parent]


def test_one_trace_leads_from_the_caller_to_fcm(spans: dict[str, CollectedSpan]) -> None:
    assert _way_up(spans, "fanfare-send: fcm send") == [
        "fanfare-send: fcm send",
        "fanfare-send: chunk pass",
        "fanfare-send: send POST /",
        "fanfare-api: enqueue",
        "fanfare-api: api POST /api/v1/notify",
        SPAN,
    ]


def test_the_same_trace_leads_on_to_the_endpoint(spans: dict[str, CollectedSpan], posted: list[Asked]) -> None:
    assert _way_up(spans, "fanfare-webhook: webhook post")[:5] == [
        "fanfare-webhook: webhook post",
        "fanfare-webhook: webhook POST /",
        "fanfare-send: enqueue",
        "fanfare-send: send POST /",
        "fanfare-api: enqueue",
    ]
    headers = {name.lower(): value for name, value in posted[0].headers.items()}
    assert headers["traceparent"] == f"00-{TRACE}-{spans['fanfare-webhook: webhook post'].id}-01"
    assert headers["x-request-id"] == CALLER["X-Request-ID"]


def test_spans_tell_counts_and_times_and_nothing_that_was_said(spans: dict[str, CollectedSpan], collector: Collector) -> None:
    chunk, fcm = spans["fanfare-send: chunk pass"], spans["fanfare-send: fcm send"]
    assert {name: chunk.attributes[f"fanfare.{name}"] for name in ("recipients", "sent", "failed")} == {"recipients": 1, "sent": 1, "failed": 0}
    assert (fcm.attributes["fanfare.answered"], fcm.attributes["fanfare.accepted"]) == (1, 1)
    assert spans["fanfare-api: api POST /api/v1/notify"].attributes["http.response.status_code"] == 202
    assert 0 < fcm.seconds <= chunk.seconds
    assert MARK not in collector.raw


def test_lines_of_every_function_stand_in_the_trace(spans: dict[str, CollectedSpan], observed: Stack) -> None:
    named = f"projects/{observed.environment['GOOGLE_CLOUD_PROJECT']}/traces/{TRACE}"
    served = {"api": "fanfare-api: api POST /api/v1/notify", "send": "fanfare-send: send POST /", "webhook": "fanfare-webhook: webhook POST /"}
    for function, span in served.items():
        lines = [json.loads(line) for line in observed.log(function).read_text(encoding="utf-8").splitlines() if named in line]
        answered = next(line for line in lines if line["message"] == "answered" and line["logging.googleapis.com/spanId"] == spans[span].id)
        assert (answered["request_id"], answered["logging.googleapis.com/trace_sampled"]) == (CALLER["X-Request-ID"], True)


def _break_a_device(api: Api, tenant: Tenant, firestore: Firestore) -> str:
    """Do to a document what nobody foresees, with a mark where the error's text quotes it."""
    device: str = api.register(token=f"{MARK}other", username=f"{MARK}-other")["id"]
    firestore.document(f"tenants/{tenant.id}/devices/{device}").update({"platform": f"{MARK}-platform"})
    return device


def test_an_error_is_told_by_its_type_and_place_alone(observed: Stack, tenant: Tenant, firestore: Firestore, collector: Collector) -> None:
    api = tenant.api()
    device = _break_a_device(api, tenant, firestore)
    answer = api.call("GET", f"/devices/{device}/", headers={"X-Request-ID": "broken-1"})
    assert answer.status_code == 500
    (event,) = collector.errors
    (error,) = event["exception"]["values"]
    assert (error["type"], event["tags"]) == ("ValueError", {"event": "internal_error", "request_id": "broken-1"})
    assert error["stacktrace"]["frames"][-1]["lineno"] > 0
    (failed,) = [span for span in collector.spans if span.attributes.get("fanfare.request_id") == "broken-1"]
    assert (failed.is_failed, event["contexts"]["trace"]["trace_id"]) == (True, failed.trace)
    assert MARK not in collector.raw
    line: dict[str, Any] = next(
        json.loads(line) for line in observed.log("api").read_text(encoding="utf-8").splitlines() if '"internal_error"' in line
    )
    assert (line["error"], line["stack_trace"].splitlines()[-1], MARK in json.dumps(line)) == ("ValueError", "ValueError", False)
