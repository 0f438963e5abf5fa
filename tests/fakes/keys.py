"""Keys that are the same in every run."""

from __future__ import annotations

import hashlib


class FixedReceiptKeys:
    """A key for each tenant."""

    def receipt_key(self, tenant: str) -> bytes:
        return hashlib.sha256(f"receipt/{tenant}".encode()).digest()


class FixedCursorKeys:
    """One key."""

    def __init__(self, key: bytes = b"a key of thirty-two bytes length") -> None:
        self._key = key

    def cursor_key(self) -> bytes:
        return self._key


class FixedIndexVersions:
    """A secret with some versions, of which a test says the newest."""

    def __init__(self, newest: str = "1") -> None:
        self.newest = newest

    def newest_index_version(self) -> str:
        return self.newest
