"""Who did what: one entry of the audit log.

What a field held before and after stands in an entry only for the fields named here: anything else may be a secret, a target, a message or a
person's name, of which an entry says that it changed and not to what. Erasing a person therefore never has to touch the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from fanfare.domain.call import Actor
from fanfare.domain.event import Event

SHOWN = frozenset(
    {
        "active",
        "allowed_origins",
        "app_version",
        "auto_rotate_days",
        "channels",
        "config_version",
        "cors_origins",
        "default_ttl_seconds",
        "deleted_at",
        "ends_at",
        "events",
        "expires_at",
        "firebase_project_id",
        "inactive_reason",
        "inactive_since",
        "ip_allowlist",
        "keepalive",
        "limits",
        "locale",
        "max_occurrences",
        "model",
        "name",
        "next_run_at",
        "on_missed",
        "os_version",
        "paused",
        "platform",
        "previous_valid_until",
        "priority",
        "quota_per_minute",
        "retention_days",
        "revoked_at",
        "scopes",
        "silent",
        "state",
        "status",
        "status_reason",
        "syntax",
        "tags",
        "timezone",
        "topics",
        "ttl_seconds",
        "version",
        "zone",
    }
)
"""Fields whose values may stand in the audit log."""
IGNORED = frozenset({"listening", "revision", "spread", "topic_sync", "topics_check_at", "updated_at"})
"""Fields that change with every write and say nothing."""
HIDDEN = "(not shown)"
LONGEST_VALUE = 256


@dataclass(frozen=True, slots=True)
class Change:
    """What a field held before and after, in words; None where it held nothing."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What was done (`device.registered`), by whom, to which resources, what changed, and further facts, none of them a secret.

    `events` are what the same write tells to those who listen: they are stored in its commit, beside the entry.
    """

    action: str
    actor: Actor
    at: datetime
    resource_ids: tuple[str, ...] = ()
    changes: Mapping[str, Change] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @property
    def resource(self) -> str:
        """The kind of what was touched: the action's first word."""
        return self.action.partition(".")[0]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it is listed, by its id."""

    id: str
    entry: AuditEntry


Trail = Callable[[Any, Any], AuditEntry]
"""Makes the entry of one write out of what was stored before (None: nothing) and after (None: nothing any more)."""


def trail(action: str, actor: Actor, at: datetime, facts: Mapping[str, str] | None = None) -> Trail:
    """Make the trail of a write to one object; its id is read from the object itself."""

    def entry(before: Any, after: Any) -> AuditEntry:  # noqa: ANN401 - any of our objects
        return AuditEntry(action, actor, at, (_id_of(after if after is not None else before),), changes_between(before, after), facts or {})

    return entry


def changes_between(before: object | None, after: object | None) -> Mapping[str, Change]:
    """Compare two states of one object (a dataclass), field by field; None is an object that does not exist."""
    shape = after if after is not None else before
    found: dict[str, Change] = {}
    for name in (item.name for item in fields(shape)) if shape is not None else ():  # type: ignore[arg-type]
        was, is_now = getattr(before, name, None), getattr(after, name, None)
        if name not in IGNORED and was != is_now and not (_is_empty(was) and _is_empty(is_now)):
            found[name] = Change(_show(name, was), _show(name, is_now))
    return found


def _id_of(subject: object) -> str:
    return str(getattr(subject, "id", None) or getattr(subject, "name", ""))


def _show(name: str, value: object) -> str | None:
    if _is_empty(value):
        return None
    return _words(value)[:LONGEST_VALUE] if name in SHOWN else HIDDEN


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, (str, Sequence, Mapping, frozenset)) and not value)


def _words(value: object) -> str:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_words(item)}" for key, item in sorted(value.items()))
    if isinstance(value, (frozenset, set)):
        return ", ".join(sorted(map(_words, value)))
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_words, value))
    return str(value)
