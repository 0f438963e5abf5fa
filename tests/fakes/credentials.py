"""Credentials in memory: every version of each, and those that are disabled or destroyed."""

from __future__ import annotations


class MemoryCredentialStore:
    """`versions` keeps each secret's values, the first one being version 1; a destroyed one is empty."""

    def __init__(self) -> None:
        self.versions: dict[str, list[bytes]] = {}
        self.disabled: set[tuple[str, str]] = set()

    def enabled(self, name: str) -> list[str]:
        numbers = [str(number) for number, value in enumerate(self.versions.get(name, ()), 1) if value]
        return [number for number in numbers if (name, number) not in self.disabled]

    def store(self, name: str, value: bytes) -> str:
        self.versions.setdefault(name, []).append(value)
        return str(len(self.versions[name]))

    def destroy(self, name: str, version: str) -> None:
        self.versions[name][int(version) - 1] = b""

    def disable_older(self, name: str, version: str) -> None:
        self.disabled |= {(name, number) for number in self.enabled(name) if int(number) < int(version)}
