"""Documents of any kind in memory, and what ran over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fanfare.domain.migration import Migration, MigrationRecord
from fanfare.ports.migrations import StoredDocument


class MemoryMigrationStore:
    """`documents` holds fields by path; a path's last but one word is its collection. `written` counts the writes to each."""

    def __init__(self, documents: Mapping[str, Mapping[str, Any]], migrations: Sequence[Migration]) -> None:
        self.documents = {path: dict(fields) for path, fields in documents.items()}
        self.written: dict[str, int] = dict.fromkeys(documents, 0)
        self.records: dict[str, MigrationRecord] = {}
        self._migrations = migrations

    def migrations(self) -> Sequence[Migration]:
        return self._migrations

    def count(self, migration: Migration) -> int:
        return len(self._paths(migration))

    def read_page(self, migration: Migration, after: str | None, limit: int) -> Sequence[StoredDocument]:
        paths = [path for path in self._paths(migration) if after is None or path > after]
        return [StoredDocument(path, dict(self.documents[path]), self.written[path]) for path in paths[:limit]]

    def change(self, migration: Migration, document: StoredDocument, changes: Mapping[str, Any]) -> bool:
        if document.path not in self.documents:
            return False
        as_read = self.written[document.path] == document.revision
        self.documents[document.path].update(changes if as_read else migration.upgrade(self.documents[document.path]))
        self.written[document.path] += 1
        return True

    def get_records(self) -> Mapping[str, MigrationRecord]:
        return dict(self.records)

    def save_record(self, record: MigrationRecord) -> None:
        self.records[record.name] = record

    def _paths(self, migration: Migration) -> list[str]:
        def is_of(path: str) -> bool:
            words = path.split("/")
            return words[-2] == migration.collection and (migration.everywhere or len(words) == 2)

        return sorted(filter(is_of, self.documents))
