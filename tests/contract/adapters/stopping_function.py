"""A function that answers twice: once when it begins, once when its instance was asked to end or ten seconds have passed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from flask import Request, Response

from fanfare.adapters.lifecycle import WorkerLifecycle

_LONGEST_SECONDS = 10.0
_STEP_SECONDS = 0.02


def work(request: Request) -> Response:
    """Tell what the lifecycle says before and after the signal, a line each."""
    return Response(_watch(), mimetype="text/plain")


def _watch() -> Iterator[str]:
    lifecycle, pause = WorkerLifecycle(), threading.Event()
    yield f"{lifecycle.is_stopping()}\n"
    for _ in range(int(_LONGEST_SECONDS / _STEP_SECONDS)):
        if lifecycle.is_stopping():
            break
        pause.wait(_STEP_SECONDS)
    yield f"{lifecycle.is_stopping()}\n"
