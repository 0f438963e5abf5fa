"""The stream and polling through the gateway, functions-framework and gunicorn: every event once and in order, whatever is cut, killed or full."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from fanfare.domain.client import Scope
from fanfare.domain.event import Event, EventKind
from local.addresses import LOOPBACK, free_ports
from local.functions import Function, function_command, function_environment
from local.readiness import answers_http, wait_until
from local.settings import ROOT
from local.stack import Stack
from tests.e2e.event_source import EventSource
from tests.e2e.harness import Api, Tenant, fields_of, problem_of

STREAM = "/events/stream/"
SENT, READ = EventKind.NOTIFICATION_SENT, EventKind.NOTIFICATION_READ
PATIENCE_SECONDS = 20.0
LATEST_SECONDS = 8.0
"""Five seconds of lag, one until the ledger is read, and a busy machine."""
# The deployed function but for the pace of its streams.
QUICK = """
import importlib.util
import sys
from datetime import timedelta
from functools import partial

sys.path.append({functions!r})
from fanfare.domain.event_stream import StreamPace
from fanfare.web.stream import build_stream

# By another name: this file is the framework's `main`.
spec = importlib.util.spec_from_file_location("deployed", {functions!r} + "/main.py")
deployed = importlib.util.module_from_spec(spec)
spec.loader.exec_module(deployed)
quick = partial(build_stream, pace=StreamPace(lifetime=timedelta(seconds=6), heartbeat=timedelta(seconds=0.5), look_seconds=0.2))


def stream(request):
    return deployed._hand_over(deployed._surface(quick), request, buffered=False)
"""


@dataclass
class Ledger:
    """What a test writes into a tenant's ledger."""

    tenant: Tenant

    def tell(self, kind: EventKind = SENT, about: str = "n-1") -> str:
        """Store an event, as a write of the API does; returns its id."""
        deps = self.tenant.deps
        event = Event(deps.identifiers.new_id(), self.tenant.id, kind, deps.clock.now(), {"text": "Zoë\nA"}, (about,), request_id="req-1")
        deps.events.record([event])
        return event.id

    def poll(self, api: Api, **query: Any) -> list[str]:
        """The ids of everything that polls show, page by page."""
        found: list[str] = []
        cursor: dict[str, str] = {}
        while page := api.get("/events/", params={"limit": 2, **query, **cursor}):
            found += [item["id"] for item in page["items"]]
            if not page["items"]:
                return found
            cursor = {"after": page["next_cursor"]}
        return found


@pytest.fixture
def ledger(own_tenant: Tenant) -> Ledger:
    return Ledger(own_tenant)


@pytest.fixture
def reader(own_tenant: Tenant) -> Api:
    return own_tenant.api(Scope.READ)


def listen(api: Api, last_id: str = "", **query: Any) -> EventSource:
    """A stream that is open."""
    source = EventSource(f"{api.url}/api/v1{STREAM}", api.headers, last_id=last_id, **query)
    assert source.response.status_code == 200, source.response.text
    return source.opened()


def ids(source: EventSource, count: int) -> list[str]:
    return [event.body["id"] for event in source.take(count)]


def test_two_listeners_see_every_event_as_it_comes_and_polling_sees_the_same(ledger: Ledger, reader: Api) -> None:
    with listen(reader) as first, listen(reader.fork()) as second:
        assert first.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert first.response.headers["X-Accel-Buffering"] == "no"
        told = [ledger.tell() for _ in range(3)]
        began = time.monotonic()
        assert ids(first, 3) == told
        assert time.monotonic() - began < LATEST_SECONDS
        assert ids(second, 3) == told
        # One more, for those who have been served already.
        told.append(ledger.tell(READ))
        assert (ids(first, 1), ids(second, 1)) == (told[3:], told[3:])
        (shown,) = [reader.get(f"/events/{told[3]}/")]
        assert (shown["type"], shown["data"], shown["version"], shown["request_id"]) == (READ, {"text": "Zoë\nA"}, 1, "req-1")
    assert ledger.poll(reader) == told


def test_filters_pass_what_is_asked_for(ledger: Ledger, reader: Api) -> None:
    with listen(reader, kind=[READ, EventKind.DEVICE_REVIVED], notification_id="n-2") as source:
        for kind, about in ((SENT, "n-2"), (READ, "n-1")):
            ledger.tell(kind, about)
        wanted = ledger.tell(READ, "n-2")
        assert ids(source, 1) == [wanted]
    assert ledger.poll(reader, kind=READ, notification_id="n-2") == [wanted]


