"""`/dead-letters` with events that an endpoint has not taken beside chunks of messages."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.dead_letter import DeadLetter
from fanfare.domain.endpoint_answer import Posted
from fanfare.domain.event import Event, EventKind
from fanfare.ports import Deps
from fanfare.services.deliver_event import deliver_event
from fanfare.web.api import build_api
from tests.factories import NOW, TENANT_ID, a_webhook
from tests.fakes import FixedClock, ScriptedWebhookPoster
from tests.surface.surface import CREDENTIALS, PREFIX, some_deps

LETTER = "webhook-1-event-1"


@pytest.fixture
def deps() -> Deps:
    """A delivery that has failed for good, beside a chunk that has."""
    clock, poster = FixedClock(), ScriptedWebhookPoster(script=[Posted(503)] * 8)
    deps = some_deps(clock=clock, poster=poster)
    deps.webhooks.create(a_webhook(), trail("webhook.created", Actor(ActorKind.CLIENT, "client-1"), NOW))
    event = Event("event-1", TENANT_ID, EventKind.NOTIFICATION_COMPLETED, NOW, {"notification_id": "n"}, ("n",), ("webhook-1",))
    deps.events.record([event])
    tasks: Any = deps.tasks
    for _ in range(8):
        deliver_event(deps, tasks.webhooks[-1].key if tasks.webhooks else _key(deps), "request")
        clock.at = (tasks.webhooks[-1].due_at if tasks.webhooks else None) or clock.at
    notifications: Any = deps.notifications
    notifications.put_dead_letter(DeadLetter("n-0", ChunkKey(TENANT_ID, "n", 0), {"UNAVAILABLE": 1}, "UNAVAILABLE", NOW))
    return deps


def _key(deps: Deps) -> Any:
    return deps.deliveries.find_overdue(NOW.replace(year=2027), 1)[0]


@pytest.fixture
def client(deps: Deps) -> FlaskClient:
    """The API, called by the tenant's client."""
    return build_api(deps).test_client()


def _get(client: FlaskClient, path: str, expected: int = 200) -> Any:
    answer = client.get(f"{PREFIX}{path}", headers=CREDENTIALS)
    assert answer.status_code == expected, answer.text
    return answer.json


def test_both_kinds_are_listed_and_told_apart(client: FlaskClient) -> None:
    items = _get(client, "/dead-letters")["items"]
    assert [(item["id"], item["kind"]) for item in items] == [(LETTER, "webhook"), ("n-0", "notification")]
    assert [item["id"] for item in _get(client, "/dead-letters?kind=webhook")["items"]] == [LETTER]
    assert [item["id"] for item in _get(client, "/dead-letters?kind=notification")["items"]] == ["n-0"]


def test_one_is_shown_with_what_it_is_about(client: FlaskClient, deps: Deps) -> None:
    shown = _get(client, f"/dead-letters/{LETTER}")
    created_at = shown.pop("created_at")
    assert created_at.startswith("2026-11-25T11:35:05")
    assert shown == {
        "id": LETTER,
        "kind": "webhook",
        "webhook_id": "webhook-1",
        "event_id": "event-1",
        "event_type": "notification.completed",
        "attempts": 8,
        "reason": "http_503",
        "replayed_at": None,
    }


def test_replay_makes_it_due_again_once(client: FlaskClient, deps: Deps) -> None:
    answers = [client.post(f"{PREFIX}/dead-letters/{LETTER}/replay", headers=CREDENTIALS) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 409]
    assert answers[0].json is not None
    assert answers[0].json["replayed_at"] is not None
    tasks: Any = deps.tasks
    assert tasks.webhooks[-1].due_at is None
    deliver_event(deps, tasks.webhooks[-1].key, "request")
    assert deps.deliveries.get_many([tasks.webhooks[-1].key])[0].state.value == "delivered"  # type: ignore[union-attr]


def test_it_is_nobody_elses(client: FlaskClient, deps: Deps) -> None:
    assert deps.notifications.get_dead_letter("globex", LETTER) is None
    assert _get(client, "/dead-letters/webhook-1-event-2", 404)["code"] == "not_found"
