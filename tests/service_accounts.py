"""A service account as Google's console downloads it, with a key that was made for these tests and belongs to nobody."""

from __future__ import annotations

import base64
import textwrap
from typing import Any

RSA = bytes.fromhex("06092a864886f70d0101010500")


def element(tag: int, content: bytes) -> bytes:
    """Any element of DER, its length in the long form."""
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def a_number(bits: int) -> bytes:
    """An INTEGER of so many bits."""
    value = int.from_bytes((bytes(range(256)) * 32)[: bits // 8], "big") | 1 << (bits - 1)
    return element(0x02, value.to_bytes(bits // 8 + 1, "big"))


def rsa_numbers(modulus_bits: int = 2_048, prime_bits: int = 1_024) -> bytes:
    """An RSA private key's form (RFC 8017 A.1.2) around numbers that are none of any key."""
    numbers = [a_number(bits) for bits in (8, modulus_bits, 16, modulus_bits, prime_bits, prime_bits)]
    return element(0x30, b"".join(numbers))


def pkcs8(key: bytes, algorithm: bytes = RSA) -> bytes:
    """A key in its envelope (RFC 5208)."""
    return element(0x30, b"\x02\x01\x00" + element(0x30, algorithm) + element(0x04, key))


def pem(label: str = "PRIVATE KEY", der: bytes | None = None) -> str:
    """A key's text: of the right form, and no key."""
    der = pkcs8(rsa_numbers()) if der is None else der
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def a_service_account(project: str = "acme-app", **fields: Any) -> dict[str, Any]:
    """An account of a project; a field that is None is left out."""
    usual: dict[str, Any] = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "key-1",
        "private_key": pem(),
        "client_email": f"firebase-adminsdk@{project}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return {name: value for name, value in (usual | fields).items() if value is not None}
