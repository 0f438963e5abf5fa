"""Errors over the wire, as a receiver of Sentry's protocol gets them: what they were and where they were raised, and nothing that anybody said."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
import structlog

from fanfare.adapters.error_tracking import SentryErrors, scrub
from fanfare.adapters.outbox import PATIENCE_SECONDS, flush_all
from fanfare.adapters.trace_scope import current_trace
from fanfare.config import InvalidSettings
from fanfare.domain.trace_context import TraceContext
from tests.collector import Collector
from tests.contract.adapters.scripted import SilentServer
from tests.factories import NOW
from tests.fakes import FixedClock

SECRET = "s3cret-of-a-customer"


@pytest.fixture(autouse=True)
def _outside_of_a_request() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()
    current_trace.set(None)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def errors_to(dsn: str) -> SentryErrors:
    return SentryErrors(dsn, FixedClock(NOW))


def fall_over(target: str) -> None:
    """Raise an error that another one has caused, both with a secret in their text and in what is near."""
    try:
        json.loads(f"{{{target}")
    except ValueError as cause:
        body = {"token": target}
        raise KeyError(target, body) from cause


def caught() -> KeyError:
    try:
        fall_over(SECRET)
    except KeyError as error:
        return error
    raise AssertionError


def test_an_error_arrives_with_its_types_and_places(collector: Collector) -> None:
    errors = errors_to(collector.dsn)
    structlog.contextvars.bind_contextvars(request_id="request-1", function="send", tenant=SECRET)
    current_trace.set(TraceContext("a" * 32, "b" * 16, is_sampled=True))
    errors.record("internal_error", caught())
    assert collector.bodies == []
    assert flush_all([errors.outbox]) == []
    (event,) = collector.errors
    assert [error["type"] for error in event["exception"]["values"]] == ["JSONDecodeError", "KeyError"]
    places = [(frame["function"], frame["lineno"] > 0) for frame in event["exception"]["values"][1]["stacktrace"]["frames"]]
    assert places == [("caught", True), ("fall_over", True)]
    assert event["tags"] == {"event": "internal_error", "request_id": "request-1", "function": "send"}
    assert event["contexts"]["trace"] == {"trace_id": "a" * 32, "span_id": "b" * 16}
    assert event["level"] == "error"


def test_nothing_that_was_said_arrives(collector: Collector) -> None:
    errors = errors_to(collector.dsn)
    sentry_sdk.add_breadcrumb(message=SECRET)
    sentry_sdk.set_user({"username": SECRET})
    errors.record("internal_error", caught())
    flush_all([errors.outbox])
    assert len(collector.errors) == 1
    for word in (SECRET, "vars", "breadcrumbs", "context_line", "server_name", "user", "modules", "argv"):
        assert word not in json.dumps(collector.errors).replace("username", "")
    assert SECRET not in collector.raw


def test_an_unknown_field_never_gets_through() -> None:
    event: Any = {"event_id": "1", "message": SECRET, "request": {"data": SECRET}, "extra": {"sys.argv": [SECRET]}}
    event["exception"] = {"values": [{"type": "E", "value": SECRET, "stacktrace": {"frames": [{"function": "f", "vars": {"a": SECRET}}]}}]}
    kept = scrub(event, {})
    assert kept == {"event_id": "1", "exception": {"values": [{"type": "E", "module": None, "stacktrace": {"frames": [{"function": "f"}]}}]}}


def test_the_key_is_presented_as_sentry_wants_it(collector: Collector) -> None:
    errors = errors_to(collector.dsn)
    errors.record("internal_error", caught())
    flush_all([errors.outbox])
    ((path, headers, _),) = collector.bodies
    assert path == "/api/7/envelope/"
    assert "sentry_key=public-key" in headers["X-Sentry-Auth"]


def test_what_is_no_dsn_is_refused_by_its_settings_name() -> None:
    with pytest.raises(InvalidSettings, match="SENTRY_DSN"):
        errors_to("https://sentry.example.com")


@pytest.mark.parametrize("status", [302, 400, 413, 429, 500])
def test_a_receiver_that_refuses_is_left_alone(collector: Collector, status: int) -> None:
    collector.status, errors = status, errors_to(collector.dsn)
    for expected in (["errors"], []):
        errors.record("internal_error", caught())
        assert flush_all([errors.outbox]) == expected
    assert len(collector.bodies) == 1


def test_a_receiver_that_hangs_holds_a_request_up_for_two_seconds_once(silent: SilentServer) -> None:
    errors, started = errors_to(f"http://key@{silent.address}/1"), time.monotonic()
    for _ in range(5):
        errors.record("internal_error", caught())
        flush_all([errors.outbox])
    assert time.monotonic() - started < PATIENCE_SECONDS + 0.5


def test_an_error_that_can_not_be_told_does_no_harm(collector: Collector) -> None:
    """What is thrown away here would otherwise be thrown while a request's error is answered."""

    class Unspeakable(Exception):
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

    errors = errors_to(collector.dsn)
    errors.record("internal_error", Unspeakable())
    errors.record("internal_error", caught())
    assert flush_all([errors.outbox]) == []
    assert [event["exception"]["values"][-1]["type"] for event in collector.errors][-1] == "KeyError"
