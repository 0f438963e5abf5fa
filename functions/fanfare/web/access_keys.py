"""With what a client comes: two headers, or on the daemon's routes its token alone, which names it.

| on a route | opens |
|---|---|
| any | `Client-ID` and `Client-Token` |
| marked `access_key` | also `X-Access-Key`, a Client-Token |
| marked `key_in_query` | also `?token=`, the same, where no header brings one |

A query stands in the logs of proxies, so that no other route takes anything from there; what is logged here names routes alone.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import Request

from fanfare.domain.client import named_client
from fanfare.domain.errors import InvalidRequest

HEADER = "X-Access-Key"
QUERY = "token"


class Presented(NamedTuple):
    """Who a caller says it is, and its token; both may be empty."""

    client_id: str
    token: str


def read_client(request: Request, *, access_key: bool = False, key_in_query: bool = False) -> Presented:
    """Read a client's credential; InvalidRequest for an access key beside the two headers, because it can't be told which is meant."""
    two_headers = Presented(request.headers.get("Client-ID", ""), request.headers.get("Client-Token", ""))
    key = request.headers.get(HEADER, "") if access_key else ""
    if key and any(two_headers):
        raise InvalidRequest.at(HEADER, "give either an access key or Client-ID and Client-Token, not both")
    if key_in_query and not key and not any(two_headers):
        key = request.args.get(QUERY, "")
    return Presented(named_client(key), key) if key else two_headers
