"""The OpenAPI document and the page that shows it, with assets served by us."""

from __future__ import annotations

from importlib.resources import files

from flask import Response, jsonify
from flask_openapi import OpenAPI

from fanfare.web.gate import public

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Fanfare API</title></head>
<body><script id="api-reference" data-url="{prefix}/openapi.json" data-configuration='{{"withDefaultFonts": false, "telemetry": false}}'></script>
<script src="{prefix}/docs/scalar.js"></script></body>
</html>
"""
_CSP = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'"
)


def add_routes(app: OpenAPI, prefix: str) -> None:
    """Add `/openapi.json` and `/docs` under the prefix."""
    app.add_url_rule(f"{prefix}/openapi.json", "openapi_document", public(lambda: jsonify(app.api_doc)))
    app.add_url_rule(f"{prefix}/docs", "openapi_page", public(lambda: _page(prefix)))
    app.add_url_rule(f"{prefix}/docs/scalar.js", "openapi_script", public(_script))


def _page(prefix: str) -> Response:
    response = Response(_PAGE.format(prefix=prefix), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _CSP
    return response


def _script() -> Response:
    script = files("flask_openapi_scalar").joinpath("templates", "scalar", "js", "scalar.standalone.js").read_bytes()
    response = Response(script, mimetype="text/javascript")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
