"""What every request passes before its route: a request id, the host and size rules, authentication and scope, the rate limit, well-formed JSON.

Each route says who may call it: `@authorized(Scope.SEND)` or `@public`. A route that says nothing can't be called (and fails a structure test).

| credential | opens |
|---|---|
| `Client-ID` and `Client-Token` | the routes of the client's scopes |
| `X-Access-Key`, a Client-Token, and on one route `?token=` | the daemon's routes, likewise |
| `Authorization: Bearer <Client-Token>` | the routes marked `bearer_token=True`, likewise: for scrapers, who can send nothing else |
| `Authorization: Bearer <Firebase ID token>` | the routes that are marked `users=True`, for what is the user's own |
| `project` and `receipt`, or `receipts`, in the body, and neither of these | the routes marked `receipts=True`, for what was sent to a device |
| both, on a route for users | nothing: 400, because it can't be told for whom the call is meant |
| a cookie, any other query field | nothing, ever: a browser sends those by itself |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import structlog
from flask import Flask, Response, current_app, g, request

from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.callers import caller_address
from fanfare.domain.client import Client, Scope
from fanfare.domain.edge import is_allowed_host
from fanfare.domain.errors import InvalidRequest, RateLimited
from fanfare.domain.id_token import User
from fanfare.domain.limits import LimitGroup, Usage
from fanfare.ports import Deps
from fanfare.services.authenticate import Bearer, authenticate_client, authenticate_receipt, authenticate_user, authorize_client
from fanfare.services.limit_rate import limit_bearer, limit_rate
from fanfare.web.access_keys import read_bearer, read_client
from fanfare.web.bodies import body_limit, check_json
from fanfare.web.cors import add_cors_headers, answer_options
from fanfare.web.methods import check_method, remember_fixed_paths
from fanfare.web.problems import problem, problem_of
from fanfare.web.rate_headers import add_rate_headers
from fanfare.web.receipt_tokens import read_presented
from fanfare.web.request_ids import read_request_id
from fanfare.web.security_headers import add_security_headers
from fanfare.web.token_headers import add_token_headers
from fanfare.web.tracing import begin_trace

F = TypeVar("F", bound=Callable[..., object])
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_DEPS = "fanfare"
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route: a client with one of the scopes, where `users` is set a user of the app, and where `receipts` is set a device.

    `group` is where the calls are counted. With `access_key` or `bearer_token` a client may come with its token alone, with `key_in_query` even in
    the query (`access_keys.py`).
    """

    scopes: tuple[Scope, ...]
    group: LimitGroup
    users: bool = False
    receipts: bool = False
    access_key: bool = False
    key_in_query: bool = False
    bearer_token: bool = False


def authorized(*scopes: Scope, group: LimitGroup = LimitGroup.OTHER, **ways: bool) -> Callable[[F], F]:
    """Let only clients call a route that have one of these scopes, within the limit of the group.

    `ways` are `Access`'s other fields: who else may, and how a client may come.
    """

    def mark(route: F) -> F:
        route.access = Access(scopes, group, **ways)  # type: ignore[attr-defined]
        return route

    return mark


def public(route: F) -> F:
    """Let anybody call a route."""
    route.access = PUBLIC  # type: ignore[attr-defined]
    return route


def any_host(route: F) -> F:
    """Answer under every host name: for probes, which know an instance by its address and not by its name."""
    route.any_host = True  # type: ignore[attr-defined]
    return route


def reads_its_body(route: F) -> F:
    """Leave a route's body to the route: it need not be JSON."""
    route.reads_its_body = True  # type: ignore[attr-defined]
    return route


def install(app: Flask, deps: Deps) -> None:
    """Put the gate before every route of an app; all of them must be there."""
    app.extensions[_DEPS] = deps
    remember_fixed_paths(app)
    for step in (_identify, _check_host, _answer_options, check_method, _limit_body, _authenticate, _limit_rate, _parse):
        app.before_request(step)
    app.after_request(_finish)


def deps() -> Deps:
    """The dependencies of the running app."""
    found: Deps = current_app.extensions[_DEPS]
    return found


def caller() -> Client:
    """The client that calls; only on routes that are not for users."""
    client: Client = g.client
    return client


