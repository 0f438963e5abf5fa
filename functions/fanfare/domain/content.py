"""What one recipient of many is told, where they are not all told the same."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.template import Said
from fanfare.domain.wording import Wording


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A message of its own: what it says itself, the template that words it with the values of its variables, and its whole life.

    Compared by identity, which costs nothing: rows that share a content share its rendering, and are packed with one copy of it.
    """

    own: Said
    ttl_seconds: int
    wording: Wording | None = None
