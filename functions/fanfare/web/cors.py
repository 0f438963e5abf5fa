"""CORS by allowlist (fetch.spec.whatwg.org): which pages' scripts may call, and read what is answered.

| request | allowed origins |
|---|---|
| preflight, which carries no credential | the deployment's and any tenant's: it gives nothing away but the path's methods |
| any other | the deployment's and the caller's tenant's: a page of another tenant can't read the answer |

Never `*`, and never `Access-Control-Allow-Credentials`: no cookie authenticates here, so a browser shall send none.
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, request

from fanfare.domain.edge import is_origin, is_origin_of
from fanfare.domain.errors import Unavailable
from fanfare.ports import Deps
from fanfare.web.methods import methods_of

REQUEST_HEADERS = "Authorization, Client-ID, Client-Token, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-ID"
ANSWER_HEADERS = "Client-Token-Expires, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
REMEMBERED_SECONDS = 600
"""How long a browser may go on after an origin was taken off a list; it reads no answer any more from the first minute on."""


def answer_options(deps: Deps) -> Response | None:
    """Answer OPTIONS for any path of ours, without asking who calls and without counting; None for every other request."""
    methods = methods_of(request.path) if request.method == "OPTIONS" else []
    if not methods:
        return None
    response = Response(status=HTTPStatus.NO_CONTENT)
    response.headers["Allow"] = ", ".join(methods)
    origin = request.headers.get("Origin", "")
    if "Access-Control-Request-Method" in request.headers and _may_ask(deps, origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        response.headers["Access-Control-Max-Age"] = str(REMEMBERED_SECONDS)
    return response


def _may_ask(deps: Deps, origin: str) -> bool:
    """Tell whether a page may send a request at all; a text that is no origin costs no look-up."""
    return is_origin_of(deps.edge, origin, ()) or (is_origin(origin) and deps.origins.is_listed(origin))


def add_cors_headers(response: Response, deps: Deps, tenant: str | None) -> None:
    """Let an allowed page read an answer; `tenant` is the caller's, None for nobody known. Every answer says that it depends on the page."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if request.method != "OPTIONS" and origin and is_origin_of(deps.edge, origin, _listed(deps, tenant)):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = ANSWER_HEADERS


def _listed(deps: Deps, tenant: str | None) -> tuple[str, ...]:
    """A tenant's origins; none while they can't be read: the answer itself stands."""
    try:
        found = deps.tenants.get(tenant) if tenant is not None else None
    except Unavailable:
        return ()
    return found.settings.cors_origins if found is not None else ()
