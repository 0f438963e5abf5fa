"""Two small functions by which the tests of the stack see what a function sees."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator

import flask

_pause = threading.Event()


def _events() -> Iterator[str]:
    yield "data: first\n\n"
    # The caller must have the first event while this one is still to come.
    _pause.wait(30)
    yield "data: second\n\n"


def api(request: flask.Request) -> flask.Response:
    """Answer with what arrived."""
    if request.path == "/slow":
        return flask.Response(_events(), mimetype="text/event-stream")
    if request.path == "/go-on":
        _pause.set()
    seen = {"headers": dict(request.headers), "path": request.full_path, "body": request.get_data(as_text=True), "environment": dict(os.environ)}
    return flask.jsonify(seen)


def send(request: flask.Request) -> flask.Response:
    """Answer with the process id and the path; at `/leave` start a process that goes into a session of its own, and answer with its id."""
    if request.path == "/leave":
        return flask.jsonify({"stray": subprocess.Popen(["sleep", "60"], start_new_session=True).pid})
    return flask.jsonify({"pid": os.getpid(), "path": request.full_path})
