"""Cloud KMS of a test's own: what `:encrypt` and `:decrypt` of its REST interface do, with real ciphertexts of AES-GCM."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from requests import Session

from fanfare.adapters.crc32c import crc32c
from fanfare.adapters.kms import CloudKms
from tests.contract.adapters.scripted import Asked, Reply, ScriptedServer

PROJECT = "our-project"
KEY = f"projects/{PROJECT}/locations/global/keyRings/fanfare/cryptoKeys/data-keys"
_NONCE_BYTES = 12
_VERSION_BYTES = 4


@dataclass
class KmsKey:
    """A key with its versions, the newest of which is the primary one; `disabled` are those that nobody may use."""

    versions: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    disabled: set[int] = field(default_factory=set)

    def rotate(self) -> None:
        """Make a new version the primary one, as KMS does by itself every 90 days."""
        self.versions.append(os.urandom(32))


class StandInKms:
    """Answers at a scripted server; `fault`, if it is set, is asked first and may answer instead."""

    def __init__(self, server: ScriptedServer) -> None:
        self.keys: dict[str, KmsKey] = {KEY: KmsKey()}
        self.fault: Callable[[Asked], Reply | None] = lambda _asked: None
        self._server = server
        server.reply = lambda asked: self.fault(asked) or self.answer(asked)

    def client(self, key: str = KEY, project: str = PROJECT) -> CloudKms:
        """What an instance of a deployment with this key uses."""
        return CloudKms(key, project, endpoint=self._server.url, session=Session)

    @property
    def asked(self) -> list[str]:
        """What was done, in order: `encrypt` or `decrypt`."""
        return [asked.path.rpartition(":")[2] for asked in self._server.asked]

    def down(self, status: int = 503) -> None:
        """Answer nothing but this from now on."""
        self.fault = lambda _asked: refusal(status, "UNAVAILABLE")

    def up(self) -> None:
        """Answer again."""
        self.fault = lambda _asked: None

    def answer(self, asked: Asked) -> Reply:
        """What KMS itself would say."""
        name, _, action = asked.path.removeprefix("/v1/").rpartition(":")
        body = json.loads(asked.body)
        key = self.keys.get(name)
        if asked.method != "POST" or key is None:
            return refusal(404, "NOT_FOUND")
        return _encrypt(name, key, body) if action == "encrypt" else _decrypt(key, body)


def refusal(status: int, word: str) -> Reply:
    """An error as Google's interfaces put it."""
    return Reply.of({"error": {"code": status, "status": word, "message": "no"}}, status=status)


def _encrypt(name: str, key: KmsKey, body: Mapping[str, str]) -> Reply:
    number = len(key.versions)
    if number in key.disabled:
        return refusal(400, "FAILED_PRECONDITION")
    plaintext, aad = b64decode(body["plaintext"]), b64decode(body["additionalAuthenticatedData"])
    if body["plaintextCrc32c"] != str(crc32c(plaintext)) or body["additionalAuthenticatedDataCrc32c"] != str(crc32c(aad)):
        return refusal(400, "INVALID_ARGUMENT")
    nonce = os.urandom(_NONCE_BYTES)
    sealed = number.to_bytes(_VERSION_BYTES) + nonce + AESGCM(key.versions[-1]).encrypt(nonce, plaintext, aad)
    verified = {"verifiedPlaintextCrc32c": True, "verifiedAdditionalAuthenticatedDataCrc32c": True}
    return Reply.of({"name": f"{name}/cryptoKeyVersions/{number}", **_checked("ciphertext", sealed), **verified, "protectionLevel": "SOFTWARE"})


def _decrypt(key: KmsKey, body: Mapping[str, str]) -> Reply:
    sealed, aad = b64decode(body["ciphertext"]), b64decode(body["additionalAuthenticatedData"])
    number, rest = int.from_bytes(sealed[:_VERSION_BYTES]), sealed[_VERSION_BYTES:]
    if number in key.disabled:
        return refusal(400, "FAILED_PRECONDITION")
    try:
        plaintext = AESGCM(key.versions[number - 1]).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], aad)
    except (InvalidTag, IndexError, ValueError):
        return refusal(400, "INVALID_ARGUMENT")
    return Reply.of({**_checked("plaintext", plaintext), "usedPrimary": number == len(key.versions), "protectionLevel": "SOFTWARE"})


def _checked(name: str, data: bytes) -> dict[str, str]:
    return {name: b64encode(data).decode("ascii"), f"{name}Crc32c": str(crc32c(data))}
