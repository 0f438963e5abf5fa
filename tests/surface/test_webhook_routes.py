"""`/webhooks` as it is asked and answered, and the tasks that go on with a replay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest
from flask.testing import FlaskClient

from fanfare.domain.client import Scope
from fanfare.domain.event import LISTENABLE, Event, EventKind
from fanfare.domain.event_cursor import EventPlace, before
from fanfare.domain.webhook import WebhookReason
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState
from fanfare.domain.webhook_replay import Replay
from fanfare.domain.webhook_rules import KINDS
from fanfare.ports import Deps
from fanfare.web.api import build_api
from fanfare.web.fanout import build_fanout
from fanfare.web.fanout_tasks import Task, parse_task
from fanfare.web.webhook_answers import WebhookDeliveryOut, WebhookOut, WebhookPage, WebhookWithSecret
from fanfare.web.webhook_schemas import KindName, StateName
from tests.factories import NOW, TENANT_ID, a_client, a_webhook, client_token
from tests.fakes import RecordingTaskQueue, ScriptedCallAuthenticator
from tests.surface.surface import CREDENTIALS, PREFIX, some_deps

BODY = {"url": "https://hooks.example.com/in", "events": ["notification.failed"], "description": "Order service"}
KEY = {"Idempotency-Key": "key-1"}


@pytest.fixture
def deps() -> Deps:
    deps = some_deps(call_authenticator=ScriptedCallAuthenticator({("fanout", "token"): None}))
    for number in range(2):
        deps.events.record((Event(f"event-{number}", TENANT_ID, EventKind.NOTIFICATION_FAILED, NOW - timedelta(hours=1), {}),))
    return deps


@pytest.fixture
def phone(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client()


def _call(phone: FlaskClient, method: str, path: str, body: Any = None, expected: int = 200, **headers: str) -> Any:
    answer = phone.open(f"{PREFIX}{path}", method=method, json=body, headers=CREDENTIALS | headers)
    assert answer.status_code == expected, answer.text
    return answer.json


def _create(phone: FlaskClient, **fields: Any) -> Any:
    return _call(phone, "POST", "/webhooks", BODY | fields, 201)


def _wrong(phone: FlaskClient, method: str, path: str, body: Any) -> list[str]:
    answer = _call(phone, method, path, body, 400)
    assert answer["code"] == "invalid_request"
    return [error["field"] for error in answer["errors"]]


def test_words_of_the_schemas_are_those_of_the_domain() -> None:
    assert set(get_args(KindName)) == set(KINDS) == {kind.value for kind in LISTENABLE}
    assert set(get_args(StateName)) == set(DeliveryState)
    (reasons, _) = get_args(WebhookOut.model_fields["inactive_reason"].annotation)
    assert set(get_args(reasons)) == set(WebhookReason)


def test_secret_is_in_the_answers_to_create_and_rotate_alone(phone: FlaskClient) -> None:
    created = _create(phone)
    path = f"/webhooks/{created['id']}"
    rotated = _call(phone, "POST", f"{path}/rotate", None, 201)
    assert [WebhookWithSecret.model_validate(answer).secret[:6] for answer in (created, rotated)] == ["whsec_"] * 2
    assert created["secret"] != rotated["secret"]
    shown = [_call(phone, "GET", path), _call(phone, "PUT", path, {"description": ""}), *_call(phone, "GET", "/webhooks")["items"]]
    assert [answer.keys() - WebhookOut.model_fields.keys() for answer in shown] == [set()] * 3
    assert [answer["previous_valid_until"] for answer in shown] == ["2026-11-25T08:00:00.000Z"] * 3


def test_created_webhook_is_shown_as_it_was_said(phone: FlaskClient) -> None:
    created = _create(phone)
    shown = _call(phone, "GET", f"/webhooks/{created['id']}")
    assert {name: shown[name] for name in BODY} == BODY
    assert (shown["active"], shown["inactive_reason"], shown["failure_count"], shown["created_by"]) == (True, None, 0, "client-1")
    assert shown == {name: value for name, value in created.items() if name != "secret"}


def test_webhook_is_made_rotated_and_tried_once_under_a_key(phone: FlaskClient, deps: Deps) -> None:
    created = _call(phone, "POST", "/webhooks", BODY, 201, **KEY)
    path = f"/webhooks/{created['id']}"
    assert _call(phone, "POST", "/webhooks", BODY, 201, **KEY) == created
    assert _call(phone, "POST", "/webhooks", BODY | {"description": ""}, 409, **KEY)["code"] == "idempotency_mismatch"
    for step, status in (("rotate", 201), ("test", 202)):
        assert _call(phone, "POST", f"{path}/{step}", None, status, **KEY) == _call(phone, "POST", f"{path}/{step}", None, status, **KEY)
    stored = deps.webhooks.get(TENANT_ID, created["id"])
    assert stored is not None
    assert stored.previous_secret == created["secret"]
    assert len(_call(phone, "GET", f"{path}/deliveries")["items"]) == 1


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"url": "http://hooks.example.com/"}, ["url"]),
    ({"url": "https://169.254.169.254/"}, ["url"]),
    ({"url": "nonsense"}, ["url"]),
    ({"url": ""}, ["url"]),
    ({"url": "https://hooks.example.com/" + "x" * 2_048}, ["url"]),
    ({"events": []}, ["events"]),
    ({"events": ["notification.failed", "notification.opened"]}, ["events.1"]),
    ({"events": ["webhook.test"]}, ["events.0"]),
    ({"events": "notification.failed"}, ["events"]),
    ({"description": "x" * 256}, ["description"]),
    ({"description": "two\nlines"}, ["description"]),
    ({"secret": "whsec_mine"}, ["secret"]),
]


@pytest.mark.parametrize(("fields", "named"), WRONG, ids=[f"{named[0]}-{index}" for index, (_, named) in enumerate(WRONG)])
def test_what_is_wrong_is_named_and_nothing_is_stored(phone: FlaskClient, deps: Deps, fields: dict[str, Any], named: list[str]) -> None:
    assert _wrong(phone, "POST", "/webhooks", BODY | fields) == named
    assert deps.webhooks.list(TENANT_ID, 10, None).items == []
    created = _create(phone)
    assert _wrong(phone, "PUT", f"/webhooks/{created['id']}", fields) == named


@pytest.mark.parametrize("missing", ["url", "events"])
def test_webhook_needs_a_url_and_kinds(phone: FlaskClient, missing: str) -> None:
    assert _wrong(phone, "POST", "/webhooks", {name: value for name, value in BODY.items() if name != missing}) == [missing]


def test_what_is_left_out_or_null_stays(phone: FlaskClient) -> None:
    created = _create(phone)
    path = f"/webhooks/{created['id']}"
    shown = _call(phone, "GET", path)
    assert _call(phone, "PUT", path, {}) == shown
    assert _call(phone, "PUT", path, {"url": None, "events": None, "description": None, "active": None}) == shown
    off = _call(phone, "PUT", path, {"active": False})
    assert (off["active"], off["inactive_reason"]) == (False, "by_caller")
    assert _call(phone, "PUT", path, {"active": True}) == shown


def test_webhooks_are_listed_by_being_active(phone: FlaskClient) -> None:
    on, off = _create(phone), _create(phone)
    _call(phone, "PUT", f"/webhooks/{off['id']}", {"active": False})
    for query, expected in (("?active=true", [on["id"]]), ("?active=false", [off["id"]]), ("", sorted([on["id"], off["id"]]))):
        page = _call(phone, "GET", f"/webhooks{query}")
        assert [item["id"] for item in WebhookPage.model_validate(page).model_dump()["items"]] == expected


def test_twenty_first_webhook_is_refused(phone: FlaskClient) -> None:
    for _ in range(20):
        _create(phone)
    assert _call(phone, "POST", "/webhooks", BODY, 409)["code"] == "too_many_webhooks"


def test_tried_webhook_has_a_delivery(phone: FlaskClient, deps: Deps) -> None:
    path = f"/webhooks/{_create(phone)['id']}"
    tried = _call(phone, "POST", f"{path}/test", None, 202)
    (item,) = _call(phone, "GET", f"{path}/deliveries?state=pending")["items"]
    assert item.keys() == WebhookDeliveryOut.model_fields.keys()
    assert (item["event_id"], item["kind"], item["attempts"], item["last_status"]) == (tried["event_id"], "webhook.test", 0, None)
    assert isinstance(deps.tasks, RecordingTaskQueue)
    assert [task.key.event_id for task in deps.tasks.webhooks] == [tried["event_id"]]
    assert _call(phone, "GET", f"{path}/deliveries?state=delivered")["items"] == []


@pytest.mark.parametrize(("step", "body"), [("test", None), ("replay", {"event_ids": ["event-0"]}), ("replay", {"after": "2026-11-24T07:00:00Z"})])
def test_inactive_webhook_is_neither_tried_nor_replayed_to(phone: FlaskClient, step: str, body: Any) -> None:
    path = f"/webhooks/{_create(phone)['id']}"
    _call(phone, "PUT", path, {"active": False})
    assert _call(phone, "POST", f"{path}/{step}", body, 409)["code"] == "webhook_inactive"


def test_named_events_are_replayed_at_once(phone: FlaskClient) -> None:
    path = f"/webhooks/{_create(phone)['id']}"
    assert _call(phone, "POST", f"{path}/replay", {"event_ids": ["event-0", "event-1", "event-0"]}, 202) == {"replaying": 2}
    assert {item["event_id"] for item in _call(phone, "GET", f"{path}/deliveries")["items"]} == {"event-0", "event-1"}


def test_span_is_replayed_by_the_task_that_it_asks_for(phone: FlaskClient, deps: Deps) -> None:
    path = f"/webhooks/{_create(phone)['id']}"
    assert _call(phone, "POST", f"{path}/replay", {"after": "2026-11-24T07:00:00Z"}, 202) == {"replaying": None}
    assert _call(phone, "GET", f"{path}/deliveries")["items"] == []
    assert isinstance(deps.tasks, RecordingTaskQueue)
    (replay,) = deps.tasks.replays
    assert _perform(deps, _content(replay)) == {"result": "finished"}
    assert {item["event_id"] for item in _call(phone, "GET", f"{path}/deliveries")["items"]} == {"event-0", "event-1"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"event_ids": ["event-0", "none"]}, ["event_ids.1"]),
        ({"event_ids": []}, ["event_ids"]),
        ({"event_ids": ["event-0"] * 101}, ["event_ids"]),
        ({"event_ids": ["no/id"]}, ["event_ids.0"]),
        ({}, ["body"]),
        ({"event_ids": ["event-0"], "after": "2026-11-24T07:00:00Z"}, ["body"]),
        ({"event_ids": ["event-0"], "before": "2026-11-24T07:00:00Z"}, ["body"]),
        ({"before": "2026-11-24T07:00:00Z"}, ["body"]),
        ({"after": "2026-11-24T07:00:00Z", "before": "2026-11-24T07:00:00Z"}, ["after"]),
        ({"after": "2030-11-24T07:00:00Z"}, ["after"]),
        ({"after": "yesterday"}, ["after"]),
    ],
)
def test_what_can_not_be_replayed_is_named(phone: FlaskClient, body: Any, named: list[str]) -> None:
    assert _wrong(phone, "POST", f"/webhooks/{_create(phone)['id']}/replay", body) == named


@pytest.mark.parametrize("scope", sorted({*Scope} - {Scope.WEBHOOKS, Scope.PLATFORM}))
def test_webhooks_are_for_their_scope_alone(deps: Deps, scope: Scope) -> None:
    deps.clients.create(a_client(id="client-3", scopes=frozenset({scope})))
    headers = {"Client-ID": "client-3", "Client-Token": client_token("client-3")}
    phone = build_api(deps).test_client()
    paths = [("GET", ""), ("POST", ""), *((method, "/webhook-1") for method in ("GET", "PUT", "DELETE"))]
    paths += [("POST", f"/webhook-1/{step}") for step in ("rotate", "test", "replay")] + [("GET", "/webhook-1/deliveries")]
    assert {phone.open(f"{PREFIX}/webhooks{path}", method=method, headers=headers).status_code for method, path in paths} == {403}


# Tasks


def _content(replay: Replay) -> dict[str, Any]:
    """A task's body as the queue's adapter makes it (`tests/contract/adapters/test_cloud_tasks.py`)."""
    times = {"after": replay.place.at, "until": replay.until, "asked_at": replay.asked_at}
    named = {"work": "replay", "tenant": replay.tenant, "webhook": replay.webhook_id, "event": replay.place.id}
    return {**named, **{name: at.isoformat() for name, at in times.items()}}


def _perform(deps: Deps, content: dict[str, Any]) -> Any:
    answer = build_fanout(deps).test_client().post("/", json=content, headers={"Authorization": "Bearer token"})
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.mark.parametrize("place", [before(NOW), EventPlace(NOW + timedelta(microseconds=1), "event-1")])
def test_task_of_a_replay_is_read_as_it_was_meant(place: EventPlace) -> None:
    replay = Replay(TENANT_ID, "webhook-1", place, NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    assert parse_task(_content(replay)) == Task("replay", TENANT_ID, replay=replay)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook": None},
        {"webhook": "no/id"},
        {"event": None},
        {"event": ""},
        {"event": "a/b"},
        {"after": "2026-11-24T08:00:00"},
        {"until": "today"},
        {"until": 5},
        {"asked_at": None},
        {"tenant": "__t__"},
    ],
)
def test_anything_else_is_no_task(deps: Deps, change: dict[str, Any]) -> None:
    good = _content(Replay(TENANT_ID, "webhook-1", before(NOW), NOW, NOW))
    assert parse_task(good | change) is None
    assert _perform(deps, good | change) == {"result": "refused"}


def test_replay_to_a_webhook_that_is_gone_is_done(deps: Deps) -> None:
    webhook = a_webhook(id="gone")
    assert _perform(deps, _content(Replay(TENANT_ID, webhook.id, before(NOW - timedelta(days=1)), NOW, NOW))) == {"result": "finished"}
    assert deps.deliveries.get_many([DeliveryKey(TENANT_ID, webhook.id, "event-0")]) == [None]
