"""Who takes part: a tenant of its own, that no instance has heard of yet (so all of them know its webhook from the first event on), and a phone."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.demo import LOAD_LIMITS
from local.service_account import make_service_account
from tests.e2e.harness import Api, Credentials
from tests.show.outlet import LAST_KIND
from tests.show.place import Place
from tests.show.transcript import Transcript

SCOPES = ["send", "read", "devices", "templates", "webhooks"]
KINDS = ["device.registered", *(f"notification.{each}" for each in ("sent", "failed", "completed", "delivered")), LAST_KIND]
TEMPLATE = {
    "name": "order_ready", "title": "Order {{number}}", "body": "Hello {{username}}, your order {{number}} is ready.", "priority": "high",
    "locales": {"sw": {"title": "Agizo {{number}}", "body": "Habari {{username}}, agizo lako {{number}} liko tayari."}},
}  # fmt: skip
USERNAME = "zawadi"
LOCALE = "sw-TZ"
_TOKEN_URI = "https://oauth2.googleapis.com/token"


@dataclass(frozen=True, slots=True)
class Tenant:
    """The tenant, its Firebase project, and its backend as a client of the API."""

    id: str
    project: str
    api: Api


@dataclass(frozen=True, slots=True)
class Phone:
    """A registered device, its target at FCM, and the profile that it belongs to."""

    id: str
    target: str
    profile: str


@contextmanager
def a_tenant(place: Place, transcript: Transcript) -> Iterator[Tenant]:
    """Make a tenant and its client through the API, as the platform does."""
    project = f"follow-{secrets.token_hex(4)}"
    with Api(place.url, place.platform) as platform:
        app = platform.post("/apps/", {"name": "One push", "credential": make_service_account(project, _TOKEN_URI)}, 201)
        client = platform.post(f"/apps/{app['id']}/clients/", {"name": "Backend", "scopes": SCOPES, "limits": LOAD_LIMITS}, 201)
    transcript.note("api", f"POST /apps, /apps/{{id}}/clients: a tenant of its own, {app['id']}")
    with Api(place.url, Credentials(client["id"], client["token"])) as api:
        yield Tenant(app["id"], project, api)


def a_webhook(api: Api, url: str, transcript: Transcript) -> Any:
    """Make the webhook; its secret is in the answer."""
    webhook = api.post("/webhooks/", {"url": url, "events": KINDS}, 201)
    transcript.note("api", f"POST /webhooks: {webhook['id']} for {len(KINDS)} kinds of events, to {url}")
    return webhook


def a_phone(api: Api, transcript: Transcript) -> Phone:
    """Register a device."""
    target = f"{secrets.token_urlsafe(16)}:APA91b{secrets.token_urlsafe(24)}"
    fields = {"username": USERNAME, "token": target, "platform": "android", "locale": LOCALE, "model": "Pixel 9"}
    device = api.post("/devices/", fields, 201)
    transcript.note("api", f"POST /devices: {device['id']} of {USERNAME}, who reads {LOCALE}")
    return Phone(device["id"], target, device["profile_id"])


def a_template(api: Api, transcript: Transcript) -> None:
    """Make the template that words the push."""
    api.post("/templates/", TEMPLATE, 201)
    transcript.note("api", f"POST /templates: {TEMPLATE['name']}, also in sw")
