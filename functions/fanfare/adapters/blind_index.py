"""Keyed hashes by which an encrypted value is found again: equal values of one tenant have equal hashes, and nothing else can be learned."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Protocol

from fanfare.adapters.deployment_keys import BLIND_INDEX_KEY, DeploymentKeys, derive
from fanfare.domain.address import Address
from fanfare.domain.identifiers import encode_base64url
from fanfare.domain.target import Target
from fanfare.domain.tenant_keys import IndexKeys

HASH_BYTES = 18


class KeysInUse(Protocol):
    """Which index keys a tenant uses."""

    def index_keys(self, tenant: str) -> IndexKeys:
        """The keys as they were at most 60 seconds ago; Unavailable if that can't be told."""
        ...


class KeyedHashes:
    """The hashes under one key of a tenant's index; each begins with the key's id, so that hashes of different keys are told apart."""

    def __init__(self, key_id: str, key: bytes) -> None:
        self.key_id = key_id
        self._key = key

    def of_target(self, target: Target) -> str:
        """Hash a target. Token and FID of one value are one target: during FCM's transition `token` also accepts a FID."""
        return self._hash("target", target.value)

    def of_address(self, address: Address) -> str:
        """Hash one name of a person."""
        return self._hash(address.kind, address.value)

    def of_install(self, profile_id: str, device_id: str) -> str:
        """Hash the app's own device id within a profile. The profile's id has a fixed alphabet, so the slash is unambiguous."""
        return self._hash("install", f"{profile_id}/{device_id}")

    def _hash(self, kind: str, value: str) -> str:
        mac = hmac.digest(self._key, f"{kind}\0{value}".encode(), hashlib.sha256)
        return f"{self.key_id}.{encode_base64url(mac[:HASH_BYTES])}"


class BlindIndex:
    """The tenants' indexes, each with keys of its own. While they are rotated, what is written goes under two of them."""

    def __init__(self, keys: DeploymentKeys, in_use: KeysInUse) -> None:
        self._keys = keys
        self._in_use = in_use

    def for_lookup(self, tenant: str) -> KeyedHashes:
        """The one key that everything is found by."""
        return self._under(tenant, self._in_use.index_keys(tenant).current)

    def for_writing(self, tenant: str) -> tuple[KeyedHashes, ...]:
        """Every key that what is written must be found by, the one for lookups first."""
        return self.under(tenant, self._in_use.index_keys(tenant).written)

    def under(self, tenant: str, key_ids: Iterable[str]) -> tuple[KeyedHashes, ...]:
        """The named keys."""
        return tuple(self._under(tenant, key_id) for key_id in key_ids)

    def _under(self, tenant: str, key_id: str) -> KeyedHashes:
        secret = self._keys.key(BLIND_INDEX_KEY, key_id.partition("-")[0])
        return KeyedHashes(key_id, derive(secret.value, f"index/{tenant}/{key_id}"))


def is_under(held: str, hashes: Iterable[KeyedHashes]) -> bool:
    """Tell whether a hash was made with one of these keys."""
    return held.partition(".")[0] in {each.key_id for each in hashes}
