"""The clock and the source of randomness: the only places where a run differs from another by itself."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from fanfare.domain.identifiers import encode_base64url


def random_bytes(length: int) -> bytes:
    """Draw bytes that nobody can guess."""
    return secrets.token_bytes(length)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)


class SystemIdentifiers:
    """The operating system's random generator."""

    def new_id(self) -> str:
        """An id of 22 base64url characters (128 random bits). The last one is A, Q, g or w: it is no name that Firestore keeps for itself."""
        return encode_base64url(secrets.token_bytes(16))

    def jitter(self) -> float:
        """A random number from 0 to 1."""
        return secrets.randbelow(1_000_001) / 1_000_000

    def new_secret(self) -> str:
        """A secret of 43 base64url characters (256 random bits)."""
        return encode_base64url(secrets.token_bytes(32))
