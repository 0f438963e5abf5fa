"""Deployment keys and data keys that a test knows."""

from __future__ import annotations

import hashlib
from typing import Any, cast

from fanfare.adapters.deployment_keys import DeploymentKeys
from fanfare.adapters.secret_manager import SecretValue
from fanfare.domain.identifiers import encode_base64url
from fanfare.domain.tenant_keys import FIRST_INDEX_KEY, IndexKeys


class VersionedSecrets:
    """Secret Manager with a value that follows from a secret's name and version; `latest` is what the test says."""

    def __init__(self, latest: str = "1") -> None:
        self.latest = latest

    def access(self, name: str, version: str = "latest") -> SecretValue:
        found = self.latest if version == "latest" else version
        return SecretValue(found, encode_base64url(hashlib.sha256(f"{name}/{found}".encode()).digest()).encode())


def deployment_keys(latest: str = "1") -> DeploymentKeys:
    """The keys of a deployment whose secrets are at this version."""
    return DeploymentKeys(cast("Any", VersionedSecrets(latest)))


class IndexKeysInUse:
    """Every tenant's index keys, which a test may change."""

    def __init__(self, current: str = FIRST_INDEX_KEY, other: str | None = None) -> None:
        self.keys = IndexKeys(current, other)

    def index_keys(self, tenant: str) -> IndexKeys:
        return self.keys


class MemoryDataKeys:
    """Each tenant's data keys; `current_id` names the one that new values are sealed with."""

    def __init__(self) -> None:
        self.current_id = "key-1"

    def current(self, tenant: str) -> str:
        return self.current_id

    def key(self, tenant: str, key_id: str) -> bytes:
        return hashlib.sha256(f"{tenant}/{key_id}".encode()).digest()
