"""What a Firebase ID token says, once its signature is known to be good (firebase.google.com/docs/auth/admin/verify-id-tokens).

| claim | must be |
|---|---|
| `aud` | the id of a Firebase project: it names the tenant |
| `iss` | `https://securetoken.google.com/` and the same id |
| `sub` | the user's uid, 1 to 128 visible characters |
| `exp` | later than now |
| `iat`, `auth_time` | not later than now |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fanfare.domain.identifiers import hash_identifier

ISSUER = "https://securetoken.google.com/"
SKEW = timedelta(seconds=5)
"""How far Google's clock may be ahead of ours or behind."""
LONGEST_TOKEN = 8_192
LONGEST_UID = 128
REFUSED = "The ID token is missing or not valid."
"""What everybody is told whose token is not taken, whatever is wrong with it."""


@dataclass(frozen=True, slots=True)
class TokenSubject:
    """A user of an app, as Firebase knows them."""

    project: str
    uid: str


@dataclass(frozen=True, slots=True)
class User:
    """A user of a tenant's app: may register, refresh and delete their own devices."""

    tenant: str
    uid: str

    @property
    def actor_id(self) -> str:
        """The name that the user's requests are counted and told under: with a colon, so that no client's id can be the same, and no uid to erase."""
        return f"user:{hash_identifier(self.uid)}"


def read_claims(claims: Mapping[str, object], now: datetime) -> TokenSubject | None:
    """Read whom a token is about; None if one of the claims is not as it must be."""
    project, uid = claims.get("aud"), claims.get("sub")
    if not isinstance(project, str) or not project or claims.get("iss") != ISSUER + project:
        return None
    # Lone surrogates and control characters are not printable: they could be neither stored nor shown.
    if not isinstance(uid, str) or not 0 < len(uid) <= LONGEST_UID or not uid.isprintable():
        return None
    return TokenSubject(project, uid) if _is_in_time(claims, now.timestamp()) else None


def _is_in_time(claims: Mapping[str, object], now: float) -> bool:
    expires, skew = _seconds(claims.get("exp")), SKEW.total_seconds()
    past = [_seconds(claims.get(name)) for name in ("iat", "auth_time")]
    return expires is not None and now < expires + skew and all(at is not None and at <= now + skew for at in past)


def _seconds(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
