"""Firebase ID tokens of the apps' users, verified without a network call per request."""

from __future__ import annotations

from collections.abc import Mapping

from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from fanfare.adapters.google_oidc import GoogleCertificates
from fanfare.domain.errors import Unauthenticated
from fanfare.domain.id_token import LONGEST_TOKEN, REFUSED, SKEW, TokenSubject, read_claims
from fanfare.ports import Clock

CERTIFICATES_URL = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
"""Of the keys that Firebase Authentication signs with, for every project the same."""


class FirebaseUserAuthenticator:
    """Accepts RS256 tokens that Google signed for any Firebase project; `unsigned` ones too where they are the Auth emulator's.

    google-auth, which the internal functions verify with, and not firebase-admin: its verifier wants an app for each project, and takes a token with
    any signature as soon as the emulator's variable is set.
    """

    def __init__(self, certificates: GoogleCertificates, clock: Clock, *, unsigned: bool) -> None:
        self._certificates = certificates
        self._clock = clock
        self._unsigned = unsigned

    def identify(self, token: str) -> TokenSubject:
        """Raise Unauthenticated unless the text is a valid ID token of some Firebase project, Unavailable if its signature can't be checked now."""
        claims = self._claims(token) if len(token) <= LONGEST_TOKEN else {}
        subject = read_claims(claims, self._clock.now())
        if subject is None:
            raise Unauthenticated(REFUSED)
        return subject

    def _claims(self, token: str) -> Mapping[str, object]:
        try:
            header = jwt.decode_header(token)
            claims: Mapping[str, object] = jwt.decode(token, verify=False) if self._is_emulators(header) else self._verified(token, header)
        except (ValueError, RecursionError, GoogleAuthError) as error:
            raise Unauthenticated(REFUSED) from error
        return claims

    def _is_emulators(self, header: Mapping[str, object]) -> bool:
        return self._unsigned and header.get("alg") == "none"

    def _verified(self, token: str, header: Mapping[str, object]) -> Mapping[str, object]:
        key_id = header.get("kid")
        # google-auth takes elliptic keys as well, and tries every certificate where no key is named.
        if header.get("alg") != "RS256" or not isinstance(key_id, str) or not key_id:
            raise Unauthenticated(REFUSED)
        verified: Mapping[str, object] = jwt.decode(token, certs=self._certificates.get(key_id), clock_skew_in_seconds=int(SKEW.total_seconds()))
        return verified
