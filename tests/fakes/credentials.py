"""Credentials in memory, every version of each."""

from __future__ import annotations


class MemoryCredentialStore:
    def __init__(self) -> None:
        self.versions: dict[str, list[bytes]] = {}

    def store(self, name: str, value: bytes) -> None:
        self.versions.setdefault(name, []).append(value)
