"""An API client: who calls, for which tenant, and what it may do."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fanfare.domain.errors import Forbidden


class Scope(StrEnum):
    """What a client may do. `ADMIN` is the tenant's, `PLATFORM` creates tenants."""

    SEND = "send"
    READ = "read"
    DEVICES = "devices"
    TEMPLATES = "templates"
    WEBHOOKS = "webhooks"
    ADMIN = "admin"
    PLATFORM = "platform"


TENANT_SCOPES = frozenset(Scope) - {Scope.PLATFORM}


@dataclass(frozen=True, slots=True)
class Client:
    """A caller's identity as stored. Only hashes of its tokens are kept; `limits` are requests a minute by group."""

    id: str
    tenant: str
    name: str
    token_hash: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    limits: Mapping[str, int] = field(default_factory=dict)


def format_token(client_id: str, secret: str) -> str:
    """Build a Client-Token: its prefix names the client, so that a single header can authenticate."""
    return f"{client_id}.{secret}"


def hash_token(token: str) -> str:
    """Hash a Client-Token for storage. Plain SHA-256 suffices: a token carries 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_token_valid(client: Client, token: str, now: datetime) -> bool:
    """Tell whether `token` opens `client` now; takes the same time for every wrong token."""
    matches = hmac.compare_digest(client.token_hash, hash_token(token))
    expired = client.expires_at is not None and now >= client.expires_at
    return matches and not expired and client.revoked_at is None


def check_scope(client: Client, scopes: Collection[Scope]) -> None:
    """Refuse a client that has none of these scopes."""
    if client.scopes.isdisjoint(scopes):
        wanted = " or ".join(scopes)
        raise Forbidden(f"This client lacks the scope {wanted}.", wanted)
