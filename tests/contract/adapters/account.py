"""Service accounts as Google's console downloads them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key


def key_pem() -> str:
    """Make a private key."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def public_pem(private_key: str) -> str:
    """The public half of a key."""
    public = load_pem_private_key(private_key.encode("ascii"), password=None).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """An account of no real project."""

    private_key: str
    email: str = "firebase-adminsdk@acme-app.iam.gserviceaccount.com"
    token_uri: str = "https://oauth2.googleapis.com/token"

    @property
    def info(self) -> dict[str, Any]:
        """What its file says."""
        return {
            "type": "service_account",
            "project_id": "acme-app",
            "private_key_id": "1",
            "private_key": self.private_key,
            "client_email": self.email,
            "client_id": "0",
            "token_uri": self.token_uri,
        }

    @property
    def raw(self) -> bytes:
        """Its file."""
        return json.dumps(self.info).encode("ascii")
