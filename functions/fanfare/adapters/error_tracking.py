"""Errors for Sentry, or whatever speaks its protocol: their types and places. Imported only where `SENTRY_DSN` is set.

An error's text, its variables and the request may hold what somebody said, so nothing of them leaves: what is sent is put together anew from the few
fields that can't.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import requests
import structlog
from sentry_sdk import Client
from sentry_sdk.consts import EndpointType
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import BadDsn, Dsn, capture_internal_exceptions, event_from_exception

from fanfare.adapters.outbox import PATIENCE_SECONDS, Outbox
from fanfare.adapters.trace_scope import current_trace
from fanfare.config import InvalidSettings
from fanfare.domain.version import VERSION
from fanfare.ports import Clock

_ENVELOPE = "event_id", "timestamp", "level", "platform", "release", "tags", "contexts"
_FRAME = "filename", "module", "function", "lineno", "in_app"
_BOUND = "request_id", "function"


class SentryErrors:
    """Keeps errors in an outbox until the end of the request; InvalidSettings if the DSN is none."""

    def __init__(self, dsn: str, clock: Clock) -> None:
        logging.getLogger("sentry_sdk.errors").setLevel(logging.CRITICAL)
        try:
            address = Dsn(dsn)
        except BadDsn as error:
            raise InvalidSettings("SENTRY_DSN is no address of a Sentry project") from error
        transport = _OutboxTransport(address, clock)
        self.outbox = transport.outbox
        self._client = Client(dsn, transport=transport, **_options())

    def record(self, event: str, error: BaseException) -> None:
        """Keep an error under the name of the log line that tells of it."""
        # Whoever tells of an error must not meet another one.
        with capture_internal_exceptions():
            found, hint = event_from_exception(error, client_options=self._client.options)
            bound, trace = structlog.contextvars.get_contextvars(), current_trace.get()
            found["tags"] = {"event": event, **{name: str(bound[name]) for name in _BOUND if name in bound}}
            found["contexts"] = {} if trace is None else {"trace": {"trace_id": trace.trace_id, "span_id": trace.span_id}}
            self._client.capture_event(found, hint)


def _options() -> dict[str, Any]:
    """Switch off whatever the SDK would collect by itself; personal data it leaves alone unless it is told otherwise."""
    return {
        "release": f"fanfare@{VERSION}",
        "default_integrations": False,
        "auto_enabling_integrations": False,
        "auto_session_tracking": False,
        "enable_backpressure_handling": False,
        "enable_metrics": False,
        "send_client_reports": False,
        "include_local_variables": False,
        "include_source_context": False,
        "max_breadcrumbs": 0,
        "max_request_body_size": "never",
        "spotlight": False,
        "before_send": scrub,
    }


class _OutboxTransport(Transport):
    """Posts envelopes when the outbox is flushed. The SDK's own transport would have a thread of its own, which gets no CPU between requests."""

    def __init__(self, dsn: Dsn, clock: Clock) -> None:
        super().__init__()
        auth = dsn.to_auth(f"fanfare/{VERSION}")
        self._url = auth.get_api_url(EndpointType.ENVELOPE)
        self._headers = {"X-Sentry-Auth": auth.to_header(), "Content-Type": "application/x-sentry-envelope"}
        self.outbox: Outbox[bytes] = Outbox("errors", self._post, clock)

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep an envelope for the end of the request."""
        self.outbox.put(envelope.serialize())

    def _post(self, envelopes: Sequence[bytes]) -> bool:
        with requests.Session() as session:
            sent = (session.post(self._url, data=body, headers=self._headers, timeout=PATIENCE_SECONDS, allow_redirects=False) for body in envelopes)
            return all(answer.status_code == HTTPStatus.OK for answer in sent)


def scrub(event: Event, _hint: Hint) -> Event:
    """Put together anew what may leave: of each error its type and where it was raised."""
    whole: Mapping[str, Any] = event
    errors = [_scrub_error(error) for error in whole.get("exception", {}).get("values", ())]
    kept: Any = {**{name: whole[name] for name in _ENVELOPE if name in whole}, "exception": {"values": errors}}
    return kept  # type: ignore[no-any-return]


def _scrub_error(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames", ())
    kept = [{name: frame[name] for name in _FRAME if name in frame} for frame in frames]
    return {"type": error.get("type"), "module": error.get("module"), "stacktrace": {"frames": kept}}
