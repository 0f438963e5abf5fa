"""The deployment's keys out of Secret Manager, cached for an instance's life, and the tenants' keys derived from them."""

from __future__ import annotations

import hashlib
import hmac
import threading

from fanfare.adapters.kms import CloudKms
from fanfare.adapters.secret_manager import GoogleSecretStore, SecretValue
from fanfare.domain.identifiers import decode_base64url

DATA_KEY = "fanfare-data-key"
BLIND_INDEX_KEY = "fanfare-blind-index-key"
RECEIPT_KEY = "fanfare-receipt-key"
CURSOR_KEY = "fanfare-cursor-key"
DEPLOYMENT_KEYS = (DATA_KEY, BLIND_INDEX_KEY, RECEIPT_KEY, CURSOR_KEY)
"""Secrets that a deployment creates: 32 random bytes each, as base64url text. With a key of Cloud KMS the data key is not needed."""


class DeploymentKeys:
    """Reads each key once per version. `kms` is what wraps data keys where no secret does."""

    def __init__(self, secrets: GoogleSecretStore, kms: CloudKms | None = None) -> None:
        self.kms = kms
        self._secrets = secrets
        self._cached: dict[tuple[str, str], SecretValue] = {}
        self._lock = threading.Lock()

    def key(self, name: str, version: str = "latest") -> SecretValue:
        """Return a key's bytes and version; Unavailable if Secret Manager does not answer and it was never read."""
        cached = self._cached.get((name, version))
        if cached is not None:
            return cached
        raw = self._secrets.access(name, version)
        key = SecretValue(raw.version, decode_base64url(raw.value.decode("ascii").strip().rstrip("=")))
        with self._lock:
            self._cached[name, version] = self._cached[name, key.version] = key
        return key

    def newest(self, name: str) -> SecretValue:
        """Ask for a key's newest version now, whatever was read before; Unavailable if Secret Manager does not answer."""
        return self.key(name, self._secrets.access(name).version)

    def newest_index_version(self) -> str:
        """The newest version of the blind index's secret at this moment: a tenant uses it from its next rotation on."""
        return self.newest(BLIND_INDEX_KEY).version

    def receipt_key(self, tenant: str) -> bytes:
        """The key of one tenant's receipt tokens: a token of one tenant proves nothing at another."""
        return derive(self.key(RECEIPT_KEY).value, f"receipt/{tenant}")

    def cursor_key(self) -> bytes:
        """The key of list cursors."""
        return self.key(CURSOR_KEY).value


def derive(key: bytes, purpose: str) -> bytes:
    """Derive a key of one purpose (one HMAC-SHA256 block, which is HKDF-Expand of 32 bytes, RFC 5869)."""
    return hmac.digest(key, purpose.encode("utf-8") + b"\x01", hashlib.sha256)
