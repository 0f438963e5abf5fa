"""The task that delivers an event: done, to wait, or refused and kept as poison."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.endpoint_answer import Posted
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.web.webhook import build_webhook, parse_task
from tests.fakes import MemoryPoisonStore, ScriptedCallAuthenticator, ScriptedWebhookPoster, fake_deps
from tests.unit.services.test_deliver_event import World

HEADERS = {"Authorization": "Bearer token", "X-CloudTasks-TaskName": "task-1"}
TASK = {"tenant": "acme", "webhook": "webhook-1", "event": "event-1", "request_id": "request-1"}


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "event-1",
        {},
        {**TASK, "tenant": ""},
        {**TASK, "webhook": 7},
        {**TASK, "event": "a/b"},
        {**TASK, "event": "../event-1"},
        {name: value for name, value in TASK.items() if name != "event"},
    ],
)
def test_task_that_names_no_delivery_is_refused_and_kept(content: Any) -> None:
    poison = MemoryPoisonStore()
    deps = fake_deps(poison=poison, call_authenticator=ScriptedCallAuthenticator({("webhook", "token"): None}))
    answer = build_webhook(deps).test_client().post("/", json=content, headers=HEADERS)
    assert (answer.status_code, answer.json) == (200, {"result": "refused"})
    assert {place: refused.reason for place, refused in poison.refused.items()} == {("webhook", "task-1"): "names_no_delivery"}


def test_task_names_its_delivery() -> None:
    assert parse_task(TASK) == DeliveryKey("acme", "webhook-1", "event-1")


def test_task_of_a_delivery_that_is_gone_is_done() -> None:
    deps = fake_deps(call_authenticator=ScriptedCallAuthenticator({("webhook", "token"): None}))
    answer = build_webhook(deps).test_client().post("/", json=TASK, headers=HEADERS)
    assert (answer.status_code, answer.json) == (200, {"result": "finished"})


def test_task_that_has_to_wait_is_told_for_how_long() -> None:

    world = World(poster=ScriptedWebhookPoster(script=[Posted(500)]))
    world.webhook()
    world.event()
    world.deliver()
    deps = fake_deps(
        clock=world.clock,
        tenants=world.deps.tenants,
        deliveries=world.deps.deliveries,
        call_authenticator=ScriptedCallAuthenticator({("webhook", "token"): None}),
    )
    answer = build_webhook(deps).test_client().post("/", json=TASK, headers=HEADERS)
    assert (answer.status_code, answer.headers["Retry-After"], answer.json) == (409, "5", {"result": "busy"})
