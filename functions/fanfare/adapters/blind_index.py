"""Keyed hashes by which an encrypted value is found again: equal values of one tenant have equal hashes, and nothing else can be learned."""

from __future__ import annotations

import hashlib
import hmac

from fanfare.adapters.deployment_keys import BLIND_INDEX_KEY, DeploymentKeys, derive
from fanfare.domain.address import Address
from fanfare.domain.identifiers import encode_base64url
from fanfare.domain.target import Target

HASH_BYTES = 18


class BlindIndex:
    """Hashes with a key derived for each tenant. Every hash begins with its key's version, so that a rotated index is told apart."""

    def __init__(self, keys: DeploymentKeys) -> None:
        self._keys = keys

    def hash_target(self, tenant: str, target: Target) -> str:
        """Hash a target. Token and FID of one value are one target: during FCM's transition `token` also accepts a FID."""
        return self._hash(tenant, "target", target.value)

    def hash_address(self, tenant: str, address: Address) -> str:
        """Hash one name of a person."""
        return self._hash(tenant, address.kind, address.value)

    def hash_install(self, tenant: str, profile_id: str, device_id: str) -> str:
        """Hash the app's own device id within a profile. The profile's id has a fixed alphabet, so the slash is unambiguous."""
        return self._hash(tenant, "install", f"{profile_id}/{device_id}")

    def _hash(self, tenant: str, kind: str, value: str) -> str:
        key = self._keys.key(BLIND_INDEX_KEY)
        mac = hmac.digest(derive(key.value, f"index/{tenant}"), f"{kind}\0{value}".encode(), hashlib.sha256)
        return f"{key.version}.{encode_base64url(mac[:HASH_BYTES])}"
