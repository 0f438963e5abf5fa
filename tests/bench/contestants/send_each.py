"""`firebase_admin.messaging.send_each`, 500 messages a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from firebase_admin import messaging

from tests.bench.contestants.firebase import build_messages, open_app
from tests.bench.workload import CHUNK


def prepare(settings: Mapping[str, Any]) -> Callable[[int], int]:
    """Open the SDK; returns what sends so many messages and counts the accepted."""
    app, messages = open_app(settings), build_messages()
    return lambda count: sum(messaging.send_each(messages, dry_run=False, app=app).success_count for _ in range(count // CHUNK))
