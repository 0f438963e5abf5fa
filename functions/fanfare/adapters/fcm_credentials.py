"""OAuth access tokens for the tenants' Firebase projects, from service accounts in Secret Manager."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from fanfare.adapters.google_errors import translated
from fanfare.adapters.secret_manager import GoogleSecretStore
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.tenant import Tenant

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
TIMEOUT_SECONDS = 10.0
"""google-auth would wait two minutes, longer than a chunk's lease."""


@dataclass(slots=True)
class _Account:
    credentials: Credentials
    lock: threading.Lock = field(default_factory=threading.Lock)


class FcmCredentials:
    """One access token per tenant and instance; google-auth renews it some minutes ahead of its end."""

    def __init__(self, secrets: GoogleSecretStore, token_uri: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._secrets = secrets
        self._token_uri = token_uri
        self._accounts: dict[str, _Account] = {}
        self._lock = threading.Lock()
        self._request = partial(Request(session=requests.Session()), timeout=timeout_seconds)

    def access_token(self, tenant: Tenant) -> str:
        """A valid access token for the tenant's project; Unavailable if none can be had now, CredentialRefused if its credential is no good."""
        account = self._account(tenant.credential_secret)
        with account.lock:
            if not account.credentials.valid:
                self._refresh(account.credentials)
            return str(account.credentials.token)

    def renew(self, tenant: Tenant) -> None:
        """Forget the tenant's token and credential: both are read again when they are needed next."""
        with self._lock:
            self._accounts.pop(tenant.credential_secret, None)

    def _refresh(self, credentials: Credentials) -> None:
        try:
            with translated("Google's token service"):
                credentials.refresh(self._request)
        except Unavailable as error:
            if isinstance(error.__cause__, RefreshError) and not error.__cause__.retryable:
                raise CredentialRefused("CREDENTIAL_REFUSED") from error
            raise
        except (TypeError, ValueError) as error:
            # google-auth takes whatever comes with status 200 for a token, such as the page of a proxy.
            raise Unavailable("Google's token service answers without a token.") from error

    def _account(self, secret: str) -> _Account:
        with self._lock:
            account = self._accounts.get(secret)
        if account is None:
            account = _Account(self._load(secret))
            with self._lock:
                account = self._accounts.setdefault(secret, account)
        return account

    def _load(self, secret: str) -> Credentials:
        try:
            return parse_credential(self._secrets.access(secret).value, self._token_uri)
        except (ValueError, RecursionError) as error:
            raise CredentialRefused("CREDENTIAL_UNUSABLE") from error


def parse_credential(raw: bytes, token_uri: str) -> Credentials:
    """Read a service account; ValueError if it is none.

    Its own `token_uri` is replaced by ours: a key's file must not choose where signed assertions are sent.
    """
    info: Any = json.loads(raw)
    if not isinstance(info, dict):
        raise ValueError("A service account is a JSON object.")  # noqa: TRY004 - the text is wrong, not the program
    credentials: Credentials = Credentials.from_service_account_info({**info, "token_uri": token_uri}, scopes=[SCOPE])
    return credentials
