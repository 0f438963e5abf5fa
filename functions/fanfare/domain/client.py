"""An API client: who calls, for which tenant, from where, and what it may do."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fanfare.domain.callers import is_in_ranges
from fanfare.domain.errors import Forbidden
from fanfare.domain.refusal import RefusalReason


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
    """A caller's identity as stored. Only hashes of its tokens are kept; `limits` are requests a minute by group.

    After a rotation the token before opens until `previous_valid_until`; `rotation_id` names the request that it was, so that its repeat is known.
    An empty `ip_allowlist` lets every address in. `defect` says what a hand edit broke: limits that can't be read are everybody's, and a client
    whose rights can't be read has none.
    """

    id: str
    tenant: str
    name: str
    token_hash: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    ip_allowlist: tuple[str, ...] = ()
    previous_token_hash: str | None = None
    previous_valid_until: datetime | None = None
    auto_rotate_days: int | None = None
    last_used_at: datetime | None = None
    rotation_id: str | None = None
    defect: str | None = None


def format_token(client_id: str, secret: str) -> str:
    """Build a Client-Token: its prefix names the client, so that a single header can authenticate."""
    return f"{client_id}.{secret}"


def named_client(token: str) -> str:
    """The id of the client that a Client-Token's prefix names; empty for one that names none, which opens with its Client-ID beside it alone."""
    client_id, separator, _ = token.partition(".")
    return client_id if separator else ""


def hash_token(token: str) -> str:
    """Hash a Client-Token for storage. Plain SHA-256 suffices: a token carries 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_same_hash(stored: str, given: str) -> bool:
    """Compare two hashes in the same time for every difference; a stored one may have been edited by hand into anything."""
    return hmac.compare_digest(stored.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass"))


def refusal_of(client: Client, token: str, address: str, now: datetime) -> RefusalReason | None:
    """Why a token does not open a client now, from this address; None if it does. Every wrong token takes the same time.

    What a wrong token is refused for does not depend on the client's state: nobody learns whether a client is revoked by guessing.
    """
    given = hash_token(token)
    is_current = is_same_hash(client.token_hash, given)
    is_previous = is_same_hash(client.previous_token_hash or "", given)
    if not (is_current or is_previous):
        return RefusalReason.WRONG_TOKEN
    if client.revoked_at is not None:
        return RefusalReason.REVOKED
    if client.expires_at is not None and now >= client.expires_at:
        return RefusalReason.EXPIRED
    if not is_current and (client.previous_valid_until is None or now >= client.previous_valid_until):
        return RefusalReason.GRACE_OVER
    if client.ip_allowlist and not is_in_ranges(address, client.ip_allowlist):
        return RefusalReason.ADDRESS
    return None


def check_scope(client: Client, scopes: Collection[Scope]) -> None:
    """Refuse a client that has none of these scopes."""
    if client.scopes.isdisjoint(scopes):
        wanted = " or ".join(scopes)
        raise Forbidden(f"This client lacks the scope {wanted}.", wanted)
