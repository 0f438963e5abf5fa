"""Custom tokens of Firebase Authentication, as a Protocol: for the project that our own database is in, not for the tenants' projects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from fanfare.domain.stream_token import CustomToken


class CustomTokens(Protocol):
    """Signs whoever an app is to sign in as."""

    def mint(self, uid: str, claims: Mapping[str, str | int], *, issued_at: datetime, expires_at: datetime) -> CustomToken:
        """Sign a token for a user, who is made at their first sign-in, with claims for the rules; Unavailable if it can't be signed now."""
        ...
