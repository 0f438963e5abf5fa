"""`firebase_admin.messaging.send_each_async`, 500 messages a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from firebase_admin import messaging

from tests.bench.contestants.firebase import build_messages, open_app
from tests.bench.workload import CHUNK


def prepare(settings: Mapping[str, Any]) -> Callable[[int], int]:
    """Open the SDK and an event loop that lives as long as its connections; returns what sends so many messages and counts the accepted."""
    app, messages, runner = open_app(settings), build_messages(), asyncio.Runner()

    async def send(count: int) -> int:
        accepted = 0
        for _ in range(count // CHUNK):
            accepted += (await messaging.send_each_async(messages, dry_run=False, app=app)).success_count
        return accepted

    return lambda count: runner.run(send(count))
