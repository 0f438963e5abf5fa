"""API clients as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fanfare.domain.client import Client
from fanfare.web.client_schemas import ScopeName
from fanfare.web.instants import show_time
from fanfare.web.schema import Out


class ClientOut(Out):
    """A client. Its token is shown where it is made and nowhere else; `defect` says what of a hand edit is not believed."""

    id: str
    name: str
    scopes: list[ScopeName]
    ip_allowlist: list[str]
    expires_at: datetime | None
    limits: dict[str, int]
    auto_rotate_days: int | None
    created_at: datetime
    revoked_at: datetime | None
    previous_valid_until: datetime | None
    last_used_at: datetime | None
    defect: str | None


class ClientWithToken(ClientOut):
    """A client with its new token, which can't be shown again."""

    token: str


class ClientPage(Out):
    """A page of clients."""

    items: list[ClientOut]
    next_cursor: str | None


def show_client(client: Client) -> dict[str, Any]:
    """A client as the API shows it."""
    return {
        "id": client.id,
        "name": client.name,
        "scopes": sorted(client.scopes),
        "ip_allowlist": list(client.ip_allowlist),
        "expires_at": show_time(client.expires_at),
        "limits": dict(client.limits),
        "auto_rotate_days": client.auto_rotate_days,
        "created_at": show_time(client.created_at),
        "revoked_at": show_time(client.revoked_at),
        "previous_valid_until": show_time(client.previous_valid_until),
        "last_used_at": show_time(client.last_used_at),
        "defect": client.defect,
    }


def show_with_token(made: tuple[Client, str]) -> dict[str, Any]:
    """A client as the answer to its making or its rotation shows it."""
    client, token = made
    return {**show_client(client), "token": token}
