"""Small servers of a test's own: one that answers as it is told, one that never answers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs

from local.addresses import LOOPBACK


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that arrived."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode("ascii")).items()}


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """Answer with JSON."""
        return cls(status, json.dumps(content).encode("ascii"), {"Content-Type": "application/json", **(headers or {})})


class ScriptedServer:
    """Answers every request by `reply`, which a test may replace, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.reply: Callable[[Asked], Reply] = lambda _asked: Reply(404)
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.script = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def take(self, asked: Asked) -> Reply:
        """Keep a request and answer it."""
        self.asked.append(asked)
        return self.reply(asked)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class SilentServer:
    """Lets the system accept connections for it and leaves them alone: half open, as after a lost peer."""

    def __init__(self) -> None:
        self._socket = socket.create_server((LOOPBACK, 0), backlog=128)

    @property
    def address(self) -> str:
        """Where it listens, as host:port."""
        return f"{LOOPBACK}:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    script: ScriptedServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a caller that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.server.script.take(Asked(self.command, self.path, body, dict(self.headers.items())))
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = _serve  # noqa: N815  # The names are the standard library's.

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def unused_url() -> str:
    """An address at which nobody listens."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        return f"http://{LOOPBACK}:{listening.getsockname()[1]}"
