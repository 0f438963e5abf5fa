"""`POST /notify/preview`, from outside: it tells what the same request then does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from fanfare.domain.client import Scope
from fanfare.domain.prices import AS_OF
from fanfare.ports import Deps
from local.stack import Stack
from tests.e2e.harness import Api, Simulator, Tenant, fields_of, fresh, problem_of, wait_for_status


@pytest.fixture(scope="module")
def alone(deps: Deps, stack: Stack) -> Iterator[Api]:
    """A tenant whose audience holds six devices, one of them a web page's, and nobody else's."""
    tenant = Tenant.create(deps, stack)
    api = tenant.api()
    for number in range(6):
        api.register(platform="web" if number == 0 else "android", tags=["beta"] if number % 2 else [], locale="sw-TZ")
    yield api
    tenant.close()


def _preview(api: Api, to: Any, **said: Any) -> Any:
    return api.post("/notify/preview/", {"to": to, **({"title": "Hello"} | said)}, 200)


def _refused(api: Api, body: Any, status: int = 400) -> Any:
    return problem_of(api.call("POST", "/notify/preview/", json=body), status)


def test_everything_is_told_of_a_broadcast(alone: Api) -> None:
    found = _preview(alone, {"everyone": True}, ramp=[1, 100])
    assert found.keys() == {"audience", "messages", "stages", "starts_at", "finishes_at", "operations", "cost_usd", "prices_as_of"}
    audience = found["audience"]
    assert (audience["devices"], audience["reachable"], audience["unreachable_share"], audience["estimated"]) == (6, 6, 0, False)
    assert found["stages"] == [{"percent": 100, "chunks": 1, "devices": 6}]
    assert [message["platform"] for message in found["messages"]] == ["android", "ios", "web"]
    assert datetime.fromisoformat(found["starts_at"]) <= datetime.fromisoformat(found["finishes_at"])
    assert found["operations"]["messages"] == 6
    assert found["operations"].keys() == {"firestore_reads", "firestore_writes", "tasks", "messages"}
    assert 0 < found["cost_usd"] < 0.01
    assert found["prices_as_of"] == AS_OF


@pytest.mark.parametrize(("segment", "devices"), [({"tags": ["beta"]}, 3), ({"platform": ["web"]}, 1), ({"locale": ["fr"]}, 0)])
def test_segment_is_counted(alone: Api, segment: Any, devices: int) -> None:
    found = _preview(alone, {"segment": segment})
    assert (found["audience"]["devices"], found["operations"]["messages"]) == (devices, devices)


def test_saved_segment_is_counted_and_an_unknown_one_is_refused(alone: Api) -> None:
    saved = alone.post("/segments/", {"name": "beta", "filter": {"tags": ["beta"]}}, 201)
    assert _preview(alone, {"segment": saved["id"]})["audience"]["devices"] == 3
    assert fields_of(_refused(alone, {"to": {"segment": "unknown"}, "title": "Hello"})) == {"to.segment"}


def test_send_does_what_was_told_and_the_preview_did_nothing(api: Api, fcm: Simulator) -> None:
    username, token = fresh("person"), fresh("token")
    api.register(username=username, token=token)
    to = {"usernames": [username]}
    found = _preview(api, to)
    assert (found["audience"]["devices"], found["operations"]["messages"], found["stages"]) == (1, 1, [])
    assert api.get("/notifications/", params={"username": username})["items"] == []
    assert fcm.record(token)["accepted"] == 0
    sent = wait_for_status(api, api.send(to), "completed")
    assert sent["counts"]["sent"] == found["operations"]["messages"]


def test_templates_are_shown_in_every_language_with_their_bytes(api: Api) -> None:
    template = api.post("/templates/", {"name": fresh("template"), "title": "Hi", "body": "{{text}}", "locales": {"sw": {"title": "Habari"}}}, 201)
    to = {"usernames": [fresh("nobody")]}
    small, big = (_preview(api, to, template=template["name"], title=None, variables={"text": "x" * size}) for size in (10, 3_990))
    forms = {(message["platform"], message["locale"]): message for message in small["messages"]}
    assert forms.keys() == {(platform, locale) for platform in ("android", "ios", "web") for locale in (None, "sw")}
    assert (forms["ios", "sw"]["title"], forms["ios", "sw"]["body"], forms["ios", "sw"]["fits"]) == ("Habari", "x" * 10, True)
    assert {message["limit_bytes"] for message in small["messages"]} == {4_096}
    for message in big["messages"]:
        assert (message["fits"], message["bytes"] > 4_096, len(message["errors"])) == (False, True, 1)


def test_message_to_a_topic_has_half_the_room(api: Api) -> None:
    found = _preview(api, {"topic": fresh("topic")}, body="x" * 2_000)
    (message,) = found["messages"]
    assert (message["platform"], message["limit_bytes"], message["fits"]) == (None, 2_048, False)
    assert found["audience"] == {"devices": None, "reachable": None, "unreachable_share": None, "estimated": False, "as_of": None}


def test_topic_s_subscribers_are_counted(api: Api) -> None:
    topic, device = fresh("topic"), api.register()
    api.post("/topics/", {"name": topic}, 201)
    api.post(f"/topics/{topic}/subscribe/", {"device_ids": [device["id"]]}, 200)
    assert _preview(api, {"topic": topic})["audience"]["devices"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"to": {"everyone": True}, "template": "unknown-template"}, "template"),
        ({"to": {"segment": {"colour": "red"}}, "title": "Hello"}, "to.segment.colour"),
        ({"to": {"segment": {"app_version": ">="}}, "title": "Hello"}, "to.segment.app_version"),
        ({"to": {"everyone": True}, "title": "Hello", "ramp": [1, 5]}, "ramp"),
        ({"to": {"condition": " && ".join(f"'{name}' in topics" for name in "abcdef")}, "title": "Hello"}, "to.condition"),
        ({"to": {"usernames": ["a"]}, "title": "Hello", "ramp": [1, 100]}, "ramp"),
        ({"to": {"everyone": True}, "title": "Hello", "unknown": 1}, "unknown"),
    ],
)
def test_request_that_can_t_be_understood_is_refused_by_its_field(api: Api, body: Any, field: str) -> None:
    assert fields_of(_refused(api, body)) == {field}


@pytest.mark.parametrize(("scope", "status"), [(Scope.SEND, 200), (Scope.READ, 200), (Scope.DEVICES, 403), (Scope.TEMPLATES, 403)])
def test_whoever_may_send_or_read_may_preview(tenant: Tenant, scope: Scope, status: int) -> None:
    answer = tenant.api(scope).call("POST", "/notify/preview/", json={"to": {"usernames": ["a"]}, "title": "Hello"})
    assert answer.status_code == status
