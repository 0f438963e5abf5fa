"""The stand-in as its own process, and a handler that records what is dispatched to it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import scheduler_v1, secretmanager_v1, tasks_v2
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import CloudSchedulerRestTransport
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceRestTransport
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksRestTransport

LOCATION = "projects/demo/locations/europe-west1"
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class LocalCloud:
    """Where the stand-in listens, and its admin routes."""

    host: str

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        return requests.request(method, self.url + path, json=body, timeout=40)

    def wait_idle(self, queue: str | None = None, timeout: float = 10) -> None:
        asked = {"timeout": timeout} if queue is None else {"timeout": timeout, "queue": queue}
        response = requests.get(self.url + "/_local/idle", params=asked, timeout=timeout + 5)
        assert response.status_code == 200, response.text

    def stats(self, queue: str) -> dict[str, Any]:
        (found,) = self.call("GET", f"/_local/stats?queue={queue}").json()["queues"].values()
        return dict(found)


@dataclass(frozen=True)
class Dispatch:
    """A request that the handler received."""

    path: str
    method: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Recorder:
    """Scripted answers by path (200 when none is left), and what arrived."""

    url: str = ""
    dispatches: list[Dispatch] = field(default_factory=list)
    answers: dict[str, deque[tuple[int, dict[str, str]]]] = field(default_factory=lambda: defaultdict(deque))
    release: threading.Event = field(default_factory=threading.Event)
    hold_seconds: float = 0.0
    peak: int = 0
    _inside: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.answers[path].extend((status, headers or {}) for status in statuses)

    def take(self, dispatch: Dispatch) -> tuple[int, dict[str, str]]:
        with self._lock:
            self._inside += 1
            self.peak = max(self.peak, self._inside)
            self.dispatches.append(dispatch)
            answer = self.answers[dispatch.path].popleft() if self.answers[dispatch.path] else (200, {})
        if self.hold_seconds:
            self.release.wait(self.hold_seconds)
        with self._lock:
            self._inside -= 1
        return answer


class _RecordingServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    recorder: Recorder

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up at its deadline is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _RecordingServer

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers = self.server.recorder.take(Dispatch(self.path, self.command, dict(self.headers.items()), body))
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  # The names are the standard library's.

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    ready = tmp_path_factory.mktemp("cloud") / "ready.json"
    command = [sys.executable, "-m", "local.cloud", "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("local cloud services on http://127.0.0.1:")
        yield LocalCloud(f"127.0.0.1:{_read_port(process, ready)}")
        process.terminate()
        assert process.wait(timeout=10) == 0


def _read_port(process: subprocess.Popen[str], ready: Path) -> int:
    while not ready.exists():
        assert process.poll() is None
    return int(json.loads(ready.read_text())["port"])


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    server = _RecordingServer(("127.0.0.1", 0), _Handler)
    server.recorder = Recorder(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.recorder
    server.recorder.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def faults(cloud: LocalCloud) -> Iterator[Callable[[dict[str, Any]], None]]:
    def set_faults(document: dict[str, Any]) -> None:
        assert cloud.call("POST", "/_local/faults", document).status_code == 200

    yield set_faults
    assert cloud.call("DELETE", "/_local/faults").status_code == 200


@pytest.fixture
def tasks(cloud: LocalCloud) -> Iterator[tasks_v2.CloudTasksClient]:
    transport = CloudTasksRestTransport(host=cloud.host, url_scheme="http", credentials=AnonymousCredentials())
    with tasks_v2.CloudTasksClient(transport=transport) as client:
        yield client


@pytest.fixture
def secrets(cloud: LocalCloud) -> Iterator[secretmanager_v1.SecretManagerServiceClient]:
    transport = SecretManagerServiceRestTransport(host=cloud.host, url_scheme="http", credentials=AnonymousCredentials())
    with secretmanager_v1.SecretManagerServiceClient(transport=transport) as client:
        yield client


@pytest.fixture
def scheduler(cloud: LocalCloud) -> Iterator[scheduler_v1.CloudSchedulerClient]:
    transport = CloudSchedulerRestTransport(host=cloud.host, url_scheme="http", credentials=AnonymousCredentials())
    with scheduler_v1.CloudSchedulerClient(transport=transport) as client:
        yield client


@pytest.fixture
def make_queue(tasks: tasks_v2.CloudTasksClient) -> Iterator[Callable[..., str]]:
    """Make queues from their limits and retry settings, by resource name; they go with the test, so that it leaves nothing due."""
    made: list[str] = []

    def make(*, rate: dict[str, Any] | None = None, retry: dict[str, Any] | None = None) -> str:
        name = f"{LOCATION}/queues/q-{uuid.uuid4().hex[:12]}"
        queue = tasks_v2.Queue(name=name, rate_limits=rate or {}, retry_config=retry or {})
        made.append(tasks.create_queue(parent=LOCATION, queue=queue).name)
        return made[-1]

    yield make
    for name in made:
        with contextlib.suppress(exceptions.NotFound):
            tasks.delete_queue(name=name)
