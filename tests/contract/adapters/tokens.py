"""OIDC tokens as Google signs them, and the certificates that vouch for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt

from local.cloud.identity.keys import SigningKey
from tests.contract.adapters.scripted import Reply

AUDIENCE = "https://send.example/"
ACCOUNT = "tasks@acme.iam.gserviceaccount.com"
ALLOWED = {"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True}


def seconds() -> int:
    """Now, in seconds since the epoch: google-auth looks at the real clock."""
    return int(datetime.now(UTC).timestamp())


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a token that `send` accepts; None leaves a claim out."""
    now = seconds()
    given = ALLOWED | {"iat": now, "exp": now + 3_600} | changed
    return {name: value for name, value in given.items() if value is not None}


@dataclass(slots=True)
class Issuer:
    """Google's signing keys, which come and go."""

    keys: list[SigningKey] = field(default_factory=lambda: [SigningKey()])
    max_age: int | None = 3_600

    def token(self, **changed: Any) -> str:
        """Sign with the newest key."""
        return self.keys[-1].sign(claims(**changed))

    def certificates(self, _asked: object) -> Reply:
        """Answer what Google's certificate service answers."""
        headers = {} if self.max_age is None else {"Cache-Control": f"public, max-age={self.max_age}, must-revalidate"}
        return Reply.of({key_id: pem for key in self.keys for key_id, pem in key.certificates().items()}, headers=headers)


def unsigned(**changed: Any) -> str:
    """A token of algorithm `none`."""
    return jwt.encode(claims(**changed), key=None, algorithm="none")
