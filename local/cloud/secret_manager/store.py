"""All secrets, by resource name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from local.cloud.errors import already_exists, invalid_argument, not_found
from local.cloud.secret_manager.secret import Secret
from local.cloud.wire import Document, section

_SECRET_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_OUTPUT_ONLY = frozenset({"name", "createTime", "etag"})


class SecretStore:
    """Makes, finds and removes secrets."""

    def __init__(self) -> None:
        self._secrets: dict[str, Secret] = {}

    def put(self, secrets: Iterable[Secret]) -> None:
        """Take secrets over as they are."""
        self._secrets |= {secret.name: secret for secret in secrets}

    def all(self) -> list[Secret]:
        """Return every secret of every project."""
        return list(self._secrets.values())

    def create(self, parent: str, secret_id: str, document: Document, now: float) -> Secret:
        """Make a secret without a version; 409 when it exists, 400 for a wrong id or no replication."""
        if not _SECRET_ID.fullmatch(secret_id):
            raise invalid_argument("secretId must be 1 to 255 letters, digits, hyphens and underscores")
        if not section(document, "replication"):
            raise invalid_argument("Secret.replication is required")
        name = f"{parent}/secrets/{secret_id}"
        if name in self._secrets:
            raise already_exists(f"Secret [{name}] already exists.")
        settings = {key: value for key, value in document.items() if key not in _OUTPUT_ONLY}
        self._secrets[name] = Secret(name, settings, now)
        return self._secrets[name]

    def find(self, name: str) -> Secret:
        """Return a secret, else 404."""
        if name not in self._secrets:
            raise not_found(f"Secret [{name}] not found.")
        return self._secrets[name]

    def within(self, parent: str) -> list[Secret]:
        """Return the secrets of a project."""
        return [secret for secret in self._secrets.values() if secret.name.startswith(f"{parent}/secrets/")]

    def delete(self, name: str) -> None:
        """Remove a secret with its versions."""
        self.find(name)
        del self._secrets[name]
