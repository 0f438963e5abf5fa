"""Bringing stored documents to the form that the present code writes, while old and new instances serve.

Readers take the present form and the one before it (data-model.md), so a migration may take its time, be broken off, and run twice. It upgrades what
it finds page by page; a document that somebody writes meanwhile is read again. What ran stands in `meta/migrations`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

Upgrade = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Returns the fields of a document that change; none if it is of the new form already."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of form: permanent name, what it is for, which documents (a collection, or all of that name wherever they stand)."""

    name: str
    purpose: str
    collection: str
    upgrade: Upgrade
    everywhere: bool = False


class MigrationState(StrEnum):
    """How far a migration is."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class MigrationRecord:
    """What is stored of a migration: up to which document (its path) it has come, how many it has seen and changed."""

    name: str
    state: MigrationState
    started_at: datetime
    after: str | None = None
    seen: int = 0
    changed: int = 0
    completed_at: datetime | None = None


def begun(record: MigrationRecord | None, name: str, now: datetime) -> MigrationRecord:
    """Go on where a migration was broken off, or begin it."""
    return record or MigrationRecord(name, MigrationState.RUNNING, now)


def advanced(record: MigrationRecord, *, seen: int, changed: int, last: str | None, now: datetime) -> MigrationRecord:
    """Note a page; without a last document there is no more."""
    if last is None:
        return replace(record, seen=record.seen + seen, changed=record.changed + changed, state=MigrationState.DONE, completed_at=now)
    return replace(record, seen=record.seen + seen, changed=record.changed + changed, after=last)
