"""Where the OpenAPI document stands, and the page that shows it, with assets served by us."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from flask import Flask, Response, jsonify

from fanfare.web.gate import deps, public

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta property="csp-nonce" content="{nonce}"><title>Fanfare API</title></head>
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
_DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src-elem 'nonce-{nonce}' 'sha256-l/2OpPg0d+2VLTLgwjf5mQo2CYwHDEqdj5TjbfEyVJI=' 'sha256-T13Uev3xCax2N28XaoAE8DOzQZKvPp7ZQVAi1iRREjo='",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
"""Scripts of ours alone. The viewer makes its styles itself: most under the page's nonce, two sheets that always read the same, and attributes."""


def add_routes(app: Flask, prefix: str, document: Callable[[], dict[str, Any]]) -> None:
    """Add `/openapi.json` and `/docs` under the prefix; `document` is asked when somebody wants to read it."""

    def show_document() -> Response:
        """Show the OpenAPI document."""
        return jsonify(document())

    def show_page() -> Response:
        """Show the OpenAPI document to people."""
        return _page(prefix)

    app.add_url_rule(f"{prefix}/openapi.json", "openapi_document", public(show_document))
    app.add_url_rule(f"{prefix}/docs", "openapi_page", public(show_page))
    app.add_url_rule(f"{prefix}/docs/scalar.js", "openapi_script", public(_script))


def _page(prefix: str) -> Response:
    nonce = deps().identifiers.new_id()
    response = Response(_PAGE.format(prefix=prefix, configuration=json.dumps(_CONFIGURATION), nonce=nonce), mimetype="text/html")
    response.headers["Content-Security-Policy"] = "; ".join(_DIRECTIVES).format(nonce=nonce)
    return response


def _script() -> Response:
    """Serve the page's script."""
    script = files("flask_openapi_scalar").joinpath("templates", "scalar", "js", "scalar.standalone.js").read_bytes()
    response = Response(script, mimetype="text/javascript")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
