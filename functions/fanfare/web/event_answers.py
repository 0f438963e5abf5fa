"""Events as the API shows them: the bodies as they were stored, to the byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from flask import Response
from pydantic import Field

from fanfare.domain.event import EventKind, StoredEvent
from fanfare.web.schema import Out


class EventOut(Out):
    """One thing that happened: what a webhook is posted, too. `version` is that of the form of `data`, which depends on `type` (docs/events.md)."""

    id: str
    type: EventKind
    timestamp: datetime
    version: Literal[1]
    request_id: str = Field(description="The id of the request that began it; empty where none did.")
    data: dict[str, Any]


class EventPage(Out):
    """Events in their order, and the cursor to ask with next."""

    items: list[EventOut]
    next_cursor: str


def show_event(event: StoredEvent) -> Response:
    """An event alone."""
    return Response(event.body, content_type="application/json")


def show_events(events: Sequence[StoredEvent], next_cursor: str) -> Response:
    """A page of events."""
    items = b",".join(event.body for event in events)
    return Response(b'{"items":[%b],"next_cursor":%b}' % (items, json.dumps(next_cursor).encode()), content_type="application/json")
