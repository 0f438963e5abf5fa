"""Events on their way to real endpoints, through the whole stack: signed, tried again, given up, and never in each other's way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from fanfare.domain.endpoint_health import MOST_IN_FLIGHT
from fanfare.domain.event import Event, EventKind
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.ports import Deps
from fanfare.services.new_events import nudge_deliveries
from local.readiness import wait_until
from local.stack import Stack
from tests.contract.adapters.endpoint import Endpoint
from tests.contract.adapters.scripted import Asked, Reply, ScriptedServer
from tests.e2e.harness import DELIVERY_SECONDS, Api, Tenant, fresh

KINDS = ["notification.completed", "webhook.disabled"]


@pytest.fixture
def endpoint() -> Iterator[ScriptedServer]:
    """An endpoint that takes everything."""
    with ScriptedServer() as server:
        server.reply = lambda _asked: Reply(200)
        yield server


def _webhook(api: Api, url: str) -> Any:
    return api.post("/webhooks/", {"url": url, "events": KINDS}, 201)


def _tell(deps: Deps, tenant: Tenant, webhooks: Sequence[str], number: int = 1) -> list[str]:
    """Store events for these webhooks and nudge their deliveries, as whatever happens does; their ids."""
    now = datetime.now(UTC)
    told = {"notification_id": "n-1", "status": "completed", "text": "Zürich 🎉"}
    events = [
        Event(fresh("event"), tenant.id, EventKind.NOTIFICATION_COMPLETED, now, told, ("n-1",), tuple(webhooks), "e2e-request") for _ in range(number)
    ]
    deps.events.record(events)
    nudge_deliveries(deps, events)
    return [event.id for event in events]


def _deliveries(api: Api, webhook_id: str) -> dict[str, Any]:
    return {item["event_id"]: item for item in api.get(f"/webhooks/{webhook_id}/deliveries/", params={"limit": 200})["items"]}


def _wait(api: Api, webhook_id: str, event_id: str, is_so: Callable[[Any], bool], *, seconds: float = DELIVERY_SECONDS) -> Any:
    found: dict[str, Any] = {}

    def arrived() -> bool:
        found.update(_deliveries(api, webhook_id)[event_id])
        return is_so(found)

    assert wait_until(arrived, timeout_seconds=seconds), found
    return found


def _wait_for_state(api: Api, webhook_id: str, event_id: str, state: str, *, seconds: float = DELIVERY_SECONDS) -> Any:
    return _wait(api, webhook_id, event_id, lambda found: found["state"] == state, seconds=seconds)


def _verify(secret: str, asked: Asked) -> Any:
    return Verifier(secret).verify(asked.body, dict(asked.headers))


def test_event_arrives_and_is_verified_by_the_schemes_own_package(api: Api, tenant: Tenant, deps: Deps, endpoint: ScriptedServer) -> None:
    webhook = _webhook(api, f"{endpoint.url}/hooks?from=fanfare")
    (event_id,) = _tell(deps, tenant, [webhook["id"]])
    delivered = _wait_for_state(api, webhook["id"], event_id, "delivered")
    (asked,) = endpoint.asked
    told = _verify(webhook["secret"], asked)
    assert (told["id"], told["type"], told["data"]["text"]) == (event_id, "notification.completed", "Zürich 🎉")
    assert (asked.method, asked.path, asked.headers["webhook-id"]) == ("POST", "/hooks?from=fanfare", event_id)
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["user-agent"].startswith("Fanfare/")
    assert asked.headers["x-request-id"] == "e2e-request"
    assert (delivered["attempts"], delivered["last_status"]) == (1, 200)
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook["secret"]).verify(asked.body + b" ", dict(asked.headers), json_parse=False)


def test_test_event_of_the_api_arrives(api: Api, endpoint: ScriptedServer) -> None:
    webhook = _webhook(api, endpoint.url)
    event_id = api.post(f"/webhooks/{webhook['id']}/test/", None, 202)["event_id"]
    _wait_for_state(api, webhook["id"], event_id, "delivered")
    assert _verify(webhook["secret"], endpoint.asked[0])["type"] == "webhook.test"


def test_refused_event_is_posted_again_with_the_same_id_and_bytes(api: Api, tenant: Tenant, deps: Deps, endpoint: ScriptedServer) -> None:
    answers = iter([Reply(503, headers={"Retry-After": "6"})])
    endpoint.reply = lambda _asked: next(answers, Reply(204))
    webhook = _webhook(api, endpoint.url)
    (event_id,) = _tell(deps, tenant, [webhook["id"]])
    delivered = _wait_for_state(api, webhook["id"], event_id, "delivered")
    first, second = endpoint.asked
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert 6 <= int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) <= DELIVERY_SECONDS
    assert all(_verify(webhook["secret"], asked)["id"] == event_id for asked in (first, second))
    assert (delivered["attempts"], delivered["last_status"]) == (2, 204)
    shown = api.get(f"/webhooks/{webhook['id']}/")
    assert (shown["failure_count"], shown["active"]) == (0, True)


def test_both_secrets_verify_after_a_rotation(api: Api, tenant: Tenant, deps: Deps, endpoint: ScriptedServer) -> None:
    webhook = _webhook(api, endpoint.url)
    rotated = api.post(f"/webhooks/{webhook['id']}/rotate/", None, 201)
    (event_id,) = _tell(deps, tenant, [webhook["id"]])
    _wait_for_state(api, webhook["id"], event_id, "delivered")
    assert rotated["secret"] != webhook["secret"]
    assert [_verify(secret, endpoint.asked[0])["id"] for secret in (rotated["secret"], webhook["secret"])] == [event_id] * 2


def test_endpoint_that_is_gone_is_disabled_and_the_others_are_told(own_tenant: Tenant, deps: Deps, endpoint: ScriptedServer) -> None:
    api = own_tenant.api()
    with ScriptedServer() as gone:
        gone.reply = lambda _asked: Reply(410)
        dead, other = _webhook(api, gone.url), _webhook(api, endpoint.url)
        (event_id,) = _tell(deps, own_tenant, [dead["id"]])
        ended = _wait_for_state(api, dead["id"], event_id, "failed")
        assert wait_until(lambda: len(endpoint.asked) == 1, timeout_seconds=DELIVERY_SECONDS)
        (later,) = _tell(deps, own_tenant, [dead["id"]])
        dropped = _wait_for_state(api, dead["id"], later, "dropped")
        assert len(gone.asked) == 1
    told = _verify(other["secret"], endpoint.asked[0])
    assert (told["type"], told["data"]) == ("webhook.disabled", {"webhook_id": dead["id"], "reason": "gone"})
    shown = api.get(f"/webhooks/{dead['id']}/")
    assert (shown["active"], shown["inactive_reason"]) == (False, "gone")
    assert (ended["reason"], ended["last_status"], dropped["reason"]) == ("gone", 410, "webhook_inactive")
    assert [entry["resource_ids"] for entry in api.get("/audit/", params={"action": "webhook.disabled"})["items"]] == [[dead["id"]]]


def test_redirect_into_the_network_is_not_followed(api: Api, tenant: Tenant, deps: Deps, endpoint: ScriptedServer) -> None:
    with ScriptedServer() as inside:
        endpoint.reply = lambda _asked: Reply(307, headers={"Location": f"{inside.url}/secret"})
        webhook = _webhook(api, endpoint.url)
        (event_id,) = _tell(deps, tenant, [webhook["id"]])
        failed = _wait(api, webhook["id"], event_id, lambda found: found["attempts"] >= 1 and found["state"] == "pending")
        assert (failed["last_error"], inside.asked) == ("redirect", [])


def test_endpoint_that_hangs_keeps_no_other_waiting(api: Api, tenant: Tenant, deps: Deps, endpoint: ScriptedServer) -> None:
    number = 3 * MOST_IN_FLIGHT

    def hold(over: threading.Event) -> Iterator[bytes]:
        over.wait(30)
        yield b""

    with Endpoint(hold) as silent:
        slow, quick = _webhook(api, f"http://127.0.0.1:{silent.port}/"), _webhook(api, endpoint.url)
        _tell(deps, tenant, [slow["id"]], number)
        assert wait_until(lambda: len(silent.requests) == MOST_IN_FLIGHT, timeout_seconds=DELIVERY_SECONDS)
        _tell(deps, tenant, [quick["id"], slow["id"]], number)
        assert wait_until(lambda: len(endpoint.asked) == number, timeout_seconds=DELIVERY_SECONDS)
        # Not one of the posts to the endpoint that hangs has come to its end, and none beyond its part of the threads was begun.
        assert len(silent.requests) == MOST_IN_FLIGHT
        states = [item["state"] for item in _deliveries(api, slow["id"]).values()]
        assert sorted(states) == ["pending"] * (2 * number - MOST_IN_FLIGHT) + ["sending"] * MOST_IN_FLIGHT
    api.call("DELETE", f"/webhooks/{slow['id']}/")


def test_event_is_delivered_though_the_function_was_killed_in_the_middle_of_its_post(
    api: Api, tenant: Tenant, deps: Deps, endpoint: ScriptedServer, stack: Stack
) -> None:
    came, over = threading.Event(), threading.Event()

    def hold(_asked: Asked) -> Reply:
        if not came.is_set():
            came.set()
            over.wait(60)
        return Reply(200)

    endpoint.reply = hold
    webhook = _webhook(api, endpoint.url)
    (event_id,) = _tell(deps, tenant, [webhook["id"]])
    assert came.wait(DELIVERY_SECONDS)
    stack.kill("webhook")
    over.set()
    interrupted = deps.deliveries.get_many([DeliveryKey(tenant.id, webhook["id"], event_id)])[0]
    assert interrupted is not None
    assert (interrupted.state.value, interrupted.attempts) == ("sending", 1)
    stack.restart("webhook")
    # Its lease has to end, and the queue waits before it asks again.
    delivered = _wait_for_state(api, webhook["id"], event_id, "delivered", seconds=150)
    assert (delivered["attempts"], len(endpoint.asked)) == (2, 2)
    assert {_verify(webhook["secret"], asked)["id"] for asked in endpoint.asked} == {event_id}


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/computeMetadata/v1/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://metadata.google.internal/",
        "http://hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://0x7f.1/",
    ],
)
def test_url_that_leads_inside_is_refused_and_nothing_is_stored(api: Api, url: str) -> None:
    before = {item["id"] for item in api.get("/webhooks/", params={"limit": 200})["items"]}
    problem = api.call("POST", "/webhooks/", json={"url": url, "events": KINDS})
    assert problem.status_code == 400
    assert [error["field"] for error in problem.json()["errors"]] == ["url"]
    assert {item["id"] for item in api.get("/webhooks/", params={"limit": 200})["items"]} == before
