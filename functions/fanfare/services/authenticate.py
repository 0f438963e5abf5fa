"""Who calls: the client behind a Client-ID and its token."""

from __future__ import annotations

from fanfare.domain.client import Client, is_token_valid
from fanfare.domain.errors import Unauthenticated
from fanfare.ports import Deps

REFUSED = "The Client-ID or the Client-Token is missing or not valid."


def authenticate_client(deps: Deps, client_id: str, token: str) -> Client:
    """Find the client; Unauthenticated says the same for an unknown client, a wrong token, an expired one and a revoked one."""
    client = deps.clients.get(client_id) if client_id and token else None
    if client is None or not is_token_valid(client, token, deps.clock.now()):
        raise Unauthenticated(REFUSED)
    return client
