"""Encryption at rest: AES-256-GCM under a data key of the tenant, bound to the very document and field it stands in.

Layout of a ciphertext: format byte 1 · length of the key id · key id · 12 bytes nonce · sealed bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fanfare.domain.identifiers import is_identifier

FORMAT = 1
NONCE_BYTES = 12


class DataKeys(Protocol):
    """The tenants' data keys, unwrapped."""

    def current(self, tenant: str) -> str:
        """The id of the key that new values are sealed with."""
        ...

    def key(self, tenant: str, key_id: str) -> bytes:
        """The 32 bytes of a key."""
        ...


class Undecipherable(ValueError):
    """The stored bytes are not what this tenant's key sealed for this place."""


def seal(key: bytes, nonce: bytes, plaintext: bytes, place: str) -> bytes:
    """Encrypt and authenticate under a nonce that is never used twice; `place` must be given again to open."""
    return nonce + AESGCM(key).encrypt(nonce, plaintext, place.encode("utf-8"))


def unseal(key: bytes, sealed: bytes, place: str) -> bytes:
    """Undo `seal`; Undecipherable if the key, the place or the bytes are other ones."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode("utf-8"))
    except (InvalidTag, ValueError) as error:
        raise Undecipherable(place) from error


class FieldCipher:
    """Seals field values. `place` is `document/field` within the tenant: a ciphertext moved elsewhere does not open."""

    def __init__(self, keys: DataKeys, random_bytes: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._random_bytes = random_bytes

    def encrypt(self, tenant: str, place: str, plaintext: bytes) -> bytes:
        """Seal with the tenant's current key."""
        key_id = self._keys.current(tenant)
        raw_id = key_id.encode("ascii")
        header = bytes([FORMAT, len(raw_id)]) + raw_id
        return header + seal(self._keys.key(tenant, key_id), self._random_bytes(NONCE_BYTES), plaintext, f"{tenant}/{place}")

    def decrypt(self, tenant: str, place: str, ciphertext: bytes) -> bytes:
        """Open with the key that the ciphertext names."""
        if len(ciphertext) < 2 or ciphertext[0] != FORMAT:
            raise Undecipherable(place)
        end = 2 + ciphertext[1]
        key_id = ciphertext[2:end].decode("ascii", "replace")
        if not is_identifier(key_id):
            raise Undecipherable(place)
        return unseal(self._keys.key(tenant, key_id), ciphertext[end:], f"{tenant}/{place}")
