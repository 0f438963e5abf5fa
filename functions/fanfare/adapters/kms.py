"""Google Cloud KMS over REST: it wraps and unwraps data keys under a key that never leaves it.

Google's own client would cost each cold start the import of one more gRPC service for two calls that are plain JSON (decision 0029).
"""

from __future__ import annotations

import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import google.auth
from google.auth.transport.requests import AuthorizedSession
from requests import Response, Session

from fanfare.adapters.cipher import Undecipherable
from fanfare.adapters.crc32c import crc32c
from fanfare.adapters.google_errors import translated
from fanfare.domain.errors import Unavailable

ENDPOINT = "https://cloudkms.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloudkms"
TIMEOUT_SECONDS = 5.0
"""For each of two attempts: together less than a chunk's lease, and than a caller of the API waits."""
_SERVICE = "Cloud KMS"
_DAMAGED = "What Cloud KMS answers has changed on its way."


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key that somebody has wrapped: `by` names a secret or a key of Cloud KMS, in full, and `version` its version."""

    sealed: bytes
    by: str
    version: str


def open_session() -> Session:
    """A session that carries the access tokens of the account that the function runs as."""
    credentials, _ = google.auth.default(scopes=[SCOPE])
    return AuthorizedSession(credentials, refresh_timeout=TIMEOUT_SECONDS)


class CloudKms:
    """Wraps with one key (`projects/…/cryptoKeys/…`; none if empty), unwraps with that one and with every other one of the project."""

    def __init__(self, key: str, project: str, *, endpoint: str = ENDPOINT, session: Callable[[], Session] = open_session) -> None:
        self.key = key
        self._project = project
        self._endpoint = endpoint
        self._open = session
        self._session: Session | None = None
        self._lock = threading.Lock()

    def wrap(self, plaintext: bytes, place: str) -> WrappedKey:
        """Wrap a data key with the key's primary version; `place` must be given again to unwrap. Unavailable if that can't be done now."""
        aad = place.encode("utf-8")
        sums = {"plaintextCrc32c": str(crc32c(plaintext)), "additionalAuthenticatedDataCrc32c": str(crc32c(aad))}
        answer = self._ask(f"{self.key}:encrypt", {"plaintext": _text(plaintext), "additionalAuthenticatedData": _text(aad), **sums})
        arrived = all(answer.get(name) is True for name in ("verifiedPlaintextCrc32c", "verifiedAdditionalAuthenticatedDataCrc32c"))
        _, _, version = str(answer.get("name")).rpartition("/cryptoKeyVersions/")
        if not arrived or not version.isdecimal():
            raise Unavailable(_DAMAGED)
        return WrappedKey(_checked(answer, "ciphertext"), self.key, version)

    def unwrap(self, wrapped: WrappedKey, place: str) -> bytes:
        """Undo `wrap`; Unavailable if that can't be done now, Undecipherable if the key, the place or the bytes are other ones."""
        if not self._may_use(wrapped.by):
            raise Unavailable("A data key is wrapped by a key that is not this deployment's.")
        body = {"ciphertext": _text(wrapped.sealed), "additionalAuthenticatedData": _text(place.encode("utf-8"))}
        return _checked(self._ask(f"{wrapped.by}:decrypt", body, place), "plaintext")

    def _may_use(self, key: str) -> bool:
        """Refuse keys of strangers: who can write the database, but has no key, could else put a data key there that only they had chosen."""
        own = rf"projects/{re.escape(self._project)}/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+"
        return (key != "" and key == self.key) or re.fullmatch(own, key, re.ASCII) is not None

    def _ask(self, action: str, body: Mapping[str, str], place: str | None = None) -> Mapping[str, Any]:
        """Post and read the answer, once more where nobody answers; a refusal of the bytes themselves at `place` is Undecipherable."""
        try:
            answer = self._post(action, body)
        except Unavailable:
            answer = self._post(action, body)
        with translated(_SERVICE):
            content = answer.json()
        if answer.status_code == HTTPStatus.OK and isinstance(content, dict):
            return content
        # A key that is disabled is HTTP 400 too, with another status; it may be enabled again.
        if place is not None and answer.status_code == HTTPStatus.BAD_REQUEST and _status_of(content) == "INVALID_ARGUMENT":
            raise Undecipherable(place)
        raise Unavailable(f"{_SERVICE} refuses with HTTP status {answer.status_code}.")

    def _post(self, action: str, body: Mapping[str, str]) -> Response:
        with translated(_SERVICE):
            answer = self._opened().post(f"{self._endpoint}/v1/{action}", json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise Unavailable(f"{_SERVICE} does not answer.")
        return answer

    def _opened(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = self._open()
            return self._session


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _checked(answer: Mapping[str, Any], name: str) -> bytes:
    """Bytes of an answer, compared with the checksum beside them."""
    try:
        data, told = b64decode(answer[name]), int(answer[f"{name}Crc32c"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(_DAMAGED) from error
    if crc32c(data) != told:
        raise Unavailable(_DAMAGED)
    return data


def _status_of(content: object) -> object:
    error = content.get("error") if isinstance(content, dict) else None
    return error.get("status") if isinstance(error, dict) else None
