"""What end-to-end tests speak to the stack with: the API as one client, the FCM simulator, the task service."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import requests

from fanfare.domain.client import TENANT_SCOPES, Scope
from fanfare.ports import Deps
from fanfare.services.provision import NewClient, create_client, create_tenant
from local.demo import LOAD_LIMITS
from local.readiness import wait_until
from local.service_account import make_service_account
from local.stack import Stack

TIMEOUT_SECONDS = 30.0
DELIVERY_SECONDS = 20.0
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "errors", "request_id"}
_numbers = itertools.count(1)


def fresh(prefix: str = "name") -> str:
    """A name that no other test of this run uses."""
    return f"{prefix}-{next(_numbers)}"


def fresh_target(kind: str) -> str:
    """A target that no other test of this run uses: a token of any shape, or 22 characters as Firebase draws them for a FID."""
    return f"c{fresh('fid'):->21}" if kind == "fid" else fresh(kind)


@dataclass(frozen=True)
class Credentials:
    """A client's two headers."""

    client_id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Client-ID": self.client_id, "Client-Token": self.token}


class Api:
    """The public API as one client sees it; each thread needs one of its own."""

    def __init__(self, url: str, credentials: Credentials | None = None) -> None:
        self.url = url
        self.credentials = credentials
        self._session = requests.Session()
        self._session.headers.update(self.headers)

    @property
    def headers(self) -> dict[str, str]:
        """The credential, as headers."""
        return self.credentials.headers if self.credentials else {}

    def fork(self) -> Api:
        """The same client for another thread."""
        return Api(self.url, self.credentials)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request below /api/v1 and return the answer, whatever it is; a header whose value is None is left out."""
        return self._session.request(method, f"{self.url}/api/v1{path}", **{"timeout": TIMEOUT_SECONDS, **options})

    def get(self, path: str, expected: int = 200, **options: Any) -> Any:
        """Get something that is there."""
        return content_of(self.call("GET", path, **options), expected)

    def post(self, path: str, body: Any, expected: int, **options: Any) -> Any:
        """Post a body."""
        return content_of(self.call("POST", path, json=body, **options), expected)

    def put(self, path: str, body: Any, expected: int = 200) -> Any:
        """Put a body."""
        return content_of(self.call("PUT", path, json=body), expected)

    def register(self, expected: int = 201, **fields: Any) -> Any:
        """Register a device: a new Android token of a new person, but for what is given."""
        owner = {} if fields.keys() & {"profile_id", "username", "phone_number"} else {"username": fresh("person")}
        target = {} if fields.keys() & {"token", "fid"} else {"token": fresh("token")}
        return self.post("/devices/", {**owner, **target, **fields}, expected)

    def send(self, to: Mapping[str, Any], expected: int = 202, **fields: Any) -> Any:
        """Ask for a push with a title, but for what is given; returns its id."""
        return self.post("/notify/", {"to": to, **({"title": "Hello"} | fields)}, expected)["id"]

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def content_of(response: requests.Response, expected: int) -> Any:
    """The JSON of an answer with the expected status, None where it has no body."""
    assert response.status_code == expected, f"{response.request.method} {response.url}: {response.status_code} {response.text[:1000]}"
    return response.json() if response.content else None


def problem_of(response: requests.Response, status: int) -> Any:
    """The problem document of a refusal, with every member that RFC 9457 and our own conventions ask for."""
    assert response.status_code == status, f"{response.request.method} {response.url}: {response.status_code} {response.text[:1000]}"
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem.keys() == PROBLEM_MEMBERS
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["X-Request-ID"] != ""
    assert problem["type"].endswith(f"/{problem['code']}")
    assert problem["title"]
    assert problem["detail"]
    assert all(error.keys() == {"field", "message"} for error in problem["errors"])
    assert "Traceback" not in response.text
    assert ".py" not in response.text
    return problem


def fields_of(problem: Mapping[str, Any]) -> set[str]:
    """The fields that a problem document names."""
    return {error["field"] for error in problem["errors"]}


@dataclass
class Tenant:
    """A tenant of its own, so that no test sees another one's devices; its clients are made on demand."""

    deps: Deps
    url: str
    id: str
    project: str
    _open: list[Api] = field(default_factory=list)

    @classmethod
    def create(cls, deps: Deps, stack: Stack) -> Tenant:
        project = fresh("fanfare-e2e")
        credential = make_service_account(project, stack.environment["OAUTH_TOKEN_URI"])
        return cls(deps, stack.urls["gateway"], create_tenant(deps, project, credential).id, project)

    def credentials(self, scopes: frozenset[Scope] = TENANT_SCOPES, limits: Mapping[str, int] = LOAD_LIMITS) -> Credentials:
        """A new client of this tenant."""
        client, token = create_client(self.deps, NewClient(self.id, "End to end", scopes, limits))
        return Credentials(client.id, token)

    def api(self, *scopes: Scope) -> Api:
        """A client with these scopes, or with all of a tenant's; closed with the tenant."""
        self._open.append(Api(self.url, self.credentials(frozenset(scopes) or TENANT_SCOPES)))
        return self._open[-1]

    def close(self) -> None:
        for api in self._open:
            api.close()


