"""Wait for something to become true, for a bounded time."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from local.addresses import LOOPBACK

_INTERVAL_SECONDS = 0.05
_ANSWER_SECONDS = 2.0


def wait_until(check: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Call `check` until it is true; False when it was not within the time. What it raises passes through."""
    deadline = time.monotonic() + timeout_seconds
    while not check():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_INTERVAL_SECONDS)
    return True


def accepts_connections(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server listens on this port."""
    try:
        with socket.create_connection((host, port), timeout=_ANSWER_SECONDS):
            return True
    except OSError:
        return False


def answers_http(port: int, *, path: str = "/", status: int = http.HTTPStatus.OK) -> bool:
    """Tell whether the server on this loopback port answers a GET with this status."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_SECONDS)
    with closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == status
        except (OSError, http.client.HTTPException):
            return False


def is_written(file: Path) -> bool:
    """Tell whether a server has written its ready file."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False
