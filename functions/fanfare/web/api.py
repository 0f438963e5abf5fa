"""The public surface: `/api/v1`, its OpenAPI document and the page that shows it.

Beside it, at the root path, stand the routes of the fcmpy daemon.

A cold instance builds the part that its first request asks for (its path's first word), and another part when the first request for that comes: most
instances never need the templates' schemas, and a push should not wait for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, Any

from flask import Flask

from fanfare.domain.version import VERSION
from fanfare.ports import Deps
from fanfare.web import docs, gate
from fanfare.web.bodies import StrictJson
from fanfare.web.openapi import build_document
from fanfare.web.refusals import handle_errors
from fanfare.web.resource import PREFIX, Resource
from fanfare.web.root_paths import ROOT_PATHS, speak_as_daemon
from fanfare.web.schema import Problem

if TYPE_CHECKING:
    from flask_openapi import OpenAPI

ROOT = "/"
"""No path's first word: the part of the daemon's paths."""
PARTS: Mapping[str, tuple[str, ...]] = {
    "devices": ("devices",),
    "profiles": ("profiles",),
    "notify": ("notify", "preview", "notify_topic", "notify_schedule", "bulk"),
    "notifications": ("notifications", "steering"),
    "dead-letters": ("dead_letters",),
    "analytics": ("analytics",),
    "audit": ("audit",),
    "apps": ("apps", "key_rotation", "audience"),
    "clients": ("clients",),
    "health": ("health",),
    "metrics": ("metrics",),
    "templates": ("templates",),
    "topics": ("topics",),
    "keepalive-reply": ("keepalive_reply",),
    "receipts": ("receipts",),
    "segments": ("segments",),
    "schedules": ("schedules",),
    "webhooks": ("webhooks",),
    "stream-token": ("stream_token",),
    "events": ("events",),
    ROOT: ("daemon",),
}
"""The modules that serve the paths with each first word below `/api/v1`, and those of the root."""
ELSEWHERE = ("event_stream",)
"""What the document tells of too and another function serves."""
_SECURITY_SCHEMES: dict[str, Any] = {
    "ClientId": {"type": "apiKey", "in": "header", "name": "Client-ID"},
    "ClientToken": {"type": "apiKey", "in": "header", "name": "Client-Token"},
    "TokenAlone": {"type": "http", "scheme": "bearer", "description": "A Client-Token, which names its client: for scrapers."},
    "IdToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A Firebase ID token: the user's own things."},
}


class PublicApi:
    """The `api` function as a WSGI application: every part is an app of its own, behind the same gate."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._apps: dict[str, Flask] = {}
        self._lock = RLock()

    def __call__(self, environ: Any, start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own types
        """Answer a request by the part that its path belongs to, or by the whole where there is none."""
        return self._app(_part_of(environ.get("PATH_INFO", "")))(environ, start_response)

    def _app(self, part: str) -> Flask:
        with self._lock:
            if part not in self._apps:
                self._apps[part] = _build(self._deps, PARTS[part] if part else _everything())
            return self._apps[part]


def _part_of(path: str) -> str:
    word = ROOT if path in ROOT_PATHS else path.removeprefix(f"{PREFIX}/").partition("/")[0]
    return word if word in PARTS else ""


def build_api(deps: Deps) -> Flask:
    """Build an app with every part."""
    return _build(deps, _everything())


def _build(deps: Deps, modules: Iterable[str]) -> Flask:
    app = Flask("fanfare", static_folder=None)
    # No answer of the framework's own: neither a debugger's nor a redirect for a path with a slash too many.
    app.debug, app.url_map.merge_slashes = False, False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.json = StrictJson(app)
    for resource in _load(modules):
        resource.serve(app)
    docs.add_routes(app, PREFIX, _document)
    gate.install(app, deps)
    app.after_request(speak_as_daemon)
    handle_errors(app)
    return app


@cache
def _document() -> dict[str, Any]:
    """The OpenAPI document: made at its first reader, in place, and the same for all."""
    return build_document(_describe())


def _describe() -> OpenAPI:
    """Build what the document is read from."""
    from flask_openapi import Info, OpenAPI  # noqa: PLC0415 - most instances are never asked for the document

    app = OpenAPI(
        "fanfare",
        info=Info(title="Fanfare", version=VERSION, description="Push notifications on Firebase Cloud Messaging."),
        security_schemes=_SECURITY_SCHEMES,
        # The refusals of a route's arguments are described by openapi.py, as all others.
        validation_error_status=HTTPStatus.BAD_REQUEST,
        validation_error_model=Problem,
        doc_ui=False,
        static_folder=None,
    )
    app.openapi_version = "3.1.1"
    for resource in _load((*_everything(), *ELSEWHERE)):
        if resource.prefix == PREFIX:
            app.register_api(resource.describe())
    return app


def _everything() -> Iterable[str]:
    return (module for modules in PARTS.values() for module in modules)


def _load(modules: Iterable[str]) -> list[Resource]:
    return [import_module(f"fanfare.web.{module}").routes for module in modules]
