"""`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers, structured fields): the policy's name is the group of routes."""

from __future__ import annotations

from flask import Response

from fanfare.domain.limits import WINDOW, Usage


def add_rate_headers(response: Response, usage: Usage | None) -> None:
    """Tell a caller of its limit; nothing where it was not counted."""
    if usage is not None:
        response.headers["RateLimit-Policy"] = f'"{usage.group}";q={usage.limit};w={int(WINDOW.total_seconds())}'
        response.headers["RateLimit"] = f'"{usage.group}";r={usage.remaining};t={usage.reset_seconds}'
