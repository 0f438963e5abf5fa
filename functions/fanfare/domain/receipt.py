"""The signed token in each message with which its app reports "delivered" and "read"."""

from __future__ import annotations

import hashlib
import hmac

from fanfare.domain.identifiers import encode_base64url

MAC_BYTES = 16


def sign_receipt(key: bytes, notification_id: str, device_id: str) -> str:
    """Sign `{notification}.{device}.{mac}`; without a device (topic, condition) `{notification}.{mac}` names the message only.

    `key` is the tenant's, so a token of one tenant proves nothing at another.
    """
    subject = f"{notification_id}.{device_id}" if device_id else notification_id
    mac = hmac.digest(key, subject.encode("ascii"), hashlib.sha256)[:MAC_BYTES]
    return f"{subject}.{encode_base64url(mac)}"
