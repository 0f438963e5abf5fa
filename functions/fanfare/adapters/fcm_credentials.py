"""OAuth access tokens for the tenants' Firebase projects, from service accounts in Secret Manager.

| the token service answers | which means |
|---|---|
| 200 with a token | |
| 401, or 4xx with an OAuth error that is about the account (`REFUSALS`) | CredentialRefused: the tenant's breaker opens |
| anything else (429, 5xx, another 4xx, 200 without a token, nothing) | Unavailable: it is not the tenant's fault, and is tried again by a new task |
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

import requests
from cryptography.exceptions import UnsupportedAlgorithm
from google.auth.transport import Response
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from fanfare.adapters.google_errors import translated
from fanfare.adapters.secret_manager import GoogleSecretStore
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.tenant import Tenant

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
TIMEOUT_SECONDS = 10.0
"""google-auth would wait two minutes, longer than a chunk's lease."""
REFUSALS = frozenset({"invalid_grant", "invalid_client", "unauthorized_client", "disabled_client", "deleted_client"})
"""OAuth's errors that say that this account gets no token, whatever the time (rfc6749 5.2; developers.google.com/identity/protocols/oauth2)."""


class _Place(NamedTuple):
    """Which credential is meant, and since which version of its tenant's configuration: with the next one it is read again."""

    name: str
    version: str
    config_version: int


@dataclass(slots=True)
class _Account:
    credentials: Credentials
    lock: threading.Lock = field(default_factory=threading.Lock)


class FcmCredentials:
    """One access token per tenant's credential and instance; google-auth renews it some minutes ahead of its end.

    An instance that does not know yet that a credential was replaced goes on with the old one's token, for 60 seconds at the most.
    """

    def __init__(self, secrets: GoogleSecretStore, token_uri: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._secrets = secrets
        self._token_uri = token_uri
        self._accounts: dict[_Place, _Account] = {}
        self._lock = threading.Lock()
        self._timeout_seconds = timeout_seconds
        self._request = _TokenRequest(timeout_seconds)

    def access_token(self, tenant: Tenant) -> str:
        """A valid access token for the tenant's project; Unavailable if none can be had now, CredentialRefused if its credential is no good."""
        account = self._account(_place_of(tenant))
        # One thread asks and the others wait for its token; queued up behind a service that hangs, they would each wait its time again.
        if not account.lock.acquire(timeout=self._timeout_seconds):
            raise Unavailable("Google's token service does not answer.")
        try:
            if not account.credentials.valid:
                self._refresh(account.credentials)
            return str(account.credentials.token)
        finally:
            account.lock.release()

    def renew(self, tenant: Tenant) -> None:
        """Forget the tenant's token and credential: both are read again when they are needed next."""
        with self._lock:
            self._accounts.pop(_place_of(tenant), None)

    def _refresh(self, credentials: Credentials) -> None:
        try:
            with translated("Google's token service"):
                credentials.refresh(self._request)
        except (TypeError, ValueError) as error:
            # google-auth takes whatever comes with status 200 for a token, such as the page of a proxy.
            raise Unavailable("Google's token service answers without a token.") from error

    def _account(self, place: _Place) -> _Account:
        with self._lock:
            account = self._accounts.get(place)
        if account is None:
            account = _Account(self._load(place.name, place.version))
            with self._lock:
                account = self._accounts.setdefault(place, account)
                # Of a credential that was replaced no other version is needed any more; one that is, is read again.
                self._accounts = {kept: value for kept, value in self._accounts.items() if kept == place or kept.name != place.name}
        return account

    def _load(self, secret: str, version: str) -> Credentials:
        if not version:
            raise CredentialRefused("CREDENTIAL_MISSING")
        try:
            return parse_credential(self._secrets.access(secret, version).value, self._token_uri)
        except (ValueError, TypeError, AttributeError, RecursionError, UnsupportedAlgorithm) as error:
            # What a hand put into Secret Manager may be a key of any kind.
            raise CredentialRefused("CREDENTIAL_UNUSABLE") from error


def _place_of(tenant: Tenant) -> _Place:
    return _Place(tenant.credential_secret, tenant.credential_version or "", tenant.config_version)


class _TokenRequest(Request):
    """google-auth's transport, with our timeout, and with every answer but 200 judged at once: google-auth itself would sleep and ask again."""

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(session=requests.Session())
        self._timeout_seconds = timeout_seconds

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **options: object,
    ) -> Response:
        """Ask the token service; raises CredentialRefused or Unavailable for every answer but 200, GoogleAuthError if there is none."""
        response: Response = super().__call__(url, method, body, headers, timeout or self._timeout_seconds, **options)
        if response.status == HTTPStatus.OK:
            return response
        if is_refusal(response.status, response.data):
            raise CredentialRefused("CREDENTIAL_REFUSED")
        raise Unavailable("Google's token service does not answer.")


def is_refusal(status: int, body: bytes) -> bool:
    """Tell whether an answer of the token service says that the credential itself is no good."""
    if status == HTTPStatus.UNAUTHORIZED:
        return True
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    error = content.get("error") if isinstance(content, dict) else None
    is_client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS
    return is_client_error and isinstance(error, str) and error in REFUSALS


def parse_credential(raw: bytes, token_uri: str) -> Credentials:
    """Read a service account; ValueError if it is none.

    Its own `token_uri` is replaced by ours: a key's file must not choose where signed assertions are sent.
    """
    info: Any = json.loads(raw)
    if not isinstance(info, dict):
        raise ValueError("A service account is a JSON object.")  # noqa: TRY004 - the text is wrong, not the program
    credentials: Credentials = Credentials.from_service_account_info({**info, "token_uri": token_uri}, scopes=[SCOPE])
    return credentials
