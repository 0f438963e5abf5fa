"""Taking a person's name out of what is kept of a request to send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORGOTTEN = "(erased)"
"""Stands where an erased person's username stood."""


def without_username(request: Mapping[str, Any], username: str) -> dict[str, Any]:
    """A stored request without one of the usernames that it was addressed to; the rest, and how many it named, stays as it was said."""
    to = request.get("to")
    if not isinstance(to, Mapping) or username not in (to.get("usernames") or ()):
        return dict(request)
    return {**request, "to": {**to, "usernames": [FORGOTTEN if name == username else name for name in to["usernames"]]}}
