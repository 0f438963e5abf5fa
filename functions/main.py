"""The entry points of every deployed function: each builds its surface at its first request and hands the request over."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, cast

from flask import Flask, Request, Response, current_app, has_app_context

from fanfare.config import Settings
from fanfare.ports import Deps
from fanfare.web.bodies import LARGEST_BULK_BODY

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

LARGEST_DRAINED = 32 * 1024 * 1024
"""Cloud Run accepts no larger request."""

# Importing makes objects that live as long as the instance: looking through them for garbage again and again is a tenth of a cold start.
gc.disable()
# Requests make few cycles: a collection for each seven hundred objects would cost a chunk as much as fifty of its messages.
gc.set_threshold(50_000)


@cache
def _deps() -> Deps:
    from fanfare.wiring import build_deps  # noqa: PLC0415 - adapters are built, and so imported, at the first request

    return build_deps(Settings.from_env(os.environ))


@cache
def _surface(build: Callable[[Deps], WSGIApplication]) -> WSGIApplication:
    surface = build(_deps())
    gc.freeze()
    gc.enable()
    return surface


def api(request: Request) -> Response:
    """The public API: https, API keys."""
    from fanfare.web.api import PublicApi  # noqa: PLC0415 - an instance of another function never needs it

    return _hand_over(_surface(PublicApi), request)


def stream(request: Request) -> Response:
    """The events as they come: https, API keys."""
    from fanfare.web.stream import build_stream  # noqa: PLC0415 - an instance of another function never needs it

    return _hand_over(_surface(build_stream), request, buffered=False)


def send(request: Request) -> Response:
    """Deliver one chunk: called by Cloud Tasks."""
    from fanfare.web.send import build_send  # noqa: PLC0415 - an instance of another function never needs it

    return _hand_over(_surface(build_send), request)


def fanout(request: Request) -> Response:
    """Turn one broadcast into chunks, or bring an audience up to date: called by Cloud Tasks."""
    from fanfare.web.fanout import build_fanout  # noqa: PLC0415 - an instance of another function never needs it

    return _hand_over(_surface(build_fanout), request)


def webhook(request: Request) -> Response:
    """Deliver one event to one endpoint: called by Cloud Tasks."""
    from fanfare.web.webhook import build_webhook  # noqa: PLC0415 - an instance of another function never needs it

    return _hand_over(_surface(build_webhook), request)


def schedule(request: Request) -> Response:
    """The tick of every minute: called by Cloud Scheduler."""
    from fanfare.web.schedule import build_schedule  # noqa: PLC0415 - an instance of another function never needs it

    return _hand_over(_surface(build_schedule), request)


def keepalive(request: Request) -> Response:
    """The pings of every minute: called by Cloud Scheduler."""
    from fanfare.web.keepalive import build_keepalive  # noqa: PLC0415 - an instance of another function never needs it

    return _hand_over(_surface(build_keepalive), request)


def cleanup(request: Request) -> Response:
    """The daily tick: called by Cloud Scheduler."""
    from fanfare.web.cleanup import build_cleanup  # noqa: PLC0415 - an instance of another function never needs it

    return _hand_over(_surface(build_cleanup), request)


def rollup(request: Request) -> Response:
    """The tick of every five minutes: called by Cloud Scheduler."""
    from fanfare.web.rollup import build_rollup  # noqa: PLC0415 - an instance of another function never needs it

    return _hand_over(_surface(build_rollup), request)


def _take_over(framework: Flask) -> None:
    """Give no answer to the framework's own app, which loads us: its pages are HTML without our headers, its redirects go to whatever host was named.

    What its router refuses (`/robots.txt`, a path with a line feed, a host that is no name) goes to our app like the rest.
    """
    framework.debug, framework.url_map.merge_slashes = False, False
    framework.config["PROPAGATE_EXCEPTIONS"] = False
    for refusal in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
        framework.register_error_handler(refusal, lambda _: cast("Response", framework.view_functions["run"](path="")))
    framework.register_error_handler(HTTPStatus.INTERNAL_SERVER_ERROR, lambda _: _fail())
    framework.log_exception = _record  # type: ignore[method-assign, assignment]


def _fail() -> Response:
    from fanfare.web.last_resort import build_last_resort  # noqa: PLC0415 - hardly ever needed

    return build_last_resort()


def _record(raised: Any) -> None:  # noqa: ANN401 - what sys.exc_info() returns
    """Log what broke outside of our app as our app logs it; where that can't be built, as the framework does: the text names the setting."""
    try:
        deps = _deps()
    except Exception:  # noqa: BLE001 - whatever keeps it from being built
        Flask.log_exception(current_app, raised)
        return
    deps.log.error("internal_error", error=raised[1])
    deps.telemetry.flush()


def _hand_over(app: WSGIApplication, request: Request, *, buffered: bool = True) -> Response:
    """Give a request to our own app, its body buffered: the framework's app has begun to read the stream.

    One byte more than the largest body is read at the most; the app refuses it by its length. An answer that is not `buffered` goes out as it comes.
    """
    length, stream = request.content_length, request.environ["wsgi.input"]
    body = stream.read(LARGEST_BULK_BODY + 1 if length is None else min(length, LARGEST_BULK_BODY + 1))
    if len(body) > LARGEST_BULK_BODY:
        _drain(stream)
    # The framework reads the request to its end after us: it finds what we have read.
    request.environ.update({"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    environ = {**request.environ, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body) if length is None else length)}
    environ["PATH_INFO"] = "/" + environ.get("PATH_INFO", "").strip("/")
    try:
        return cast("Response", Response.from_app(app, environ, buffered=buffered))
    finally:
        # Before the answer goes out: an instance has no CPU between two requests.
        _deps().telemetry.flush()


def _drain(stream: IO[bytes]) -> None:
    """Read the rest of a body that is too large, within bounds: a caller who is still writing would never read that it is refused."""
    left = LARGEST_DRAINED
    while left > 0 and (piece := stream.read(min(left, 65_536))):
        left -= len(piece)


if has_app_context():
    _take_over(current_app)
