"""How a request came in: for which tenant, who makes it, from where, and under which ids."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fanfare.domain.receipt import Receipt


class ActorKind(StrEnum):
    """Who can act: an API client, an app's user (by a Firebase ID token), a device (by the receipt of a message), or one of our own functions."""

    CLIENT = "client"
    USER = "user"
    DEVICE = "device"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts and from where. `id` is a client's or a device's id, a hash of a user's uid or a function's name; `address` is an IP address."""

    kind: ActorKind
    id: str
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its tenant, who makes it, and the Idempotency-Key that it came with.

    `user` is the uid of the app's user who calls; None for a client, which may touch everything of its tenant. The uid stands here and not in the
    actor, because the audit log outlives the person. `receipt` is what a device calls by, which may touch nothing but itself.
    """

    tenant: str
    actor: Actor
    request_id: str
    idempotency_key: str | None = None
    user: str | None = None
    receipt: Receipt | None = None
