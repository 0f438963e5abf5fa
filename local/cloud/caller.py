"""Calls handlers over HTTP, with an OIDC bearer and a deadline."""

from __future__ import annotations

import time
from collections.abc import Mapping

import aiohttp

from local.cloud.answers import Answer, parse_retry_after
from local.cloud.identity.tokens import OidcIssuer
from local.cloud.outbound import HttpTarget

# Shorter than what common servers keep an idle connection for (gunicorn: 2 s), so that a call never races with the server's close.
_KEEP_IDLE_SECONDS = 1.0


class HttpCaller:
    """One pooled HTTP client; must be made inside the running event loop and closed."""

    def __init__(self, issuer: OidcIssuer) -> None:
        self._issuer = issuer
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Content-Type", "Accept", "Accept-Encoding"),
        )

    async def send(self, target: HttpTarget, headers: Mapping[str, str], deadline_seconds: float) -> Answer:
        """Make the request once; a failure to get an answer is an ``Answer`` too."""
        sent = {**target.headers, **headers, **self._authorization(target)}
        timeout = aiohttp.ClientTimeout(total=deadline_seconds)
        try:
            async with self._session.request(
                target.method, target.url, data=target.body or None, headers=sent, timeout=timeout, allow_redirects=False
            ) as response:
                await response.read()
                wait = parse_retry_after(response.headers.get("Retry-After"), time.time())
                return Answer(response.status, f"HTTP status code {response.status}", wait)
        except TimeoutError:
            return Answer(None, "the handler did not answer before the deadline", timed_out=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, f"no answer: {type(error).__name__}")

    def _authorization(self, target: HttpTarget) -> dict[str, str]:
        if target.email is None:
            return {}
        return {"Authorization": f"Bearer {self._issuer.token(target.email, target.audience, time.time())}"}

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
