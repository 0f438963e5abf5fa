"""Custom tokens that anybody can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from fanfare.domain.stream_token import CustomToken


class ReadableCustomTokens:
    """A token is JSON of what it says."""

    def mint(self, uid: str, claims: Mapping[str, str | int], *, issued_at: datetime, expires_at: datetime) -> CustomToken:
        said = {"uid": uid, "claims": dict(claims), "issued_at": issued_at.isoformat(), "expires_at": expires_at.isoformat()}
        return CustomToken(json.dumps(said), "our-project", "(default)")
