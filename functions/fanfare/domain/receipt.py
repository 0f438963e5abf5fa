"""The signed token in each message with which its app reports "delivered" and "read"."""

from __future__ import annotations

import hashlib
import hmac
from binascii import b2a_base64
from dataclasses import dataclass

from fanfare.domain.identifiers import encode_base64url, is_identifier

MAC_BYTES = 16


def sign_receipt(key: bytes, notification_id: str, device_id: str) -> str:
    """Sign `{notification}.{device}.{mac}`; without a device (topic, condition) `{notification}.{mac}` names the message only.

    `key` is the tenant's, so a token of one tenant proves nothing at another.
    """
    subject = f"{notification_id}.{device_id}" if device_id else notification_id
    mac = hmac.digest(key, subject.encode("ascii"), hashlib.sha256)[:MAC_BYTES]
    return f"{subject}.{encode_base64url(mac)}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a token proves: that its bearer was sent this message on this device; without a device, that somebody was."""

    notification_id: str
    device_id: str | None


def read_receipt(key: bytes, token: str) -> Receipt | None:
    """Verify a token, in a time that does not depend on how much of it is right; None for anything that the tenant's key has not signed."""
    names = token.split(".")[:-1]
    if not token.isascii() or not 1 <= len(names) <= _MOST_NAMES or not all(map(is_identifier, names)):
        return None
    notification_id, device_id = names[0], (names[1] if len(names) == _MOST_NAMES else "")
    if not hmac.compare_digest(sign_receipt(key, notification_id, device_id), token):
        return None
    return Receipt(notification_id, device_id or None)


_MOST_NAMES = 2
_BLOCK = 64
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_MAC_CHARACTERS = 22


class ReceiptSigner:
    """`sign_receipt` for the many devices of one notification: HMAC's two keyed states are computed once and copied."""

    def __init__(self, key: bytes, notification_id: str) -> None:
        self._key, self._notification_id = key, notification_id
        padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._prefix = f"{notification_id}."
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + self._prefix.encode("ascii"))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def sign(self, device_id: str) -> str:
        """Sign for one device, or for the message alone where there is none (a topic or a condition)."""
        if not device_id:
            return sign_receipt(self._key, self._notification_id, "")
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(device_id.encode("ascii"))
        outer.update(inner.digest())
        mac = b2a_base64(outer.digest()[:MAC_BYTES], newline=False)[:_MAC_CHARACTERS].translate(_URLSAFE).decode("ascii")
        return f"{self._prefix}{device_id}.{mac}"
