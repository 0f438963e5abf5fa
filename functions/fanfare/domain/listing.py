"""Pages of a list, and cursors that are signed and bound to their query."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Generic, TypeVar

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.identifiers import decode_base64url, encode_base64url, hash_identifier

T = TypeVar("T")
MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items, and the id after which the next page begins (None: this is the last)."""

    items: Sequence[T]
    next_after: str | None


def query_hash(tenant: str, resource: str, filters: object = None) -> str:
    """Name a query by its filters (a dataclass): a cursor of one query must not continue another."""
    given = asdict(filters) if is_dataclass(filters) and not isinstance(filters, type) else {}
    return hash_identifier(tenant, resource, *(f"{name}={value}" for name, value in given.items() if value is not None))


def encode_cursor(key: bytes, query: str, after: str) -> str:
    """Sign where a list goes on."""
    return encode_base64url(_mac(key, query, after) + after.encode("utf-8"))


def parse_cursor(key: bytes, query: str, cursor: str, *, field: str = "cursor") -> str:
    """Read a cursor of this very query, given in this field; InvalidRequest on anything else."""
    try:
        raw = decode_base64url(cursor)
        after = raw[MAC_BYTES:].decode("utf-8")
    except ValueError as error:
        raise InvalidRequest.at(field, "is not a cursor of this list") from error
    if not hmac.compare_digest(raw[:MAC_BYTES], _mac(key, query, after)):
        raise InvalidRequest.at(field, "is not a cursor of this list")
    return after


def _mac(key: bytes, query: str, after: str) -> bytes:
    return hmac.digest(key, f"{query} {after}".encode(), hashlib.sha256)[:MAC_BYTES]
