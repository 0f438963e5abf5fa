"""With what a client comes: two headers, or on the daemon's routes and for scrapers its token alone, which names it.

| on a route | opens |
|---|---|
| any | `Client-ID` and `Client-Token` |
| marked `access_key` | also `X-Access-Key`, a Client-Token |
| marked `bearer_token` | also `Authorization: Bearer`, the same: what scrapers can send |
| marked `key_in_query` | also `?token=`, the same, where no header brings one |

A query stands in the logs of proxies, so that no other route takes anything from there; what is logged here names routes alone.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import Request

from fanfare.domain.client import named_client
from fanfare.domain.errors import InvalidRequest

HEADER = "X-Access-Key"
BEARER = "Authorization"
QUERY = "token"


class Presented(NamedTuple):
    """Who a caller says it is, and its token; both may be empty."""

    client_id: str
    token: str


def read_client(request: Request, *, access_key: bool = False, key_in_query: bool = False, bearer_token: bool = False) -> Presented:
    """Read a client's credential; InvalidRequest for a token alone beside the two headers, because it can't be told which is meant."""
    two_headers = Presented(request.headers.get("Client-ID", ""), request.headers.get("Client-Token", ""))
    header, key = _token_alone(request, access_key=access_key, bearer_token=bearer_token)
    if key and any(two_headers):
        raise InvalidRequest.at(header, "give either a token alone or Client-ID and Client-Token, not both")
    if key_in_query and not key and not any(two_headers):
        key = request.args.get(QUERY, "")
    return Presented(named_client(key), key) if key else two_headers


def _token_alone(request: Request, *, access_key: bool, bearer_token: bool) -> tuple[str, str]:
    """The header in which a route takes a token by itself, and what it holds."""
    if access_key:
        return HEADER, request.headers.get(HEADER, "")
    return (BEARER, read_bearer(request) or "") if bearer_token else ("", "")


def read_bearer(request: Request) -> str | None:
    """The bearer token that a request came with; None if it came with none."""
    scheme, _, token = request.headers.get(BEARER, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
