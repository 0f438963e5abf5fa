"""The OpenAPI document and the page that shows it, with assets served by us."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from importlib.resources import files
from threading import Lock
from typing import Any

from flask import Response, jsonify
from flask_openapi import OpenAPI

from fanfare.web.gate import PUBLIC, public
from fanfare.web.schema import problems

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Fanfare API</title></head>
<body><script id="api-reference" data-url="{prefix}/openapi.json" data-configuration='{configuration}'></script>
<script src="{prefix}/docs/scalar.js"></script></body>
</html>
"""
_CONFIGURATION = {
    "withDefaultFonts": False,
    "telemetry": False,
    "showDeveloperTools": "never",
    "hideClientButton": True,
    "agent": {"disabled": True},
    "mcp": {"disabled": True},
    "authentication": {"preferredSecurityScheme": [["ClientId", "ClientToken"]]},
}
"""Nothing of the page talks to anybody but this API."""
_CSP = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'"
)
_ARGUMENT = re.compile(r"<(\w+)>")
_CREDENTIALS: list[dict[str, list[str]]] = [{"ClientId": [], "ClientToken": []}]


def add_routes(app: OpenAPI, prefix: str) -> None:
    """Add `/openapi.json` and `/docs` under the prefix."""
    # The library builds its document at the first use, in place.
    lock = Lock()

    def show_document() -> Response:
        with lock:
            return jsonify(build_document(app))

    app.add_url_rule(f"{prefix}/openapi.json", "openapi_document", public(show_document))
    app.add_url_rule(f"{prefix}/docs", "openapi_page", public(lambda: _page(prefix)))
    app.add_url_rule(f"{prefix}/docs/scalar.js", "openapi_script", public(_script))


def build_document(app: OpenAPI) -> dict[str, Any]:
    """The OpenAPI document, with what the gate does before each route: read from the routes' own marks, so that it can't say anything else."""
    document: dict[str, Any] = app.api_doc
    for rule in app.url_map.iter_rules():
        path = document["paths"].get(_ARGUMENT.sub(r"{\1}", rule.rule), {})
        for method in (rule.methods or set()) & {name.upper() for name in path}:
            _complete(path[method.lower()], method, is_open=getattr(app.view_functions[rule.endpoint], "access", None) == PUBLIC)
    return document


def _complete(operation: dict[str, Any], method: str, *, is_open: bool) -> None:
    statuses = [400] if is_open else [400, 401, 403, 503]
    if method in {"POST", "PUT"}:
        statuses += [413, 415]
    if not is_open:
        operation["security"] = _CREDENTIALS
    refusals = {str(status): {**answer, "description": HTTPStatus(status).phrase} for status, answer in problems(*statuses).items()}
    operation["responses"] = dict(sorted({**operation["responses"], **refusals}.items()))


def _page(prefix: str) -> Response:
    response = Response(_PAGE.format(prefix=prefix, configuration=json.dumps(_CONFIGURATION)), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _CSP
    return response


def _script() -> Response:
    script = files("flask_openapi_scalar").joinpath("templates", "scalar", "js", "scalar.standalone.js").read_bytes()
    response = Response(script, mimetype="text/javascript")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
