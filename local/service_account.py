"""A service account of no project: real in its form, known to nobody but the local stack."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_KEY_BITS = 2048


def make_service_account(project: str, token_uri: str) -> dict[str, Any]:
    """Make what Google's console downloads for a service account, with a fresh key that `token_uri` accepts."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)
    email = f"firebase-adminsdk@{project}.iam.gserviceaccount.com"
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "local",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"),
        "client_email": email,
        "client_id": "0",
        "token_uri": token_uri,
    }
