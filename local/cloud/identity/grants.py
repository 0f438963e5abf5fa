"""OAuth's JWT bearer grant: a service account trades a signed assertion for an access token."""

from __future__ import annotations

import jwt

from local.cloud.wire import Document


class InvalidGrant(Exception):
    """The assertion is malformed, has expired, or its signature is wrong."""


class ServiceAccounts:
    """Knows the public keys that were registered; an unknown issuer's signature is not checked."""

    def __init__(self) -> None:
        self._public_keys: dict[str, str] = {}

    def register(self, email: str, public_key_pem: str) -> None:
        """Check this account's signatures from now on."""
        self._public_keys[email] = public_key_pem

    def check_assertion(self, assertion: str, now: float) -> None:
        """Raise ``InvalidGrant`` unless the assertion is one that Google would take."""
        claims = _read_claims(assertion)
        for claim in ("iss", "aud", "scope", "exp"):
            if not claims.get(claim):
                raise InvalidGrant(f"Invalid JWT: {claim} is missing")
        expiry = claims["exp"]
        if isinstance(expiry, bool) or not isinstance(expiry, int | float) or expiry <= now:
            raise InvalidGrant("Invalid JWT: Token must be a short-lived token and in a reasonable timeframe")
        self._check_signature(assertion, str(claims["iss"]))

    def _check_signature(self, assertion: str, issuer: str) -> None:
        if issuer not in self._public_keys:
            return
        try:
            jwt.decode(assertion, self._public_keys[issuer], algorithms=["RS256"], options={"verify_aud": False, "verify_iat": False})
        except jwt.PyJWTError as error:
            raise InvalidGrant("Invalid JWT Signature.") from error


def _read_claims(assertion: str) -> Document:
    try:
        return dict(jwt.decode(assertion, options={"verify_signature": False}))
    except jwt.PyJWTError as error:
        raise InvalidGrant("Bad Request: the assertion is not a JWT of three parts") from error
