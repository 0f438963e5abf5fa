"""The end of a client's tokens: rotation with an overlap, expiry, revocation.

| event | what opens afterwards |
|---|---|
| rotation, overlap of n seconds | the new token; the one before it for n seconds, but never longer than it would have lived |
| a second rotation within the overlap | the new token and the one before it; the oldest no longer |
| revocation | nothing |

An instance may know a client as it was 60 seconds ago (ten minutes while Firestore does not answer), so every end takes effect within that time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fanfare.domain.client import Client, hash_token, is_same_hash
from fanfare.domain.errors import Conflict, Forbidden

EXPIRING = timedelta(days=14)
"""From so long before its end on, a client is told of it."""
DEFAULT_OVERLAP_SECONDS = 24 * 60 * 60
LONGEST_OVERLAP_SECONDS = 7 * 24 * 60 * 60


def token_expires_at(client: Client, token: str) -> datetime | None:
    """When the token ends that a client came with; None if it does not."""
    is_previous = client.previous_token_hash is not None and is_same_hash(client.previous_token_hash, hash_token(token))
    return client.previous_valid_until if is_previous else client.expires_at


def announced_end(client: Client, token: str, now: datetime) -> datetime | None:
    """The end that a caller is told with each answer; None while it is more than 14 days away."""
    ends_at = token_expires_at(client, token)
    return ends_at if ends_at is not None and ends_at <= now + EXPIRING else None


@dataclass(frozen=True, slots=True)
class Rotation:
    """A request for a new token: for how long the present one goes on, and the request's name if its repeat is to be known by it."""

    token_hash: str
    overlap: timedelta
    id: str | None = None


def rotated(client: Client, rotation: Rotation, now: datetime) -> Client:
    """Give a client a new token; Conflict if nothing could be opened with it."""
    if client.revoked_at is not None:
        raise Conflict("This client is revoked.")
    ends_at = client.expires_at if client.auto_rotate_days is None else now + timedelta(days=client.auto_rotate_days)
    if ends_at is not None and ends_at <= now:
        raise Conflict("This client has expired; give it another expires_at first.")
    grace_ends = min(now + rotation.overlap, client.expires_at or now + rotation.overlap)
    kept = client.token_hash if grace_ends > now else None
    return replace(
        client,
        token_hash=rotation.token_hash,
        rotation_id=rotation.id,
        previous_token_hash=kept,
        previous_valid_until=grace_ends if kept else None,
        expires_at=ends_at,
    )


def is_repeat(client: Client, rotation: Rotation, now: datetime) -> bool:
    """Tell whether this very rotation was stored before and its answer lost: the token that it gave is known to nobody."""
    in_overlap = client.previous_valid_until is not None and now < client.previous_valid_until
    return rotation.id is not None and client.rotation_id == rotation.id and in_overlap and client.revoked_at is None


def reissued(client: Client, rotation: Rotation) -> Client:
    """Answer a repeated rotation with another token; everything else stays as the first one made it."""
    return replace(client, token_hash=rotation.token_hash)


def check_present_token(client: Client, token: str) -> None:
    """Refuse that a client rotates itself with a token that was rotated out: whoever found an old one would take the client over."""
    if not is_same_hash(client.token_hash, hash_token(token)):
        raise Forbidden("A client rotates itself with its present token alone.", "admin")


def revoked(client: Client, now: datetime) -> Client | None:
    """Revoke a client for ever; None if it is revoked already."""
    return None if client.revoked_at is not None else replace(client, revoked_at=now)


def is_use_news(client: Client, now: datetime) -> bool:
    """Tell whether a client's use is worth noting: once a day (of UTC) is enough to see which clients nobody uses."""
    return client.last_used_at is None or client.last_used_at.date() < now.date()
