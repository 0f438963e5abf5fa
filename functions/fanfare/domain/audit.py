"""Who did what: one entry of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What was done (`tenant.quarantined`), by whom (a client's id, or a function's name), and the facts, none of them a secret."""

    action: str
    actor: str
    at: datetime
    facts: Mapping[str, str]
