"""Refused authentications: how they are counted for the audit log, by client and minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fanfare.domain.identifiers import hash_identifier

UNKNOWN_CLIENT = "unknown"
"""Whoever names no client of ours: one counter for all of them, or guessing would write a document each."""
APP_USER = "user"
"""Whoever comes with an ID token that is not taken: one counter for all of them, because nothing in such a token is to be believed."""


APP_DEVICE = "device"
"""Whoever comes with a receipt that is not taken, likewise."""


class RefusalReason(StrEnum):
    """Why a caller was not let in. The caller itself is never told."""

    UNKNOWN_CLIENT = "unknown_client"
    WRONG_TOKEN = "wrong_token"  # noqa: S105 - a reason, not a secret
    GRACE_OVER = "grace_over"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ADDRESS = "address_not_allowed"
    SCOPE = "missing_scope"
    ID_TOKEN = "bad_id_token"  # noqa: S105 - a reason, not a secret
    PROJECT = "unknown_project"
    RECEIPT = "bad_receipt"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who was refused, and why; `tenant` is whose audit log tells of it."""

    tenant: str
    client_id: str
    reason: RefusalReason


def entry_id(client_id: str, minute: datetime) -> str:
    """The id of the entry that counts a client's refusals of one minute."""
    return hash_identifier("refusals", client_id, minute.isoformat())


def minute_of(at: datetime) -> datetime:
    """The minute that an instant lies in."""
    return at.replace(second=0, microsecond=0)
