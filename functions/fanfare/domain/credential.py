"""A tenant's FCM credential: a Google service account, as its console downloads it.

What is kept of an uploaded one are the fields below and nothing else: `token_uri`, `universe_domain` and whatever else it may name would choose where
signed assertions are sent, and that is the deployment's to say.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.rsa_key import LARGEST_BITS, SMALLEST_BITS, has_rsa_form

LONGEST_KEY = 4_096
LONGEST_TEXT = 320
_OPTIONAL = ("private_key_id", "client_id")
_PROJECT = re.compile(r"(?:[a-z0-9.-]{1,64}:)?[a-z][a-z0-9-]{2,60}[a-z0-9]\Z")
_EMAIL = re.compile(r"[A-Za-z0-9._+-]{1,128}@[A-Za-z0-9.-]{1,190}\Z")
_PEM = re.compile(r"\s*-----BEGIN (RSA )?PRIVATE KEY-----\s([A-Za-z0-9+/=\s]+)-----END (RSA )?PRIVATE KEY-----\s*\Z")
_PLAIN = re.compile(r"[\x21-\x7e]{1,320}\Z")


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """An uploaded credential of the right shape; whether Google takes it is found out by asking."""

    project_id: str
    client_email: str
    fields: Mapping[str, str] = field(repr=False)

    def to_bytes(self) -> bytes:
        """What is stored in Secret Manager."""
        return json.dumps(dict(self.fields), sort_keys=True).encode("utf-8")


def is_project_id(text: str) -> bool:
    """Tell whether a text has the shape of a Google Cloud project's id."""
    return _PROJECT.match(text) is not None


def parse_service_account(given: object) -> ServiceAccount:
    """Check the shape of an uploaded credential; InvalidRequest names every wrong field, and none by its value."""
    if not isinstance(given, Mapping):
        raise InvalidRequest.at("credential", "must be the JSON object of a service account")
    errors = tuple(FieldError(f"credential.{name}", message) for name, (is_good, message) in _FIELDS.items() if not is_good(given.get(name)))
    errors += tuple(FieldError(f"credential.{name}", "must be a short text") for name in _OPTIONAL if name in given and not _is_plain(given[name]))
    if errors:
        raise InvalidRequest.of(errors)
    kept = {name: str(given[name]) for name in (*_FIELDS, *_OPTIONAL) if name in given}
    return ServiceAccount(kept["project_id"], kept["client_email"], kept)


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and _PLAIN.match(value) is not None


def _is_rsa_key(value: object) -> bool:
    found = _PEM.match(value) if isinstance(value, str) and len(value) <= LONGEST_KEY else None
    if found is None or found[1] != found[3]:
        return False
    try:
        raw = base64.b64decode("".join(found[2].split()), validate=True)
    except ValueError:
        return False
    return has_rsa_form(raw, wrapped=found[1] is None)


_FIELDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "type": (lambda value: value == "service_account", "must be service_account"),
    "project_id": (lambda value: isinstance(value, str) and is_project_id(value), "must be the id of a Google Cloud project"),
    "client_email": (lambda value: isinstance(value, str) and _EMAIL.match(value) is not None, "must be the account's e-mail address"),
    "private_key": (_is_rsa_key, f"must be an RSA private key of {SMALLEST_BITS} to {LARGEST_BITS} bits in PEM form"),
}
