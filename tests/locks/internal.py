"""The doors of the internal functions, which take an OIDC token of their own caller and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from flask import Flask

from fanfare.ports import Deps
from fanfare.web.cleanup import build_cleanup
from fanfare.web.fanout import build_fanout
from fanfare.web.keepalive import build_keepalive
from fanfare.web.rollup import build_rollup
from fanfare.web.schedule import build_schedule
from fanfare.web.send import build_send
from fanfare.web.webhook import build_webhook

INTERNAL: Mapping[str, Callable[[Deps], Flask]] = {
    "send": build_send,
    "fanout": build_fanout,
    "keepalive": build_keepalive,
    "rollup": build_rollup,
    "cleanup": build_cleanup,
    "schedule": build_schedule,
    "webhook": build_webhook,
}
"""By the function's name; each has the one route `POST /`."""


def internal_breaches(app: Flask, locks: Mapping[str, tuple[Mapping[str, str], int]], good: Mapping[str, str]) -> Iterator[str]:
    """Try headers that must be refused with a status, every 401 alike, and then those of the right caller."""
    phone = app.test_client()
    first: bytes | None = None
    for name, (headers, status) in locks.items():
        answer = phone.post("/", json={}, headers=headers)
        if answer.status_code != status:
            yield f"{app.name} with {name}: {answer.status_code} {answer.text}"
        if status == 401 and "Authorization" in headers:
            first = first or answer.data
            if answer.data != first:
                yield f"{app.name} with {name}: {answer.text} is not {first.decode()}"
    if phone.post("/", json={}, headers=good).status_code != 200:
        yield f"{app.name} does not let its own caller in"
