"""Polling over HTTP, on fakes: what is shown, what is refused, and nothing of another tenant."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.event import CURSOR_LAG, Event, EventKind, encode_event
from fanfare.web.api import build_api
from fanfare.web.event_answers import EventOut, EventPage
from tests.factories import TENANT_ID
from tests.fakes import FixedClock
from tests.fakes.events import MemoryEventStore
from tests.surface.surface import CREDENTIALS, PREFIX, some_deps

SENT, READ = EventKind.NOTIFICATION_SENT, EventKind.NOTIFICATION_READ


class Stage:
    """The API on fakes, with a ledger."""

    def __init__(self) -> None:
        self.clock, self.ledger = FixedClock(), MemoryEventStore()
        self.deps = some_deps(clock=self.clock, events=self.ledger)
        self.phone = build_api(self.deps).test_client()

    def tell(self, event_id: str, kind: EventKind = SENT, about: str = "n-1", tenant: str = TENANT_ID) -> Event:
        event = Event(event_id, tenant, kind, self.clock.now(), {"text": "Zoë\nA"}, (about,), request_id="req-1")
        self.ledger.add([event])
        return event

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.phone.get(f"{PREFIX}{path}", headers=CREDENTIALS)
        assert answer.status_code == status, answer.text
        return answer.json

    def refused(self, path: str) -> list[str]:
        return [error["field"] for error in self.get(path, 400)["errors"]]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_page_shows_the_stored_bodies_and_a_cursor_that_goes_on(stage: Stage) -> None:
    told = [stage.tell(f"e-{n}") for n in range(3)]
    stage.clock.advance(CURSOR_LAG)
    first = stage.get("/events?limit=2")
    EventPage.model_validate(first)
    assert first["items"] == [json.loads(encode_event(event)) for event in told[:2]]
    second = stage.get(f"/events?limit=2&after={first['next_cursor']}")
    assert second["items"] == [json.loads(encode_event(told[2]))]
    third = stage.get(f"/events?limit=2&after={second['next_cursor']}")
    assert third == {"items": [], "next_cursor": second["next_cursor"]}


def test_event_is_shown_by_its_id_as_it_was_stored(stage: Stage) -> None:
    event = stage.tell("e-1")
    shown = stage.phone.get(f"{PREFIX}/events/e-1", headers=CREDENTIALS)
    assert (shown.status_code, shown.content_type, shown.data) == (200, "application/json", encode_event(event))
    EventOut.model_validate(shown.json)
    assert stage.get("/events/e-2", 404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("kind=notification.sunk", "kind.0"),
        ("kind=notification.sent&kind=webhook.test", "kind.1"),
        ("after=nonsense", "after"),
        ("after=", "after"),
        ("since=yesterday", "since"),
        ("notification_id=a/b", "notification_id"),
        ("cursor=x", "cursor"),
    ],
)
def test_bad_input_is_refused_by_its_name(stage: Stage, query: str, field: str) -> None:
    assert stage.refused(f"/events?{query}") == [field]


def test_cursor_of_another_query_is_refused(stage: Stage) -> None:
    cursor = stage.get("/events")["next_cursor"]
    for query in (f"kind={READ}", "notification_id=n-1"):
        assert stage.refused(f"/events?after={cursor}&{query}") == ["after"]
    assert stage.refused(f"/events?after={cursor}&since=2026-11-24T08:00:00Z") == ["since"]
    others = stage.get(f"/events?kind={READ}&kind={SENT}")["next_cursor"]
    assert stage.get(f"/events?after={others}&kind={SENT}&kind={READ}")["items"] == []


def test_filters_pass_what_is_asked_for(stage: Stage) -> None:
    stage.tell("e-1", SENT, "n-1")
    stage.tell("e-2", READ, "n-1")
    stage.clock.advance(timedelta(minutes=1))
    stage.tell("e-3", READ, "n-2")
    stage.clock.advance(CURSOR_LAG)

    def shown(query: str) -> list[str]:
        return [item["id"] for item in stage.get(f"/events?{query}")["items"]]

    assert shown("") == ["e-1", "e-2", "e-3"]
    assert shown(f"kind={READ}") == ["e-2", "e-3"]
    assert shown("notification_id=n-1") == ["e-1", "e-2"]
    assert shown(f"kind={READ}&notification_id=n-1") == ["e-2"]
    assert shown("since=2026-11-24T08:00:30Z") == ["e-3"]


def test_another_tenants_event_and_notification_are_nobodys(stage: Stage) -> None:
    stage.tell("e-9", about="n-9", tenant="globex")
    stage.clock.advance(CURSOR_LAG)
    assert (
        stage.get("/events")["items"] == stage.get("/events?notification_id=n-9")["items"] == stage.get("/events?notification_id=n-8")["items"] == []
    )
    theirs, nobodys = stage.get("/events/e-9", 404), stage.get("/events/e-8", 404)
    assert {**theirs, "request_id": ""} == {**nobodys, "request_id": ""}
