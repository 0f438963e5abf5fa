"""`async-firebase` over HTTP/2, 500 messages a call. Runs in `.local/bench-venv`, which holds nothing of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from async_firebase import _credentials
from async_firebase.client import AsyncFirebaseClient
from async_firebase.messages import AndroidConfig, AndroidNotification, Message, Notification

from tests.bench import workload


def prepare(settings: Mapping[str, Any]) -> Callable[[int], int]:
    """Open the client and an event loop that lives as long as its connections; returns what sends so many messages and counts the accepted."""
    runner = asyncio.Runner()
    client = runner.run(_open(settings))
    messages = [_message(number) for number in range(workload.CHUNK)]

    async def send(count: int) -> int:
        accepted = 0
        for _ in range(count // workload.CHUNK):
            accepted += (await client.send_each(messages)).success_count
        return accepted

    return lambda count: runner.run(send(count))


async def _open(settings: Mapping[str, Any]) -> AsyncFirebaseClient:
    # It asks Google's own address for the token, whatever the service account says.
    _credentials.TOKEN_URL = settings["token_uri"]
    client = AsyncFirebaseClient(use_http2=True)
    client.BASE_URL = settings["url"]
    client.creds_from_service_account_info(settings["account"])
    return client


def _message(number: int) -> Message:
    shown = AndroidNotification(tag="benchmark-notification", channel_id=workload.CHANNEL, sound=workload.SOUND)
    return Message(
        token=workload.token(number),
        notification=Notification(workload.TITLE, workload.BODY),
        data={
            **workload.DATA,
            "deep_link": workload.DEEP_LINK,
            "fanfare_id": "benchmark-notification",
            "fanfare_receipt": workload.receipt(number),
        },
        android=AndroidConfig(priority="high", ttl=f"{workload.TTL_SECONDS}s", notification=shown),
    )
