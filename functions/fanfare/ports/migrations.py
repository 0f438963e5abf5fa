"""The documents that a migration upgrades, and what is stored of it, as a Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fanfare.domain.migration import Migration, MigrationRecord


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One document: its path, its fields, and the store's mark of what was read."""

    path: str
    fields: Mapping[str, Any]
    revision: object = None


class MigrationStore(Protocol):
    """Documents of any kind, in the order of their paths."""

    def migrations(self) -> Sequence[Migration]:
        """Every migration of this version, the oldest first."""
        ...

    def count(self, migration: Migration) -> int:
        """About how many documents a migration looks through."""
        ...

    def read_page(self, migration: Migration, after: str | None, limit: int) -> Sequence[StoredDocument]:
        """Read at most `limit` documents after a path."""
        ...

    def change(self, migration: Migration, document: StoredDocument, changes: Mapping[str, Any]) -> bool:
        """Store what an upgrade changes, guarded by what was read; one that was written meanwhile is upgraded as it is then. False: it is gone."""
        ...

    def get_records(self) -> Mapping[str, MigrationRecord]:
        """What is stored of each migration that was begun, by name."""
        ...

    def save_record(self, record: MigrationRecord) -> None:
        """Store how far a migration is."""
        ...
