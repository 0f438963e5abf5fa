"""What every answer tells a browser: never guess, frame, embed, leak or run anything of it.

| header | why |
|---|---|
| `Content-Security-Policy` | JSON is no page: nothing in it may load or run; a page of ours brings a policy of its own |
| `Cross-Origin-Resource-Policy` | no other site may embed an answer; a script that CORS allows may read it |
| `Strict-Transport-Security` | only over TLS, where RFC 6797 wants it |
"""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.wrappers import Request, Response

NOTHING = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TWO_YEARS = "max-age=63072000; includeSubDomains"


def add_security_headers(request: Request, response: Response) -> None:
    """Put them on an answer; what a route has said about caching and content stays."""
    response.headers.update(_ALWAYS)
    response.headers.setdefault("Content-Security-Policy", NOTHING)
    response.headers.setdefault("Cache-Control", "no-store")
    if is_https(request):
        response.headers["Strict-Transport-Security"] = _TWO_YEARS


def is_https(request: Request) -> bool:
    """Tell whether the caller came over TLS, which ends at the proxy in front of us. Whoever forges the header cheats nobody but themselves."""
    return request.is_secure or request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower() == "https"
