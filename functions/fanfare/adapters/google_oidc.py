"""OIDC tokens with which Cloud Tasks and Cloud Scheduler call the internal functions, verified without a network call per task."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from fanfare.adapters.google_errors import translated
from fanfare.domain.errors import Forbidden, Unauthenticated, Unavailable
from fanfare.ports import Clock

ISSUERS = frozenset({"https://accounts.google.com", "accounts.google.com"})
TIMEOUT_SECONDS = 10
MOST_REMEMBERED = 1_000
_MAX_AGE = re.compile(r"max-age=(\d+)")
_DEFAULT_MAX_AGE = 3_600
_REFETCH = timedelta(seconds=30)
"""While there are certificates, new ones are asked for at most this often, whatever unknown keys tokens name."""
_STALE = timedelta(minutes=10)
"""Certificates serve on for so long where new ones can't be had: a key's end is announced well ahead."""
_NEVER = datetime.min.replace(tzinfo=UTC)


class GoogleCertificates:
    """Google's signing certificates by key id, kept for as long as the answer's max-age says."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._session = requests.Session()
        self._lock = threading.Lock()
        self._certificates: Mapping[str, str] = {}
        self._asked_at = self._fresh_until = _NEVER

    def get(self, key_id: str) -> Mapping[str, str]:
        """The certificates, fetched again if they are old or do not hold `key_id`; Unavailable if they can't be had at all."""
        with self._lock:
            now = self._clock.now()
            usable = now < self._fresh_until + _STALE
            if not usable or (self._is_lacking(key_id, now) and now - self._asked_at > _REFETCH):
                self._asked_at = now
                try:
                    self._fetch(now)
                except Unavailable:
                    if not usable:
                        raise
            return self._certificates

    def _is_lacking(self, key_id: str, now: datetime) -> bool:
        return now >= self._fresh_until or key_id not in self._certificates

    def _fetch(self, now: datetime) -> None:
        with translated("Google's certificate service"):
            answer = self._session.get(self._url, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            self._certificates = answer.json()
        age = _MAX_AGE.search(answer.headers.get("Cache-Control", ""))
        self._fresh_until = now + timedelta(seconds=int(age[1]) if age else _DEFAULT_MAX_AGE)


@dataclass(frozen=True, slots=True)
class AllowedCaller:
    """Who may call one function: a service account, with a token made for this audience (the function's URL)."""

    audience: str
    service_account: str


class GoogleCallAuthenticator:
    """Accepts, for each internal function, tokens of one service account for its audience."""

    def __init__(self, certificates: GoogleCertificates, callers: Mapping[str, AllowedCaller], clock: Clock) -> None:
        self._certificates = certificates
        self._callers = callers
        self._clock = clock
        self._accepted: dict[tuple[str, str], float] = {}

    def authenticate(self, function: str, bearer: str) -> None:
        """Raise Unauthenticated unless the token is a valid one for this function, Forbidden unless its account may call it."""
        if self._accepted.get((function, bearer), 0) > self._clock.now().timestamp():
            return
        allowed = self._callers[function]
        claims = self._claims(bearer, allowed.audience)
        if claims.get("iss") not in ISSUERS:
            raise Unauthenticated("The token is not valid.")
        if claims.get("email") != allowed.service_account or claims.get("email_verified") is not True:
            raise Forbidden("This account may not call this function.")
        self._remember(function, bearer, claims)

    def _remember(self, function: str, bearer: str, claims: Mapping[str, object]) -> None:
        """Keep an accepted token until its end: Cloud Tasks reuses one for many tasks, and verifying a signature costs as much as three messages."""
        expires = claims.get("exp")
        if len(self._accepted) >= MOST_REMEMBERED:
            self._accepted.clear()
        self._accepted[function, bearer] = float(expires) if isinstance(expires, int | float) else 0.0

    def _claims(self, bearer: str, audience: str) -> Mapping[str, object]:
        try:
            key_id = str(jwt.decode_header(bearer).get("kid", ""))
            claims: Mapping[str, object] = jwt.decode(bearer, certs=self._certificates.get(key_id), audience=audience, clock_skew_in_seconds=5)
        except (ValueError, RecursionError, GoogleAuthError) as error:
            raise Unauthenticated("The token is not valid.") from error
        return claims
