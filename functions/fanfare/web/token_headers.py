"""`Client-Token-Expires`: when the token that a client came with ends, as an HTTP date (RFC 9110), as `Sunset` says it (RFC 8594).

It is on every answer from 14 days before that end on, so that whoever runs the client sees it in time, and a client can rotate itself.
"""

from __future__ import annotations

from datetime import datetime

from flask import Response
from werkzeug.http import http_date

from fanfare.domain.client import Client
from fanfare.domain.rotation import announced_end

HEADER = "Client-Token-Expires"


def add_token_headers(response: Response, client: Client | None, token: str, now: datetime) -> None:
    """Tell a client of its token's end; nothing where nobody is known, or the end is far away."""
    ends_at = announced_end(client, token, now) if client is not None else None
    if ends_at is not None:
        response.headers[HEADER] = http_date(ends_at)