class Simulator:
    """What FCM saw, and what it shall answer."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_sim"
        self._session = requests.Session()

    def messages(self, target: str) -> list[dict[str, Any]]:
        """The messages that were accepted for a target, oldest first."""
        found: list[dict[str, Any]] = self._get("messages", target=target)["messages"]
        return found

    def only_message(self, target: str) -> dict[str, Any]:
        """The one message that a target got, as it came over the wire."""
        (message,) = self.messages(target)
        content: dict[str, Any] = message["message"]
        return content

    def record(self, target: str) -> dict[str, Any]:
        """What a target was sent and answered; a target that only got messages to be checked was sent nothing."""
        found = [record for record in self._get("targets", prefix=target)["targets"] if record["target"] == target]
        return dict(found[0]) if found else {"attempts": 0, "accepted": 0, "names": []}

    def subscriptions(self, project: str) -> set[tuple[str, str]]:
        """The (target, topic) that are subscribed in a project."""
        return {(row["target"], row["topic"]) for row in self._get("subscriptions", project=project)["subscriptions"]}

    @contextmanager
    def answering(self, targets: list[str], **answer: Any) -> Iterator[None]:
        """Answer requests to these targets like this, while the block lasts."""
        rule = {"match": {"targets": targets}, "answer": answer}
        fault = content_of(self._session.post(f"{self._url}/faults", json=rule, timeout=TIMEOUT_SECONDS), 201)
        try:
            yield
        finally:
            self._session.delete(f"{self._url}/faults/{fault['id']}", timeout=TIMEOUT_SECONDS).raise_for_status()

    def _get(self, path: str, **query: Any) -> Any:
        return content_of(self._session.get(f"{self._url}/{path}", params=query, timeout=TIMEOUT_SECONDS), 200)

    def close(self) -> None:
        self._session.close()


class Cloud:
    """The task service: wait for it, and make it fail."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_local"
        self._session = requests.Session()

    def wait_idle(self) -> None:
        """Return once no task is running or due; tasks that are due later don't count."""
        content_of(self._session.get(f"{self._url}/idle", params={"timeout": DELIVERY_SECONDS}, timeout=TIMEOUT_SECONDS), 200)

    @contextmanager
    def refusing_tasks(self) -> Iterator[None]:
        """Refuse to create tasks, while the block lasts."""
        self._session.post(f"{self._url}/faults", json={"create_task": {"status": 503, "times": 1_000}}, timeout=TIMEOUT_SECONDS).raise_for_status()
        try:
            yield
        finally:
            self._session.delete(f"{self._url}/faults", timeout=TIMEOUT_SECONDS).raise_for_status()

    def identity_token(self, email: str, audience: str) -> str:
        """An OIDC token as Cloud Tasks attaches it."""
        asked = {"email": email, "audience": audience}
        token: str = content_of(self._session.post(f"{self._url}/oidc-token", json=asked, timeout=TIMEOUT_SECONDS), 200)["token"]
        return token

    def created_tasks(self) -> int:
        """How many tasks were ever created."""
        queues = content_of(self._session.get(f"{self._url}/stats", timeout=TIMEOUT_SECONDS), 200)["queues"]
        return sum(queue["created"] for queue in queues.values())

    def purge(self) -> None:
        """Drop every task that waits."""
        for queue in content_of(self._session.get(f"{self._url}/stats", timeout=TIMEOUT_SECONDS), 200)["queues"]:
            self._session.post(f"{self._url.removesuffix('/_local')}/v2/{queue}:purge", json={}, timeout=TIMEOUT_SECONDS).raise_for_status()

    def task_count(self) -> int:
        """How many tasks wait or run."""
        return len(content_of(self._session.get(f"{self._url}/tasks", timeout=TIMEOUT_SECONDS), 200)["tasks"])

    def close(self) -> None:
        self._session.close()


def wait_for_status(api: Api, notification_id: str, *statuses: str) -> Any:
    """Poll a notification until it has one of these states; returns what `/status` shows then."""
    shown: dict[str, Any] = {}

    def arrived() -> bool:
        shown.update(api.get(f"/notifications/{notification_id}/status/"))
        return shown["status"] in (statuses or ("completed",))

    assert wait_until(arrived, timeout_seconds=DELIVERY_SECONDS), shown
    return shown


def deliveries(api: Api, notification_id: str) -> dict[str, dict[str, Any]]:
    """Every delivery of a notification, by device."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"/notifications/{notification_id}/deliveries/", params={"limit": 200, **({"cursor": cursor} if cursor else {})})
        found += page["items"]
        cursor = page["next_cursor"]
    assert len({item["device_id"] for item in found}) == len(found)
    return {item["device_id"]: item for item in found}
