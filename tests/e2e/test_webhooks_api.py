"""Every route of `/webhooks` from outside, with an endpoint on this machine that takes what is posted, and the examples of docs/webhooks.md."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fanfare.domain.client import Scope
from fanfare.domain.event import Event, EventKind
from fanfare.ports import Deps
from local.readiness import wait_until
from local.settings import ROOT
from tests.e2e.harness import DELIVERY_SECONDS, Api, Cloud, Tenant, fields_of, fresh, problem_of

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SHOWN = {
    "id", "url", "events", "description", "active", "inactive_reason", "failure_count", "failing_since", "last_triggered_at", "previous_valid_until",
    "created_by", "created_at", "updated_at",
}  # fmt: skip
DOCUMENT = ROOT / "docs" / "webhooks.md"


@dataclass
class Endpoint:
    """A server on loopback, which the local stack alone may post to; `taken` holds the bodies that came."""

    url: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)

    def ids(self) -> list[str]:
        """The ids of the events that came, one for each time."""
        return [str(body["id"]) for body in list(self.taken)]


@contextmanager
def _serving(endpoint: Endpoint) -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            endpoint.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/hush-{fresh('hook')}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with _serving(Endpoint()) as serving:
        yield serving


@pytest.fixture
def hook_api(own_tenant: Tenant) -> Api:
    """A client of a tenant that has no webhook yet."""
    return own_tenant.api()


def _create(api: Api, url: str, *kinds: str, **fields: Any) -> Any:
    return api.post("/webhooks/", {"url": url, "events": list(kinds) or ["notification.failed"], **fields}, 201)


def _happened(deps: Deps, tenant: Tenant, kind: EventKind = EventKind.NOTIFICATION_FAILED) -> str:
    """An event of the past that was delivered to nobody."""
    event = Event(deps.identifiers.new_id(), tenant.id, kind, datetime.now(UTC), {"notification_id": "n-1"}, request_id="request-1")
    deps.events.record((event,))
    return event.id


def _arrived(endpoint: Endpoint, count: int) -> bool:
    return wait_until(lambda: len(endpoint.taken) >= count, timeout_seconds=DELIVERY_SECONDS)


def _examples() -> list[Any]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)]


# Making and changing


def test_webhook_is_made_shown_changed_and_deleted_and_the_log_tells_of_it(hook_api: Api, endpoint: Endpoint) -> None:
    created = _create(hook_api, endpoint.url, "notification.failed", "device.registered", description="Order service")
    assert created.keys() == SHOWN | {"secret"}
    assert len(base64.b64decode(created["secret"].removeprefix("whsec_"), validate=True)) == 32
    path = f"/webhooks/{created['id']}"
    shown = hook_api.get(path)
    assert shown == {name: value for name, value in created.items() if name != "secret"}
    assert (shown["url"], shown["events"], shown["active"]) == (endpoint.url, ["device.registered", "notification.failed"], True)
    assert INSTANT.fullmatch(shown["created_at"])
    assert hook_api.get("/webhooks/", params={"active": "true"}) == {"items": [shown], "next_cursor": None}
    changed = hook_api.put(path, {"events": ["schedule.fired"], "active": False})
    assert changed == {**shown, "events": ["schedule.fired"], "active": False, "inactive_reason": "by_caller", "updated_at": changed["updated_at"]}
    assert hook_api.get("/webhooks/", params={"active": "true"})["items"] == []
    assert hook_api.call("DELETE", path).status_code == 204
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"active": True})):
        problem_of(hook_api.call(method, path, json=body), 404)
    audit = hook_api.get("/audit/", params={"resource": "webhook", "resource_id": created["id"]})
    assert [entry["action"] for entry in audit["items"]] == ["webhook.deleted", "webhook.updated", "webhook.created"]
    assert [entry["facts"]["host"] for entry in audit["items"]] == ["127.0.0.1"] * 3
    assert [secret for secret in ("hush", created["secret"]) if secret in json.dumps(audit)] == []


def test_webhook_is_made_once_under_a_key(hook_api: Api, endpoint: Endpoint) -> None:
    body, key = {"url": endpoint.url, "events": ["notification.failed"]}, {"Idempotency-Key": fresh("key")}
    first = hook_api.post("/webhooks/", body, 201, headers=key)
    again = hook_api.call("POST", "/webhooks/", json=body, headers=key)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first, "true")
    assert len(hook_api.get("/webhooks/")["items"]) == 1


def test_list_is_paged(hook_api: Api, endpoint: Endpoint) -> None:
    made = {_create(hook_api, endpoint.url)["id"] for _ in range(3)}
    first = hook_api.get("/webhooks/", params={"limit": 2})
    last = hook_api.get("/webhooks/", params={"limit": 2, "cursor": first["next_cursor"]})
    assert [item["id"] for item in first["items"] + last["items"]] == sorted(made)
    assert last["next_cursor"] is None


def test_tenant_has_twenty_webhooks_at_most(hook_api: Api, endpoint: Endpoint) -> None:
    for _ in range(20):
        _create(hook_api, endpoint.url)
    refused = problem_of(hook_api.call("POST", "/webhooks/", json={"url": endpoint.url, "events": ["notification.failed"]}), 409)
    assert refused["code"] == "too_many_webhooks"


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/",
        "http://169.254.169.254/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "http://example.com/",
        "ftp://example.com/",
        "nonsense",
    ],
)
def test_url_that_leads_inside_is_refused_and_nothing_is_stored(hook_api: Api, endpoint: Endpoint, url: str) -> None:
    body = {"url": url, "events": ["notification.failed"]}
    assert fields_of(problem_of(hook_api.call("POST", "/webhooks/", json=body), 400)) == {"url"}
    assert hook_api.get("/webhooks/")["items"] == []
    created = _create(hook_api, endpoint.url)
    assert fields_of(problem_of(hook_api.call("PUT", f"/webhooks/{created['id']}", json={"url": url}), 400)) == {"url"}
    assert hook_api.get(f"/webhooks/{created['id']}")["url"] == endpoint.url


def test_unknown_kind_is_named(hook_api: Api, endpoint: Endpoint) -> None:
    body = {"url": endpoint.url, "events": ["notification.failed", "notification.opened"]}
    assert fields_of(problem_of(hook_api.call("POST", "/webhooks/", json=body), 400)) == {"events.1"}


def test_webhooks_are_for_their_scope_and_their_tenant(tenant: Tenant, hook_api: Api, endpoint: Endpoint) -> None:
    created = _create(hook_api, endpoint.url)
    path = f"/webhooks/{created['id']}"
    reader, stranger = tenant.api(Scope.READ, Scope.SEND, Scope.ADMIN), tenant.api()
    for method, route, body in (("GET", "", None), ("PUT", "", {}), ("DELETE", "", None), ("POST", "/rotate", None), ("POST", "/test", None)):
        problem_of(reader.call(method, f"{path}{route}", json=body), 403)
        problem_of(stranger.call(method, f"{path}{route}", json=body), 404)
    assert hook_api.get(path)["url"] == endpoint.url


# Trying, deliveries, secrets


def test_tried_webhook_is_posted_to_and_its_delivery_tells_of_it(hook_api: Api, endpoint: Endpoint) -> None:
    created = _create(hook_api, endpoint.url)
    path = f"/webhooks/{created['id']}"
    tried = hook_api.post(f"{path}/test/", None, 202)
    assert _arrived(endpoint, 1)
    assert [(body["id"], body["type"], body["data"]) for body in endpoint.taken] == [
        (tried["event_id"], "webhook.test", {"webhook_id": created["id"]})
    ]
    assert wait_until(lambda: bool(hook_api.get(f"{path}/deliveries/", params={"state": "delivered"})["items"]), timeout_seconds=DELIVERY_SECONDS)
    (item,) = hook_api.get(f"{path}/deliveries/")["items"]
    assert (item["event_id"], item["kind"], item["attempts"], item["last_status"]) == (tried["event_id"], "webhook.test", 1, 204)
    assert hook_api.get(f"{path}/deliveries/", params={"state": "failed"})["items"] == []


def test_secret_is_rotated_once_under_a_key(hook_api: Api, endpoint: Endpoint) -> None:
    created, key = _create(hook_api, endpoint.url), {"Idempotency-Key": fresh("key")}
    path = f"/webhooks/{created['id']}"
    rotated = hook_api.post(f"{path}/rotate/", None, 201, headers=key)
    assert hook_api.post(f"{path}/rotate/", None, 201, headers=key) == rotated
    assert rotated["secret"] != created["secret"]
    ends_at = datetime.fromisoformat(rotated["previous_valid_until"])
    assert timedelta(hours=23) < ends_at - datetime.now(UTC) <= timedelta(hours=24)
    assert "secret" not in hook_api.get(path)


def test_inactive_webhook_is_neither_tried_nor_replayed_to(hook_api: Api, endpoint: Endpoint) -> None:
    path = f"/webhooks/{_create(hook_api, endpoint.url)['id']}"
    hook_api.put(path, {"active": False})
    for route, body in (("test", None), ("replay", {"event_ids": ["e-1"]}), ("replay", {"after": "2026-01-01T00:00:00Z"})):
        assert problem_of(hook_api.call("POST", f"{path}/{route}", json=body), 409)["code"] == "webhook_inactive"


# Replay


def test_named_events_are_posted_once_more(hook_api: Api, own_tenant: Tenant, deps: Deps, endpoint: Endpoint, cloud: Cloud) -> None:
    path = f"/webhooks/{_create(hook_api, endpoint.url)['id']}"
    names = [_happened(deps, own_tenant) for _ in range(2)]
    for round_number in (1, 2):
        assert hook_api.post(f"{path}/replay/", {"event_ids": names}, 202) == {"replaying": 2}
        assert _arrived(endpoint, 2 * round_number)
        cloud.wait_idle()
    assert sorted(endpoint.ids()) == sorted(names * 2)
    other = _happened(deps, own_tenant, EventKind.DEVICE_REVIVED)
    refused = problem_of(hook_api.call("POST", f"{path}/replay", json={"event_ids": [names[0], other, "none"]}), 400)
    assert fields_of(refused) == {"event_ids.1", "event_ids.2"}


def test_span_is_posted_once_more(hook_api: Api, own_tenant: Tenant, deps: Deps, endpoint: Endpoint, cloud: Cloud) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    names = [_happened(deps, own_tenant) for _ in range(3)]
    _happened(deps, own_tenant, EventKind.DEVICE_REVIVED)
    path = f"/webhooks/{_create(hook_api, endpoint.url)['id']}"
    assert hook_api.post(f"{path}/replay/", {"after": began.isoformat()}, 202) == {"replaying": None}
    assert _arrived(endpoint, 3)
    cloud.wait_idle()
    assert sorted(endpoint.ids()) == sorted(names)
    before_all = {"after": "2026-01-01T00:00:00Z", "before": began.isoformat()}
    assert hook_api.post(f"{path}/replay/", before_all, 202) == {"replaying": None}
    cloud.wait_idle()
    assert len(endpoint.taken) == 3


def test_examples_of_the_document_are_accepted(hook_api: Api, own_tenant: Tenant, deps: Deps, endpoint: Endpoint) -> None:
    new, named, span = _examples()
    created = hook_api.post("/webhooks/", new | {"url": endpoint.url}, 201)
    assert {name: created[name] for name in ("events", "description")} == {name: new[name] for name in ("events", "description")}
    assert named.keys() == {"event_ids"}
    event = {"event_ids": [_happened(deps, own_tenant)]}
    assert hook_api.post(f"/webhooks/{created['id']}/replay/", event, 202) == {"replaying": 1}
    assert hook_api.post(f"/webhooks/{created['id']}/replay/", span | {"after": "2020-01-01T00:00:00Z"}, 202) == {"replaying": None}
