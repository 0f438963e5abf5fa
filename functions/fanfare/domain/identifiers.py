"""Names that are computed, never drawn: the same facts give the same identifier on every attempt."""

from __future__ import annotations

import base64
import hashlib
import re

_IDENTIFIER = re.compile(r"(?!__.*__\Z)[A-Za-z0-9_-]{1,64}\Z")
"""Firestore keeps names that begin and end with two underscores for itself."""


def encode_base64url(raw: bytes) -> str:
    """Encode without padding: safe in URLs, JSON and Firestore document ids."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Decode what `encode_base64url` made; raises ValueError on anything else."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if encode_base64url(raw) != text:
        raise ValueError("has another spelling")
    return raw


def hash_identifier(*parts: str) -> str:
    """Hash facts into an id of 22 base64url characters (128 bits). Parts are length-prefixed, so that ("a", "bc") differs from ("ab", "c")."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    return encode_base64url(digest.digest()[:16])


def is_identifier(text: str) -> bool:
    """Tell whether `text` has the shape of one of our ids (and may therefore stand in a document path)."""
    return _IDENTIFIER.match(text) is not None
