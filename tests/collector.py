"""A receiver of traces (OTLP over HTTP) and of errors (Sentry's envelopes) of a test's own: keeps what functions send, as it came over the wire."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from local.addresses import LOOPBACK

TRACES = "/v1/traces"
ERRORS = "/api/7/envelope/"


@dataclass(frozen=True)
class CollectedSpan:
    """A span as a collector sees it; the ids are hex, `parent` is empty for a trace's first one."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    is_failed: bool
    seconds: float
    attributes: Mapping[str, Any]


class Collector:
    """Takes whatever is sent to it, or answers with another status."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.bodies: list[tuple[str, Mapping[str, str], bytes]] = []
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.collector = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """Where traces are sent to."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    @property
    def dsn(self) -> str:
        """Where errors are sent to."""
        return f"http://public-key@{LOOPBACK}:{self._server.server_port}/7"

    @property
    def spans(self) -> list[CollectedSpan]:
        """The spans that came, in the order in which they ended."""
        return [span for path, _, body in self.bodies if path == TRACES for span in _spans(body)]

    @property
    def errors(self) -> list[Any]:
        """The events that came in envelopes."""
        return [item for path, _, body in self.bodies if path == ERRORS for item in _events(body)]

    @property
    def raw(self) -> str:
        """All that came, to be looked through for what must not be in it."""
        return "\n".join(f"{path} {dict(headers)} {body!r}" for path, headers, body in self.bodies)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    collector: Collector


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        whole = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.server.collector.bodies.append((self.path, dict(self.headers), whole))
        self.send_response(self.server.collector.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _spans(body: bytes) -> list[CollectedSpan]:
    found = []
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _values(group.resource.attributes)["service.name"]
        for span in (span for scope in group.scope_spans for span in scope.spans):
            ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
            kind = span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower()
            seconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
            is_failed = span.status.code == span.status.STATUS_CODE_ERROR
            found.append(CollectedSpan(service, span.name, kind, *ids, is_failed, seconds, _values(span.attributes)))
    return found


def _values(pairs: list[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    return getattr(value, value.WhichOneof("value"))


def _events(envelope: bytes) -> list[Any]:
    lines = envelope.splitlines()
    return [json.loads(content) for header, content in zip(lines[1::2], lines[2::2], strict=False) if json.loads(header)["type"] == "event"]
