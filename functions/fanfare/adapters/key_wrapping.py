"""What the tenants' data keys are wrapped by: a key of Cloud KMS where the deployment has one, else a secret of it.

Whatever is used for new ones, keys that were wrapped by the other one are opened: a deployment may change over while it runs.
"""

from __future__ import annotations

from collections.abc import Callable

from fanfare.adapters.cipher import NONCE_BYTES, seal, unseal
from fanfare.adapters.deployment_keys import DATA_KEY, DeploymentKeys
from fanfare.adapters.kms import WrappedKey
from fanfare.domain.errors import Unavailable


class KeyWrapping:
    """Wraps and unwraps data keys. `place` binds one to its very document: a wrapped key that is moved elsewhere does not open."""

    def __init__(self, keys: DeploymentKeys, random_bytes: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._kms = keys.kms if keys.kms is not None and keys.kms.key else None
        self._random_bytes = random_bytes

    def wrap(self, key: bytes, place: str) -> WrappedKey:
        """Wrap with the newest version of what is used now; Unavailable if that does not answer."""
        if self._kms is not None:
            return self._kms.wrap(key, place)
        wrapping = self._keys.newest(DATA_KEY)
        return WrappedKey(seal(wrapping.value, self._random_bytes(NONCE_BYTES), key, place), DATA_KEY, wrapping.version)

    def unwrap(self, wrapped: WrappedKey, place: str) -> bytes:
        """Undo `wrap`; Unavailable if whoever wrapped it does not answer, Undecipherable if the bytes or their place are other ones."""
        if wrapped.by == DATA_KEY:
            return unseal(self._keys.key(DATA_KEY, wrapped.version).value, wrapped.sealed, place)
        if self._keys.kms is None:
            raise Unavailable("A data key is wrapped by Cloud KMS, which this deployment does not use.")
        return self._keys.kms.unwrap(wrapped, place)

    def newest(self) -> tuple[str, str]:
        """What new data keys are wrapped by at this moment, and with which version."""
        if self._kms is not None:
            # Who may use a key may not look at it: which version is the primary one is told by what it wraps.
            return self._kms.key, self._kms.wrap(b"which version is this?", "nowhere").version
        return DATA_KEY, self._keys.newest(DATA_KEY).version
