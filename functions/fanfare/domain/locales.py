"""Language tags: from `sw-TZ` one falls back to `sw`, and from there to what is said to everybody (RFC 4647, lookup)."""

from __future__ import annotations

from collections.abc import Collection


def normalize(tag: str) -> str:
    """Write a tag in one way: small letters and hyphens."""
    return tag.lower().replace("_", "-")


def fallbacks(tag: str) -> list[str]:
    """The tag and what it falls back to, the most general first: `sw`, `sw-tz`."""
    subtags = normalize(tag).split("-")
    return ["-".join(subtags[:length]) for length in range(1, len(subtags) + 1)]


def best_match(tag: str | None, known: Collection[str]) -> str | None:
    """The most special of the known tags (normalized ones) that serves a tag; None if none does."""
    found = [candidate for candidate in fallbacks(tag) if candidate in known] if tag else []
    return found[-1] if found else None
