"""Idempotency-Key: the first request under a key is performed, a repeat gets its answer again.

| stored under the key | request hash | decision |
|---|---|---|
| nothing | | perform |
| another body's hash | differs | IdempotencyMismatch (409) |
| an answer | equal | replay it |
| a reservation, lease running | equal | IdempotencyInProgress (409 with Retry-After) |
| a reservation, lease over (the instance died) | equal | perform: every write under it is idempotent by itself |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fanfare.domain.errors import IdempotencyInProgress, IdempotencyMismatch

KEPT = timedelta(hours=24)
RESERVATION_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request under a key: `key_hash` binds the key to client and route, `request_hash` to the body."""

    key_hash: str
    request_hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What is stored under a key. `status` is 0 while the first request is still being performed."""

    request_hash: str
    status: int
    body: Any
    reserved_at: datetime


def decide_replay(stored: StoredAnswer | None, attempt: Attempt) -> StoredAnswer | None:
    """Return the answer to replay, or None to perform the request; raises on a mismatch or while the first one runs."""
    if stored is None or attempt.at - stored.reserved_at > KEPT:
        return None
    if stored.request_hash != attempt.request_hash:
        raise IdempotencyMismatch("This Idempotency-Key was used with another request body.")
    if stored.status:
        return stored
    if attempt.at - stored.reserved_at < RESERVATION_LEASE:
        raise IdempotencyInProgress("The first request with this Idempotency-Key has not finished yet.")
    return None
