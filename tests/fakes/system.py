"""A clock that stands still and identifiers that count."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime, timedelta

from fanfare.domain.identifiers import encode_base64url

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class FixedClock:
    """Shows `at` until a test sets it or moves it on."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, step: timedelta) -> None:
        self.at += step


class SequentialIdentifiers:
    """Ids and secrets of the real shape, the same ones in every run; `chance` is what every draw of `jitter` gives."""

    def __init__(self, *, chance: float = 0.5) -> None:
        self.chance = chance
        self._numbers = itertools.count(1)

    def new_id(self) -> str:
        return encode_base64url(next(self._numbers).to_bytes(16, "big"))

    def jitter(self) -> float:
        return self.chance

    def new_secret(self) -> str:
        # Hashed, or a secret would hold the letters of an id: a search for what leaks would find it there.
        return encode_base64url(hashlib.sha256(next(self._numbers).to_bytes(32, "big")).digest())
