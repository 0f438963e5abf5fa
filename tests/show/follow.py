"""One push through all outlets: the request, FCM, the app's receipts; the webhook, the stream, polling, the listener; what is asked in the end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from local.readiness import wait_until
from tests.e2e.harness import Api, Simulator, deliveries
from tests.show.actors import TEMPLATE, USERNAME, Phone, Tenant, a_phone, a_template, a_tenant, a_webhook
from tests.show.endpoint import VerifyingEndpoint
from tests.show.listener import listen
from tests.show.outlet import FollowError, Outlet
from tests.show.place import Place
from tests.show.poller import poll
from tests.show.stream_reader import StreamReader
from tests.show.transcript import Say, Transcript

DELIVERY_SECONDS = 60.0
"""FCM refuses the first attempt, so that the second one comes ten to twenty seconds later."""
EVENT_SECONDS = 30.0


@dataclass
class Followed:
    """What was seen of the push, and what the API says of it afterwards."""

    tenant: str = ""
    webhook_id: str = ""
    phone: Phone = field(default_factory=lambda: Phone("", "", ""))
    id: str = ""
    message: dict[str, Any] = field(default_factory=dict)
    heard: list[dict[str, Any]] = field(default_factory=list)
    outlets: list[Outlet] = field(default_factory=list)
    refused_posts: list[str] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    deliveries: dict[str, dict[str, Any]] = field(default_factory=dict)
    trace: dict[str, Any] = field(default_factory=dict)


class _Follower:
    """The steps, one after the other; `seen` fills as they are made."""

    def __init__(self, place: Place, tenant: Tenant, transcript: Transcript) -> None:
        self.seen = Followed(tenant=tenant.id)
        self._place = place
        self._tenant = tenant
        self._api = tenant.api
        self._transcript = transcript
        self._fcm = Simulator(place.fcm_url)
        self._over = Event()
        self._pool = ThreadPoolExecutor(max_workers=3)
        self._readers: list[Future[None]] = []

    @contextmanager
    def open_outlets(self) -> Iterator[None]:
        """Let a webhook, a stream and a poller hear of whatever happens in the block."""
        webhook, stream, polled = self.seen.outlets = [Outlet(name, self._transcript) for name in ("webhook", "stream", "poll")]
        with ExitStack() as stopping:
            stopping.callback(self._fcm.close)
            stopping.callback(self._pool.shutdown)
            stopping.callback(self._over.set)
            endpoint = stopping.enter_context(VerifyingEndpoint(webhook))
            self.seen.refused_posts = endpoint.refused
            made = a_webhook(self._api, f"{endpoint.url}/hooks", self._transcript)
            endpoint.trust(made["secret"])
            self.seen.webhook_id = made["id"]
            # The tenant stays, where the stack does; nobody is to be posted to any more.
            stopping.callback(self._api.call, "DELETE", f"/webhooks/{made['id']}/")
            reader = StreamReader(self._api, stream)
            self._transcript.note("stream", "GET /events/stream: open")
            self._readers = [self._pool.submit(reader.read, self._over), self._pool.submit(poll, self._api, polled, self._over)]
            yield

    def send(self) -> None:
        """Register a phone and send to its user; FCM refuses it once. The user's app listens and reports what it gets."""
        phone = self.seen.phone = a_phone(self._api, self._transcript)
        a_template(self._api, self._transcript)
        token = self._api.post("/stream-token/", {"profile_id": phone.profile}, 200)
        self._transcript.note("api", f"POST /stream-token: for profile {phone.profile}")
        with self._fcm.answering([phone.target], error="UNAVAILABLE"):
            self._request()
            self._wait(lambda: self._fcm.record(phone.target)["attempts"] > 0, "FCM was asked for nothing")
            self._transcript.note("fcm", "answers 503 UNAVAILABLE to the first attempt")
        path = f"tenants/{self._tenant.id}/notifications/{self.seen.id}/public/{phone.profile}"
        listening = self._pool.submit(listen, self._place, token, path, self._transcript)
        self._wait(self._has_come, "FCM took nothing")
        self._report("delivered")
        self.seen.heard = listening.result()
        self._report("read")

    def _request(self) -> None:
        said = {"to": {"usernames": [USERNAME]}, "template": TEMPLATE["name"], "variables": {"number": "1234"}}
        self.seen.id = self._api.post("/notify/", said, 202)["id"]
        self._transcript.note("api", f"POST /notify to {USERNAME} by template {TEMPLATE['name']}: 202, {self.seen.id}")

    def _has_come(self) -> bool:
        found = self._fcm.messages(self.seen.phone.target)
        if found:
            self.seen.message = found[0]
            shown = found[0]["message"]["notification"]
            self._transcript.note("fcm", f"takes the message: {shown['title']!r}, {shown['body']!r}", at=found[0]["received_at"])
        return bool(found)

    def _report(self, event: str) -> None:
        """Say what the app says, which has the message and the name of its Firebase project, and nothing else."""
        data = self.seen.message["message"]["data"]
        said = {"project": self._tenant.project, "receipts": [{"token": data["fanfare_receipt"], "event": event}]}
        with Api(self._place.url) as app:
            answer = app.post("/receipts/", said, 200)
        self._transcript.note("receipt", f"POST /receipts by the app, without a credential: {event}, accepted {answer['accepted']}")

    def wait_for_events(self) -> None:
        """Return once every outlet has told the last event; whatever went wrong in one is raised."""
        self.seen.outlets[0].wait(EVENT_SECONDS)
        for reader in self._readers:
            reader.result(EVENT_SECONDS)

    def ask(self) -> None:
        """What the API says of the push, once the last delivery of the webhook has been noted."""
        path = f"/notifications/{self.seen.id}"
        self.seen.status = self._api.get(f"{path}/status/")
        self.seen.deliveries = deliveries(self._api, self.seen.id)

        def has_told() -> bool:
            self.seen.trace = self._api.get(f"{path}/devices/{self.seen.phone.id}/")
            return {told["state"] for told in self.seen.trace["webhooks"]} == {"delivered"}

        self._wait(has_told, "A delivery of the webhook has not ended")

    def _wait(self, is_so: Any, otherwise: str) -> None:
        if not wait_until(is_so, timeout_seconds=DELIVERY_SECONDS):
            raise FollowError(f"{otherwise} within {DELIVERY_SECONDS:.0f} s.")


def follow_push(place: Place, say: Say) -> Followed:
    """Send one push and see it through; FollowError where it is lost or where outlets differ."""
    transcript = Transcript(say)
    with a_tenant(place, transcript) as tenant:
        follower = _Follower(place, tenant, transcript)
        with follower.open_outlets():
            follower.send()
            follower.wait_for_events()
            follower.ask()
    return follower.seen
