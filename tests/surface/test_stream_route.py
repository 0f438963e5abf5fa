"""The stream over HTTP, on fakes: its frames, its locks, its limit, and what a browser needs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fanfare.domain.client import Scope
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import Event, EventKind, encode_event
from fanfare.domain.event_stream import StreamPace
from fanfare.domain.limits import LimitGroup
from fanfare.web.api import build_api
from fanfare.web.stream import build_stream
from tests.factories import NOW, TENANT_ID, a_client, client_token
from tests.fakes import FixedClock
from tests.fakes.event_feed import MemoryEventFeed
from tests.fakes.events import MemoryEventStore
from tests.fakes.lifecycle import FixedLifecycle
from tests.fakes.log import RecordingLog
from tests.surface.surface import BEARER, CREDENTIALS, EVIL, OTHERS_PAGE, PAGE, PREFIX, some_deps

PATH = f"{PREFIX}/events/stream"
SENT, READ = EventKind.NOTIFICATION_SENT, EventKind.NOTIFICATION_READ
OTHERS = {"Client-ID": "client-2", "Client-Token": client_token("client-2")}


class Stage:
    """The stream function on fakes, two of whose threads may stream."""

    def __init__(self, **overrides: Any) -> None:
        self.clock, self.ledger, self.lifecycle, self.log = FixedClock(), MemoryEventStore(), FixedLifecycle(threads=10), RecordingLog()
        self.feed = MemoryEventFeed(self.ledger, self.clock)
        self.deps = some_deps(
            **{"clock": self.clock, "events": self.ledger, "feed": self.feed, "lifecycle": self.lifecycle, "log": self.log, **overrides}
        )
        self.deps.clients.create(a_client(id="client-2", tenant="globex", last_used_at=NOW, limits=dict.fromkeys(LimitGroup, 100_000)))
        self.phone: FlaskClient = build_stream(self.deps, StreamPace()).test_client()

    def tell(self, event_id: str, kind: EventKind = SENT, about: str = "n-1", tenant: str = TENANT_ID) -> Event:
        event = Event(event_id, tenant, kind, self.clock.now(), {"text": "Zoë\nA"}, (about,), request_id="req-1")
        self.ledger.add([event])
        return event

    def open(self, path: str = PATH, headers: dict[str, str] | None = None, **options: Any) -> TestResponse:
        return self.phone.get(path, headers=CREDENTIALS | (headers or {}), **options)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def frames(response: TestResponse) -> list[dict[str, str]]:
    """A whole stream as its frames; a comment is a field without a name."""
    text = text_of(response)
    assert text.endswith("\n\n")
    return [fields_of(frame) for frame in text[:-2].split("\n\n")]


def text_of(response: TestResponse) -> str:
    """A stream to its end, after which its connection is closed."""
    text = response.get_data(as_text=True)
    response.close()
    return text


def fields_of(frame: str) -> dict[str, str]:
    lines = [line.partition(":") for line in frame.split("\n")]
    return {name: value.removeprefix(" ") for name, _, value in lines}


def refused(answer: TestResponse, status: int) -> Any:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    return answer.json


def test_stream_is_answered_as_server_sent_events_that_nobody_keeps_back(stage: Stage) -> None:
    answer = stage.open(buffered=False)
    assert (answer.status_code, answer.content_type) == (200, "text/event-stream; charset=utf-8")
    assert (answer.headers["Cache-Control"], answer.headers["X-Accel-Buffering"]) == ("no-store", "no")
    assert "Content-Length" not in answer.headers
    answer.close()


def test_first_frame_says_when_to_come_again_and_where_to_go_on(stage: Stage) -> None:
    first = frames(stage.open())[0]
    assert first.keys() == {"retry", "id"}
    assert first["retry"] == "3000"
    stage.tell("e-1")
    assert [frame["event"] for frame in frames(stage.open(headers={"Last-Event-ID": first["id"]})) if "event" in frame] == [SENT]


def test_event_is_framed_with_its_cursor_kind_and_stored_body(stage: Stage) -> None:
    event = stage.tell("e-1")
    (shown,) = [frame for frame in frames(stage.open()) if "event" in frame]
    assert (shown["event"], shown["data"].encode()) == (SENT, encode_event(event))
    assert shown.keys() == {"id", "event", "data"}


def test_stream_goes_on_after_the_last_event_that_was_seen(stage: Stage) -> None:
    for n in range(4):
        stage.tell(f"e-{n}")
    shown = [frame for frame in frames(stage.open()) if "event" in frame]
    for where in ({"headers": {"Last-Event-ID": shown[1]["id"]}}, {"path": f"{PATH}?after={shown[1]['id']}"}):
        assert [frame for frame in frames(stage.open(**where)) if "event" in frame] == shown[2:]  # type: ignore[arg-type]


def test_header_wins_over_the_query(stage: Stage) -> None:
    for n in range(3):
        stage.tell(f"e-{n}")
    shown = [frame for frame in frames(stage.open()) if "event" in frame]
    answer = stage.open(f"{PATH}?after={shown[0]['id']}", {"Last-Event-ID": shown[1]["id"]})
    assert [frame for frame in frames(answer) if "event" in frame] == shown[2:]


def test_filters_pass_what_is_asked_for(stage: Stage) -> None:
    stage.tell("e-1", SENT, "n-1")
    stage.tell("e-2", READ, "n-1")
    stage.tell("e-3", READ, "n-2")
    stage.tell("e-4", EventKind.DEVICE_REVIVED)

    def kinds(query: str) -> list[str]:
        return [frame["event"] for frame in frames(stage.open(f"{PATH}?{query}")) if "event" in frame]

    cursor = frames(stage.open())[0]["id"]
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    stage.clock.at = NOW
    assert kinds(f"kind={READ}") == [READ, READ]
    stage.clock.at = NOW
    assert kinds(f"kind={READ}&kind={SENT}&notification_id=n-1") == [SENT, READ]
    stage.clock.at = NOW
    assert kinds("notification_id=n-3") == []


def test_long_silence_is_broken_by_comments_and_the_end_says_why(stage: Stage) -> None:
    text = text_of(stage.open())
    assert text.count(": alive\n\n") >= 30
    assert text.endswith("\n\n: end (lifetime)\n\n")


def test_stopping_instance_ends_its_streams(stage: Stage) -> None:
    stage.lifecycle.stopping = True
    assert text_of(stage.open()).endswith(": end (stopping)\n\n")


@pytest.mark.parametrize(
    ("path", "headers", "field"),
    [
        (PATH, {"Last-Event-ID": "nonsense"}, "Last-Event-ID"),
        (PATH, {"Last-Event-ID": "x" * 5_000}, "Last-Event-ID"),
        (f"{PATH}?after=nonsense", {}, "after"),
        (f"{PATH}?kind=notification.sunk", {}, "kind.0"),
        (f"{PATH}?kind={SENT}&kind=webhook.test", {}, "kind.1"),
        (f"{PATH}?notification_id=a/b", {}, "notification_id"),
        (f"{PATH}?limit=3", {}, "limit"),
        (f"{PATH}?since=2026-11-24T08:00:00Z", {}, "since"),
    ],
)
def test_bad_input_is_refused_by_its_name(stage: Stage, path: str, headers: dict[str, str], field: str) -> None:
    assert [error["field"] for error in refused(stage.open(path, headers), 400)["errors"]] == [field]
    assert stage.feed.followers == 0


def test_cursor_of_another_tenant_or_filter_is_refused(stage: Stage) -> None:
    cursor = frames(stage.open())[0]["id"]
    assert refused(stage.open(headers={"Last-Event-ID": cursor} | OTHERS), 400)["errors"][0]["field"] == "Last-Event-ID"
    assert refused(stage.open(f"{PATH}?kind={SENT}", {"Last-Event-ID": cursor}), 400)["errors"][0]["field"] == "Last-Event-ID"


def test_nobody_sees_another_tenants_events(stage: Stage) -> None:
    stage.tell("e-1", about="n-1", tenant="globex")
    for path in (PATH, f"{PATH}?notification_id=n-1"):
        assert not [frame for frame in frames(stage.open(path)) if "event" in frame]
    stage.clock.at = NOW
    assert [frame["event"] for frame in frames(stage.open(headers=OTHERS)) if "event" in frame] == [SENT]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers", [{}, BEARER, {"Client-ID": "client-1"}, {**CREDENTIALS, "Client-Token": client_token("client-2")}, {"X-Access-Key": client_token()}]
)
def test_nobody_gets_in_without_a_clients_credential(stage: Stage, method: str, headers: dict[str, str]) -> None:
    answer = stage.phone.open(PATH, method=method, headers=headers)
    assert (answer.status_code, stage.feed.followers) == (401, 0)
    assert stage.phone.open(PATH, method=method, query_string=CREDENTIALS).status_code == 401


def test_client_needs_the_scope_to_read(stage: Stage) -> None:
    others = frozenset(Scope) - {Scope.READ}
    stage.deps.clients.create(a_client(id="client-3", scopes=others, last_used_at=NOW))
    assert refused(stage.open(headers={"Client-ID": "client-3", "Client-Token": client_token("client-3")}), 403)["code"] == "forbidden"


def test_opening_a_stream_counts_as_a_request(stage: Stage) -> None:
    stage.deps.clients.create(a_client(id="client-4", last_used_at=NOW, limits={LimitGroup.OTHER: 1}))
    mine = {"Client-ID": "client-4", "Client-Token": client_token("client-4")}
    stage.lifecycle.stopping = True
    assert stage.open(headers=mine).status_code == 200
    assert refused(stage.open(headers=mine), 429)["code"] == "rate_limited"


def test_instance_carries_no_more_streams_than_it_has_threads_for(stage: Stage) -> None:
    first, second = stage.open(buffered=False), stage.open(buffered=False)
    assert (first.status_code, second.status_code) == (200, 200)
    third = stage.open(buffered=False)
    assert refused(third, 503)["code"] == "unavailable"
    assert int(third.headers["Retry-After"]) > 0
    first.close()
    fourth = stage.open(buffered=False)
    assert fourth.status_code == 200
    for answer in (second, fourth):
        answer.close()
    assert stage.feed.followers == 0


def test_refused_streams_take_no_place(stage: Stage) -> None:
    for _ in range(5):
        stage.open(headers={"Last-Event-ID": "nonsense"})
        stage.phone.head(PATH, headers=CREDENTIALS)
    assert stage.open().status_code == 200


def test_head_answers_as_the_stream_would_and_follows_nothing(stage: Stage) -> None:
    answer = stage.phone.head(PATH, headers=CREDENTIALS)
    assert (answer.status_code, answer.content_type, answer.data) == (200, "text/event-stream; charset=utf-8", b"")
    assert stage.feed.followers == 0


def test_page_of_the_tenant_may_listen_and_no_other(stage: Stage) -> None:
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "client-id, client-token, last-event-id"}
    allowed = stage.phone.options(PATH, headers={"Origin": PAGE, **asks})
    assert allowed.status_code == 204
    assert {"client-id", "client-token", "last-event-id"} <= set(allowed.headers["Access-Control-Allow-Headers"].lower().split(", "))
    assert "GET" in allowed.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Origin" not in stage.phone.options(PATH, headers={"Origin": EVIL, **asks}).headers
    stage.lifecycle.stopping = True
    assert stage.open(headers={"Origin": PAGE}).headers["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Allow-Origin" not in stage.open(headers={"Origin": OTHERS_PAGE}).headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_refused(stage: Stage, method: str) -> None:
    answer = stage.phone.open(PATH, method=method, headers=CREDENTIALS)
    assert refused(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/", f"{PREFIX}/events", f"{PREFIX}/notify", f"{PREFIX}/openapi.json"])
def test_function_answers_nothing_else(stage: Stage, path: str) -> None:
    assert refused(stage.phone.get(path, headers=CREDENTIALS), 404)["code"] == "not_found"


def test_line_is_logged_when_a_stream_begins(stage: Stage) -> None:
    answer = stage.open(buffered=False)
    (line,) = [record for record in stage.log.records if record.event == "answered"]
    assert (line.fields["route"], line.fields["status"], line.fields["client"]) == (PATH, 200, "client-1")
    answer.close()


class DownStore(MemoryEventStore):
    def read_after(self, *_args: Any, **_options: Any) -> Any:
        raise Unavailable("down")


def test_ledger_that_is_down_ends_the_stream_with_a_word() -> None:
    stage = Stage()
    stage.feed = MemoryEventFeed(DownStore(), stage.clock)
    broken = Stage(feed=stage.feed)
    assert text_of(broken.open()).endswith("\n\n: end (unavailable)\n\n")


def test_api_has_no_event_of_this_name() -> None:
    deps = some_deps()
    assert refused(build_api(deps).test_client().get(PATH, headers=CREDENTIALS), 404)["code"] == "not_found"


def test_document_tells_of_the_stream() -> None:
    document: Any = build_api(some_deps()).test_client().get(f"{PREFIX}/openapi.json").json
    operation = document["paths"]["/api/v1/events/stream"]["get"]
    assert operation["responses"]["200"]["content"].keys() == {"text/event-stream"}
    assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys()
    names = {parameter.get("name") for parameter in operation["parameters"]}
    assert {"kind", "notification_id", "after"} <= names
