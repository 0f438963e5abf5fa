"""One address in front of all functions: `python -m local.gateway --host H --port P --function api=URL --function send=URL`.

`/send`, `/fanout` and the other functions' own paths lose their first segment, as they do when deployed;
everything else keeps its path and goes to `api`. Bodies stream both ways, so server-sent events pass.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import NamedTuple

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, hdrs, web
from multidict import CIMultiDict
from yarl import URL

# RFC 9110, section 7.6.1: these concern one connection and not the message. Keep-Alive and Proxy-Connection are older customs.
_HOP_BY_HOP = frozenset(
    name.lower()
    for name in (
        hdrs.CONNECTION,
        "Keep-Alive",
        hdrs.PROXY_AUTHENTICATE,
        hdrs.PROXY_AUTHORIZATION,
        "Proxy-Connection",
        hdrs.TE,
        hdrs.TRAILER,
        hdrs.TRANSFER_ENCODING,
        hdrs.UPGRADE,
    )
)
# Paths under /api that are another function's; they stay as they are.
_KEPT_PATHS = {"/api/v1/events/stream": "stream"}
# gunicorn ends an idle connection after 2 s: a connection that we end before is never lost under a request.
_KEEPALIVE_SECONDS = 1.0
_CONNECT_SECONDS = 5.0

FUNCTIONS: web.AppKey[Mapping[str, URL]] = web.AppKey("functions")
SESSION: web.AppKey[ClientSession] = web.AppKey("session")


class Route(NamedTuple):
    """The function that answers a request, and the path that it sees."""

    function: str
    path: str


def choose_route(path: str, functions: Iterable[str]) -> Route:
    """Choose the function for a raw path."""
    known = set(functions)
    for prefix, function in _KEPT_PATHS.items():
        if function in known and (path.rstrip("/") == prefix or path.startswith(f"{prefix}/")):
            return Route(function, path)
    first, _, rest = path.removeprefix("/").partition("/")
    if first in known - {"api"}:
        return Route(first, f"/{rest}")
    return Route("api", path)


def forwarded_headers(headers: Mapping[str, str], peer: str) -> CIMultiDict[str]:
    """Return the request headers to pass on, with the peer appended to X-Forwarded-For."""
    passed = end_to_end_headers(headers)
    chain = [*passed.popall(hdrs.X_FORWARDED_FOR, []), peer]
    passed[hdrs.X_FORWARDED_FOR] = ", ".join(chain)
    return passed


def end_to_end_headers(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Drop the headers of one connection, those that `Connection` names included."""
    kept = CIMultiDict(headers)
    named = {name.strip().lower() for value in kept.getall(hdrs.CONNECTION, []) for name in value.split(",")}
    for name in {name.lower() for name in kept} & (_HOP_BY_HOP | named):
        kept.popall(name)
    return kept


async def forward(request: web.Request) -> web.StreamResponse:
    """Pass one request to its function and the answer back."""
    functions = request.app[FUNCTIONS]
    route = choose_route(request.rel_url.raw_path, functions)
    target = URL(f"{functions[route.function].origin()}{route.path}", encoded=True)
    if request.rel_url.raw_query_string:
        target = URL(f"{target}?{request.rel_url.raw_query_string}", encoded=True)
    try:
        upstream = await request.app[SESSION].request(
            request.method,
            target,
            headers=forwarded_headers(request.headers, request.remote or "unknown"),
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        )
    except (ClientError, TimeoutError):
        return _bad_gateway(route.function)
    async with upstream:
        return await _pass_back(request, upstream)


async def _pass_back(request: web.Request, upstream: ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=end_to_end_headers(upstream.headers))
    await response.prepare(request)
    try:
        async for piece in upstream.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except (ClientError, ConnectionResetError, TimeoutError):
        # The head is out: only a broken connection tells the caller that the body is not whole.
        if request.transport:
            request.transport.abort()
    return response


def _bad_gateway(function: str) -> web.Response:
    problem = {
        "type": "about:blank",
        "title": "Bad Gateway",
        "status": web.HTTPBadGateway.status_code,
        "detail": f"The function {function} does not answer.",
        "code": "function_unavailable",
    }
    return web.json_response(problem, status=web.HTTPBadGateway.status_code, content_type="application/problem+json")


async def _with_session(app: web.Application) -> AsyncIterator[None]:
    session = ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_SECONDS),
        timeout=ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
    )
    async with session:
        app[SESSION] = session
        yield


def create_app(functions: Mapping[str, URL]) -> web.Application:
    """Return the gateway for these functions' base URLs; `api` must be among them."""
    app = web.Application()
    app[FUNCTIONS] = functions
    app.cleanup_ctx.append(_with_session)
    app.router.add_route("*", r"/{path:[\s\S]*}", forward)
    return app


def _parse_function(text: str) -> tuple[str, URL]:
    name, _, url = text.partition("=")
    return name, URL(url)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--function", type=_parse_function, action="append", required=True, metavar="NAME=URL")
    arguments = parser.parse_args()
    # A caller who goes away ends the request to the function too.
    web.run_app(
        create_app(dict(arguments.function)),
        host=arguments.host,
        port=arguments.port,
        handler_cancellation=True,
        shutdown_timeout=2.0,
        access_log=None,
        print=None,
        # What the caller encoded stays encoded: the function is to see the very body.
        auto_decompress=False,
    )


if __name__ == "__main__":
    main()
