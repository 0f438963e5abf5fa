"""A tenant's own things, made through the API by the tenant's own client; and a user's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient

from fanfare.domain.audit import trail
from fanfare.domain.brake import Quarantine
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.dead_letter import dead_letter_of
from fanfare.domain.delivery import plan_chunk
from fanfare.domain.event import Event, EventKind
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.receipt import sign_receipt
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from tests.factories import a_call
from tests.locks.asking import Ask, send
from tests.locks.names import Names

_TIRED = Result(Outcome.FAILED, "UNAVAILABLE", 503, 7, dead_letter=True)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
_FIGURE = re.compile(r"\d")
_SHORTEST_FACT = 12
_MOST_WEBHOOKS = 10


class Home:
    """One tenant. `facts` are the words that its answers held: another tenant must read none of them."""

    def __init__(self, deps: Deps, phone: FlaskClient, names: Names, tenant: Tenant, owner: Mapping[str, str]) -> None:
        self.deps, self.names, self.id, self.project, self.owner = deps, names, tenant.id, tenant.firebase_project_id, dict(owner)
        self.facts: set[str] = {tenant.id}
        self._phone = phone
        self._webhooks: list[str] = []

    def made(self, route: str, body: Any, **path: str) -> Any:
        """What a request of the tenant's own client makes."""
        answer = send(self._phone, route, Ask(path, body=body), self.owner)
        assert answer.status_code < 300, f"{route}: {answer.status_code} {answer.text}"
        self.facts.update(words_of(answer.json))
        return answer.json

    def app(self) -> str:
        return self.id

    def held_app(self) -> str:
        """The tenant, in quarantine: only then there is something to release."""
        self.deps.tenants.update(self.id, lambda stored: replace(stored, quarantine=Quarantine("unregistered", self.deps.clock.now(), ())))
        return self.id

    def account(self) -> dict[str, Any]:
        return self.names.new_account(self.project)

    def client(self) -> str:
        made = self.made("POST /clients", {"name": self.names.new_name("client"), "scopes": ["read"]})
        self.names.keep_secrets([made["token"]])
        return str(made["id"])

    def actor(self) -> str:
        """The client that has made everything here."""
        return self.owner["Client-ID"]

    def device(self) -> str:
        return str(self._registered()["id"])

    def inactive_device(self) -> str:
        device = self.device()
        self.made("POST /devices/<id>/deactivate", None, id=device)
        return device

    def install(self) -> str:
        return str(self._registered(device_id=self.names.new_name("install"))["device_id"])

    def target(self, kind: str) -> str:
        target = self.names.new_target(kind)
        self.made("POST /devices", {kind: target, "username": self.names.new_private("username")})
        return target

    def profile(self) -> str:
        return str(self._known("username")["id"])

    def profile_with_devices(self) -> str:
        profile = self.profile()
        for _ in range(2):
            self.made("POST /devices", {"token": self.names.new_target("token"), "profile_id": profile})
        return profile

    def username(self) -> str:
        return str(self._known("username")["username"])

    def phone_number(self) -> str:
        return str(self.made("POST /profiles", {"phone_number": self.names.new_phone_number()})["phone_number"])

    def external_id(self) -> str:
        return str(self._known("external_id")["external_id"])

    def template(self) -> str:
        words = {"title": self.names.new_private("title"), "body": self.names.new_private("body")}
        return str(self.made("POST /templates", {"name": self.names.new_name("template"), **words})["name"])

    def segment(self) -> str:
        return str(self.made("POST /segments", {"name": self.names.new_name("segment"), "filter": {"tags": [self.names.new_private("tag")]}})["id"])

    def schedule(self) -> str:
        """A schedule of a message to somebody, far ahead."""
        message = {"to": {"usernames": [self.username()]}, "title": self.names.new_private("title"), "body": self.names.new_private("body")}
        return str(self.made("POST /schedules", {"notification": message, "at": "2030-12-24T08:00:00Z"})["id"])

    def webhook(self) -> str:
        """A webhook. A tenant has few: the oldest that was made here makes room."""
        made = self.made("POST /webhooks", {"url": self.names.new_endpoint(), "events": ["notification.failed"]})
        self.names.keep_secrets([made["secret"]])
        self._webhooks.append(str(made["id"]))
        if len(self._webhooks) > _MOST_WEBHOOKS:
            self.deps.webhooks.delete(self.id, self._webhooks.pop(0), trail("webhook.deleted", a_call().actor, self.deps.clock.now()))
        return str(made["id"])

    def webhook_with_deliveries(self) -> str:
        webhook = self.webhook()
        for _ in range(2):
            self.made("POST /webhooks/<id>/test", None, id=webhook)
        return webhook

    def event(self) -> str:
        """An event that the webhooks here want."""
        name = self.names.new_id()
        self.deps.events.record((Event(name, self.id, EventKind.NOTIFICATION_FAILED, self.deps.clock.now(), {}),))
        self.facts.add(name)
        return name

    def topic(self) -> str:
        return str(self.made("POST /topics", {"name": self.names.new_name("topic")})["name"])

    def notification(self) -> tuple[str, str]:
        """A notification that waits to be sent to two devices, and one of them."""
        devices = [self.device(), self.device()]
        words = {"title": self.names.new_private("title"), "body": self.names.new_private("body"), "data": {"k": self.names.new_private("data")}}
        made = self.made("POST /notify", {"to": {"device_ids": devices}, **words})
        return str(made["id"]), devices[0]

    def failed_notification(self) -> tuple[str, str]:
        """A notification that failed for good, which has a dead letter, and one of its devices."""
        notification_id, device = self.notification()
        key, now = ChunkKey(self.id, notification_id, 0), self.deps.clock.now()
        chunk, notification = self.deps.chunks.claim(key, "owner-1", now), self.deps.notifications.get(self.id, notification_id)
        assert isinstance(chunk, Chunk)
        assert notification is not None
        rows = self.deps.chunks.read_recipients(key)
        plan = plan_chunk(notification, chunk, rows, {row.device_id: _TIRED for row in rows}, now, None)
        assert self.deps.chunks.conclude(plan.chunk, plan.notification, dead_letter_of(plan.chunk, now))
        return notification_id, device

    def receipt(self, device: str | None = None) -> str:
        """The token of a message to a device, by default to one of those that it was sent to; to none: of the message alone."""
        notification_id, addressed = self.notification()
        key = self.deps.receipt_keys.receipt_key(self.id)
        return sign_receipt(key, notification_id, addressed if device is None else device)

    def _registered(self, **fields: str) -> Any:
        return self.made("POST /devices", {"token": self.names.new_target("token"), "username": self.names.new_private("username"), **fields})

    def _known(self, by: str) -> Any:
        return self.made("POST /profiles", {by: self.names.new_private(by)})


class OwnThings:
    """What a user of an app has of their own: devices, and the profile that the first of them made."""

    def __init__(self, phone: FlaskClient, names: Names, headers: Mapping[str, str], home: Home) -> None:
        self.names, self.headers = names, dict(headers)
        self._phone, self._home = phone, home

    def device(self) -> str:
        return str(self._registered()["id"])

    def profile(self) -> str:
        return str(self._registered()["profile_id"])

    def receipt(self) -> str:
        return self._home.receipt(self.device())

    def _registered(self) -> Any:
        answer = send(self._phone, "POST /devices", Ask(body={"token": self.names.new_target("token")}), self.headers)
        assert answer.status_code == 201, answer.text
        return answer.json


def words_of(answer: Any) -> Iterator[str]:
    """The words of an answer that are nobody else's: long ones with a figure in them, times left out."""
    if isinstance(answer, Mapping):
        for value in answer.values():
            yield from words_of(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from words_of(value)
    elif isinstance(answer, str) and len(answer) >= _SHORTEST_FACT and _FIGURE.search(answer) and not _TIME.match(answer):
        yield answer
