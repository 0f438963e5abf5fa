"""What the simulator remembers of one message and of one target."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from local.fcm.send_request import Target

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """One accepted message; `body` is the request as it came, `received_at` in seconds since the epoch."""

    name: str
    project: str
    target: Target
    validate_only: bool
    received_at: float
    http_version: str
    headers: Headers
    body: bytes

    def document(self) -> dict[str, object]:
        """Return the message as the admin API shows it."""
        return {
            "name": self.name,
            "project": self.project,
            "kind": self.target.kind,
            "target": self.target.value,
            "validate_only": self.validate_only,
            "received_at": self.received_at,
            "http_version": self.http_version,
            "headers": dict(self.headers),
            "message": json.loads(self.body)["message"],
        }


@dataclass(slots=True)
class TargetRecord:
    """What one target of one project was sent and answered; kept for every target, so it stays small."""

    project: str
    target: Target
    attempts: int = 0
    names: list[str] = field(default_factory=list)
    untagged: int = 0
    tags: list[tuple[str, str]] = field(default_factory=list)
    answers: int = 0
    last_status: int | None = None
    last_code: str | None = None

    def document(self) -> dict[str, object]:
        """Return the record as the admin API shows it."""
        tags: dict[str, list[str]] = {}
        for kind, value in self.tags:
            tags.setdefault(kind, []).append(value)
        last = None if self.last_status is None else {"status": self.last_status, "code": self.last_code}
        return {
            "project": self.project,
            "kind": self.target.kind,
            "target": self.target.value,
            "attempts": self.attempts,
            "accepted": len(self.names),
            "names": self.names,
            "answers": self.answers,
            "last_answer": last,
            "tags": tags,
            "untagged": self.untagged,
        }
