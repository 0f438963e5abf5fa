"""Tokens by which an app may listen in Firestore: whom they are for, and what `firestore.rules` reads of them.

| claim | says |
|---|---|
| `tenant` | whose documents: those of no other tenant |
| `profile` | one profile, which sees what is public of its own notifications; without it, the tenant's notifications themselves |
| `until` | when it ends, in seconds since 1970: the session that the token opens would renew itself for ever |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fanfare.domain.identifiers import hash_identifier

LIFE = timedelta(hours=1)
"""Firebase takes no custom token that lives longer (firebase.google.com/docs/auth/admin/create-custom-tokens)."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is to listen: a profile's app, or (None) whoever watches over all of the tenant's notifications."""

    tenant: str
    profile_id: str | None = None

    @property
    def uid(self) -> str:
        """The user of Firebase Authentication that stands for it: always the same, and a hash, so that nobody is named there."""
        return f"fanfare-{hash_identifier('listener', self.tenant, *([self.profile_id] if self.profile_id is not None else []))}"


@dataclass(frozen=True, slots=True)
class CustomToken:
    """A signed token, and the Firebase project and database that it is for."""

    token: str
    project_id: str
    database: str


@dataclass(frozen=True, slots=True)
class StreamToken:
    """What an app signs in with. Both the token and what it opens end at `expires_at`."""

    custom: CustomToken
    expires_at: datetime


def claims_of(listener: Listener, expires_at: datetime) -> Mapping[str, str | int]:
    """What the rules are to know of a listener."""
    profile = {"profile": listener.profile_id} if listener.profile_id is not None else {}
    return {"tenant": listener.tenant, **profile, "until": int(expires_at.timestamp())}