def test_listener_that_is_cut_off_goes_on_without_gap_or_repeat(ledger: Ledger, reader: Api) -> None:
    with listen(reader) as source:
        opened = source.last_id
        told = [ledger.tell() for _ in range(2)]
        assert ids(source, 1) == told[:1]
        last_id = source.last_id
    told += [ledger.tell() for _ in range(2)]
    with listen(reader, last_id) as source:
        assert ids(source, 3) == told[1:]
    with listen(reader, opened) as source:
        assert ids(source, 4) == told
    page = reader.get("/events/", params={"after": last_id})
    assert [item["id"] for item in page["items"]] == told[1:]


def test_killed_function_costs_its_listeners_nothing(ledger: Ledger, reader: Api, stack: Stack) -> None:
    with listen(reader) as source:
        told = [ledger.tell()]
        assert ids(source, 1) == told
        stack.kill("stream", signal.SIGKILL)
        told.append(ledger.tell())
        with pytest.raises(requests.RequestException):
            source.take(1)
        last_id = source.last_id
    stack.restart("stream")
    with listen(reader, last_id) as source:
        told.append(ledger.tell())
        assert ids(source, 2) == told[1:]


def test_bad_input_is_refused_by_its_name(reader: Api) -> None:
    for headers, query, field in (
        ({"Last-Event-ID": "nonsense"}, {}, "Last-Event-ID"),
        ({}, {"kind": "notification.sunk"}, "kind.0"),
        ({}, {"after": "nonsense"}, "after"),
    ):
        assert fields_of(problem_of(reader.call("GET", STREAM, headers=headers, params=query), 400)) == {field}
        if not headers:
            assert fields_of(problem_of(reader.call("GET", "/events/", params=query), 400)) == {field}
    cursor = reader.get("/events/")["next_cursor"]
    assert fields_of(problem_of(reader.call("GET", "/events/", params={"after": cursor, "kind": READ}), 400)) == {"after"}
    assert fields_of(problem_of(reader.call("GET", "/events/", params={"limit": 201}), 400)) == {"limit"}


def test_poll_makes_events_be_written(own_tenant: Tenant, reader: Api) -> None:
    reader.get("/events/", params={"kind": READ})
    tenant = own_tenant.deps.tenants.get_fresh(own_tenant.id)
    assert tenant is not None
    assert tenant.listening.readers.keys() == {READ}


class QuickFunction:
    """The stream function with ten threads, two of them for streams that live for six seconds and say so twice a second."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        (port,) = free_ports(1)
        (folder / "main.py").write_text(QUICK.format(functions=str(ROOT / "functions")))
        function = Function("stream", threads=10)
        self.url = f"http://{LOOPBACK}:{port}"
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                function_command(function, folder, port),
                env={**os.environ, **stack.environment, **function_environment(function)},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        assert wait_until(lambda: answers_http(port, path="/robots.txt", status=404), timeout_seconds=PATIENCE_SECONDS)

    def listen(self, api: Api) -> EventSource:
        return EventSource(f"{self.url}/api/v1{STREAM}", api.headers)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def quick(stack: Stack, tmp_path: Path) -> Iterator[QuickFunction]:
    function = QuickFunction(stack, tmp_path)
    yield function
    function.stop()


def test_silent_stream_says_that_it_lives_and_ends_by_itself(quick: QuickFunction, reader: Api) -> None:
    began = time.monotonic()
    with quick.listen(reader) as source:
        assert list(source.events()) == []
    assert 5 < time.monotonic() - began < LATEST_SECONDS + 2
    assert source.comments[-1] == "end (lifetime)"
    assert 8 <= source.comments.count("alive") <= 12


def test_full_instance_says_when_to_come_again_and_has_room_once_one_has_left(quick: QuickFunction, reader: Api) -> None:
    with ExitStack() as opened:
        sources = [opened.enter_context(quick.listen(reader).opened()) for _ in range(2)]
        with quick.listen(reader) as third:
            assert problem_of(third.response, 503)["code"] == "unavailable"
            assert int(third.response.headers["Retry-After"]) > 0
        sources[0].close()

        def has_room() -> bool:
            with quick.listen(reader) as fourth:
                return fourth.response.status_code == 200

        # That its listener has gone is seen at the next thing that is said.
        assert wait_until(has_room, timeout_seconds=5)


def test_streams_end_with_their_instance_at_once(quick: QuickFunction, reader: Api) -> None:
    with quick.listen(reader) as source:
        source.opened()
        began = time.monotonic()
        quick.process.terminate()
        assert list(source.events()) == []
        assert source.comments[-1] == "end (stopping)"
        assert time.monotonic() - began < 3
        quick.process.wait(PATIENCE_SECONDS)
        assert time.monotonic() - began < 5
