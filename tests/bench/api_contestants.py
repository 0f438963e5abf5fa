"""Who is compared by `make bench-api`: the route, and the work that it can't do without."""

from __future__ import annotations

import itertools
import json
import threading
import time
from http.client import HTTPConnection
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client as Firestore
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksRestTransport

from fanfare.config import Settings
from fanfare.domain.client import TENANT_SCOPES
from fanfare.services.authenticate import authenticate_client
from fanfare.services.provision import NewClient, create_client, create_tenant
from fanfare.wiring import build_deps
from local.demo import LOAD_LIMITS
from local.environment import REGION, TASKS_SERVICE_ACCOUNT
from local.firebase import PROJECT
from local.service_account import make_service_account
from local.stack import Stack

SECONDS = 30.0
MESSAGE = {"to": {"usernames": ["bench"]}, "title": "Order confirmed", "body": "Your order #1234 has been confirmed.", "data": {"order_id": "1234"}}
DEVICE = {"token": "bench-token-" + "x" * 140, "platform": "android", "username": "bench"}
_AUTHENTICATIONS = 20_000


class NotifyRoute:
    """Posts a push to a profile with one device, over a connection of each thread's own."""

    def __init__(self, stack: Stack) -> None:
        self._deps = build_deps(Settings.from_env(stack.environment))
        tenant = create_tenant(self._deps, "Bench", make_service_account("fanfare-bench", stack.environment["OAUTH_TOKEN_URI"]))
        self.tenant = tenant.id
        self.client, self.token = create_client(self._deps, NewClient(tenant.id, "Bench", TENANT_SCOPES, LOAD_LIMITS))
        self.deps = self._deps
        self._host = stack.urls["api"].removeprefix("http://").rstrip("/")
        self._headers = {"Client-ID": self.client.id, "Client-Token": self.token, "Content-Type": "application/json"}
        self._local = threading.local()
        self._post("/api/v1/devices", DEVICE, 201)

    def perform(self) -> None:
        """Send one push."""
        self._post("/api/v1/notify", MESSAGE, 202)

    def documents(self) -> list[tuple[str, dict[str, Any]]]:
        """The documents that one push stores, as (path below the notification, fields)."""
        name = self._post("/api/v1/notify", MESSAGE, 202)["id"]
        reference = Firestore(project=PROJECT).document(f"tenants/{self.tenant}/notifications/{name}")
        notification, recipients = reference.get(), reference.collection("recipients").document("0").get()
        return [("", notification.to_dict() or {}), ("/recipients/0", recipients.to_dict() or {})]

    def _post(self, path: str, body: object, expected: int) -> Any:
        connection = self._connection()
        connection.request("POST", path, json.dumps(body), self._headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{path} answered {answer.status}: {content[:300]!r}")
        return json.loads(content)

    def _connection(self) -> HTTPConnection:
        # The standard library's client costs a tenth of what `requests` does: it is the route that is measured.
        connection: HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = HTTPConnection(self._host, timeout=SECONDS)
        return connection


class BareWork:
    """Commits the same documents and creates the same task, by the client libraries alone."""

    def __init__(self, stack: Stack, documents: list[tuple[str, dict[str, Any]]]) -> None:
        self._firestore = Firestore(project=PROJECT)
        host = stack.cloud_url.removeprefix("http://")
        self._tasks = CloudTasksClient(transport=CloudTasksRestTransport(host=host, url_scheme="http", credentials=AnonymousCredentials()))
        self._documents = documents
        self._numbers = itertools.count()
        self._url = stack.environment["SEND_URL"]

    def perform(self) -> None:
        """One commit, one task."""
        name = f"tenants/bare/notifications/{next(self._numbers)}"
        batch = self._firestore.batch()
        for path, fields in self._documents:
            batch.create(self._firestore.document(f"{name}{path}"), fields)
        batch.commit(timeout=SECONDS)
        request: dict[str, Any] = {
            "http_method": "POST",
            "url": self._url,
            "headers": {"Content-Type": "application/json"},
            "body": b'{"tenant": "0123456789012345678901", "notification": "0123456789012345678901", "chunk": 0, "request_id": "bench"}',
            "oidc_token": {"service_account_email": TASKS_SERVICE_ACCOUNT, "audience": self._url},
        }
        parent = f"projects/{PROJECT}/locations/{REGION}/queues/send"
        self._tasks.create_task(parent=parent, task={"http_request": request, "dispatch_deadline": {"seconds": 300}}, timeout=SECONDS)


def authentication_micros(route: NotifyRoute) -> float:
    """Microseconds of one authentication by a warm instance."""
    authenticate_client(route.deps, route.client.id, route.token, "127.0.0.1")
    began = time.perf_counter()
    for _ in range(_AUTHENTICATIONS):
        authenticate_client(route.deps, route.client.id, route.token, "127.0.0.1")
    return (time.perf_counter() - began) / _AUTHENTICATIONS * 1e6
