"""Firebase custom tokens, signed by Google for the account that the function runs as: no key is kept anywhere.

| where | signed |
|---|---|
| in the cloud | by the IAM service (the account needs the permission iam.serviceAccounts.signBlob on itself) |
| locally, for the Auth emulator | not at all, which is what the emulator wants |
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus

import google.auth
from google.auth import iam, jwt
from google.auth.credentials import Credentials
from google.auth.crypt import Signer
from google.auth.transport import Request, Response
from google.auth.transport import requests as transport

from fanfare.adapters.google_errors import translated
from fanfare.domain.errors import Unavailable
from fanfare.domain.stream_token import CustomToken

AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
EMULATED_ACCOUNT = "firebase-auth-emulator@example.com"
SCOPE = "https://www.googleapis.com/auth/iam"
TIMEOUT_SECONDS = 10.0
"""google-auth would wait two minutes."""
NO_SIGNATURE = "Google's signing service answers without a signature."
_SERVICE = "Google's signing service"


def open_account() -> Credentials:
    """The account that the function runs as."""
    credentials, _ = google.auth.default(scopes=[SCOPE])
    return credentials


class FirebaseCustomTokens:
    """Tokens for one project and its database; `unsigned` ones for the Auth emulator. The account is opened at the first token."""

    def __init__(
        self,
        project: str,
        database: str,
        *,
        unsigned: bool,
        request: Request | None = None,
        account: Callable[[], Credentials] = open_account,
    ) -> None:
        self._project = project
        self._database = database
        self._unsigned = unsigned
        self._request = request or partial(transport.Request(), timeout=TIMEOUT_SECONDS)
        self._account = account
        self._credentials: Credentials | None = None
        self._lock = threading.Lock()

    def mint(self, uid: str, claims: Mapping[str, str | int], *, issued_at: datetime, expires_at: datetime) -> CustomToken:
        """Sign a token for a user with claims for the rules; Unavailable if it can't be signed now."""
        times = {"iat": int(issued_at.timestamp()), "exp": int(expires_at.timestamp())}
        with translated(_SERVICE):
            signer, email, algorithm = self._signer()
            payload = {"iss": email, "sub": email, "aud": AUDIENCE, "uid": uid, **times, "claims": dict(claims)}
            token = _encode(signer, payload, {"alg": algorithm})
        if token.endswith(".") and not self._unsigned:
            raise Unavailable(NO_SIGNATURE)
        return CustomToken(token, self._project, self._database)

    def _signer(self) -> tuple[Signer, str, str]:
        if self._unsigned:
            return _NoSigner(), EMULATED_ACCOUNT, "none"
        credentials = self._opened()
        email = getattr(credentials, "service_account_email", None)
        if not email:
            raise Unavailable("This deployment runs as no service account, so that nobody can sign for it.")
        return iam.Signer(self._ask, credentials, email), email, "RS256"

    def _opened(self) -> Credentials:
        """The account, with its address: where it runs, that is known once its first access token is there."""
        with self._lock:
            if self._credentials is None:
                opened = self._account()
                opened.refresh(self._ask)
                self._credentials = opened
            return self._credentials

    def _ask(self, url: str, method: str = "GET", **options: object) -> Response:
        """Judge every answer at once: google-auth itself would sleep and ask again."""
        with translated(_SERVICE):
            response: Response = self._request(url=url, method=method, **options)
        if response.status == HTTPStatus.FORBIDDEN:
            raise Unavailable("Google does not let this deployment's account sign (docs/firestore-listeners.md says what it needs).")
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Unavailable(f"{_SERVICE} does not answer.")
        return response


def _encode(signer: Signer, payload: Mapping[str, object], header: dict[str, str]) -> str:
    try:
        encoded: bytes = jwt.encode(signer, payload, header=header)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # google-auth takes whatever comes with status 200 for a signature, such as the page of a proxy.
        raise Unavailable(NO_SIGNATURE) from error
    return encoded.decode("ascii")


class _NoSigner(Signer):
    """Signs by nothing."""

    @property
    def key_id(self) -> None:
        """There is no key."""
        return

    def sign(self, message: bytes) -> bytes:  # noqa: ARG002 - as the Auth emulator wants it
        """An empty signature."""
        return b""