def call() -> Call:
    """How this request came in; InvalidRequest if its Idempotency-Key has no usable form."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and _IDEMPOTENCY_KEY.match(key) is None:
        raise InvalidRequest.at("Idempotency-Key", "must have 1 to 255 visible ASCII characters")
    user: User | None = g.get("user")
    if user is not None:
        return Call(user.tenant, _actor(ActorKind.USER, user.actor_id), g.request_id, key, user.uid)
    bearer: Bearer | None = g.get("bearer")
    if bearer is not None:
        return Call(bearer.tenant, _actor(ActorKind.DEVICE, bearer.actor_id), g.request_id, key, receipt=bearer.receipt)
    return Call(caller().tenant, _actor(ActorKind.CLIENT, caller().id), g.request_id, key)


def _actor(kind: ActorKind, actor_id: str) -> Actor:
    return Actor(kind, actor_id, g.address or None, g.request_id)


def _identify() -> None:
    g.request_id = read_request_id(request.headers.get("X-Request-ID", ""), deps())
    g.address = caller_address(request.headers.get("X-Forwarded-For", ""), request.remote_addr or "", deps().edge.trusted_proxy_hops)
    g.began = deps().clock.now()
    begin_trace(deps(), current_app.name.partition(".")[2] or "api")
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _check_host() -> Response | None:
    if not is_allowed_host(deps().edge, request.headers.get("Host", "")) and not getattr(_route(), "any_host", False):
        return problem(HTTPStatus.MISDIRECTED_REQUEST, "misdirected_request", "This server does not answer for this host name.")
    return None


def _answer_options() -> Response | None:
    return answer_options(deps())


def _limit_body() -> Response | None:
    limit = body_limit(request.path)
    if _body_length() > limit:
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"The body has more than {limit} bytes.")
    return None


def _body_length() -> int:
    """The body's length in bytes; `main` has buffered and measured it, also one that came in chunks, of which Werkzeug knows no length."""
    return int(request.environ.get("CONTENT_LENGTH") or 0)


def _route() -> Callable[..., object] | None:
    return current_app.view_functions.get(request.endpoint or "")


def _access() -> Access | None:
    """Who may call the requested route; None where nobody has to be known."""
    route = _route()
    access = getattr(route, "access", Access((), LimitGroup.OTHER))
    return None if route is None or access == PUBLIC else access


def _authenticate() -> None:
    access = _access()
    if access is None:
        return
    presented = read_client(request, access_key=access.access_key, key_in_query=access.key_in_query, bearer_token=access.bearer_token)
    bearer = read_bearer(request) if access.users else None
    receipt = read_presented(request) if access.receipts and not (bearer or any(presented)) else None
    if receipt is not None:
        g.bearer = authenticate_receipt(deps(), receipt.project, receipt.tokens, receipt.field)
    elif bearer is None:
        g.client, g.token = authenticate_client(deps(), presented.client_id, presented.token, g.address), presented.token
        authorize_client(deps(), g.client, access.scopes)
    elif any(presented):
        raise InvalidRequest.at("Authorization", "give either an ID token or Client-ID and Client-Token, not both")
    else:
        g.user = authenticate_user(deps(), bearer)


def _limit_rate() -> Response | None:
    access = _access()
    if access is None:
        return None
    try:
        g.usage = _use(access.group)
    except RateLimited as refused:
        g.usage = refused.usage
        return problem_of(refused)
    return None


def _use(group: LimitGroup) -> Usage | None:
    user, bearer = g.get("user"), g.get("bearer")
    if user is not None:
        return limit_rate(deps(), user.tenant, user.actor_id, {}, group)
    if bearer is not None:
        return limit_bearer(deps(), bearer, group)
    return limit_rate(deps(), caller().tenant, caller().id, caller().limits, group)


def _parse() -> Response | None:
    if request.method not in {"POST", "PUT"} or request.endpoint is None or not _body_length():
        return None
    if getattr(_route(), "reads_its_body", False):
        return None
    if not request.is_json:
        return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be application/json.")
    check_json(request)
    return None


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if response.status_code == HTTPStatus.NO_CONTENT:
        response.headers.pop("Content-Type", None)
    add_security_headers(request, response)
    add_cors_headers(response, deps(), _tenant())
    add_rate_headers(response, g.get("usage"))
    add_token_headers(response, g.get("client"), g.get("token", ""), deps().clock.now())
    access = _access()
    if response.status_code == HTTPStatus.UNAUTHORIZED and access is not None and (access.users or access.bearer_token):
        response.headers.add("WWW-Authenticate", 'Bearer realm="fanfare"')
    _log(response)
    return response


def _log(response: Response) -> None:
    """One line a request, by which its id finds it: the route and never the path, which may name a person."""
    rule = request.url_rule.rule if request.url_rule else None
    client: Client | None = g.get("client")
    millis = round((deps().clock.now() - g.began).total_seconds() * 1e3, 1) if "began" in g else None
    deps().log.info("answered", method=request.method, route=rule, status=response.status_code, client=client.id if client else None, ms=millis)
    deps().telemetry.end(status=response.status_code, request_id=g.get("request_id", ""))


def _tenant() -> str | None:
    """The tenant of whoever calls; None if nobody was let in."""
    known: Client | User | Bearer | None = g.get("client") or g.get("user") or g.get("bearer")
    return known.tenant if known is not None else None
