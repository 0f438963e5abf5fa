"""Running the migrations that have not run yet, oldest first, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from fanfare.domain.migration import Migration, MigrationRecord, MigrationState, advanced, begun
from fanfare.ports.migrations import MigrationStore
from fanfare.ports.outside import Clock

PAGE = 300


@dataclass(frozen=True, slots=True)
class MigrationProgress:
    """How far a migration is, and about how many documents it looks through in all."""

    migration: Migration
    record: MigrationRecord
    total: int


def pending_migrations(store: MigrationStore) -> Sequence[Migration]:
    """The migrations that have not come to their end."""
    records = store.get_records()
    return [migration for migration in store.migrations() if (found := records.get(migration.name)) is None or found.state is not MigrationState.DONE]


def migrate(store: MigrationStore, clock: Clock, *, dry_run: bool = False) -> Iterator[MigrationProgress]:
    """Run every pending migration, saying after each page how far it is. Broken off, it goes on there; run twice at once, it is harmless.

    A dry run reads from the beginning, changes and stores nothing, and counts what would change.
    """
    for migration in pending_migrations(store):
        yield from _run(store, clock, migration, dry_run=dry_run)


def _run(store: MigrationStore, clock: Clock, migration: Migration, *, dry_run: bool) -> Iterator[MigrationProgress]:
    stored = None if dry_run else store.get_records().get(migration.name)
    record, total = begun(stored, migration.name, clock.now()), store.count(migration)
    while record.state is MigrationState.RUNNING:
        record = _page(store, migration, record, clock.now(), dry_run=dry_run)
        if not dry_run:
            store.save_record(record)
        yield MigrationProgress(migration, record, total)


def _page(store: MigrationStore, migration: Migration, record: MigrationRecord, now: datetime, *, dry_run: bool) -> MigrationRecord:
    page = store.read_page(migration, record.after, PAGE)
    changed = 0
    for document in page:
        changes = migration.upgrade(document.fields)
        changed += bool(changes) and (dry_run or store.change(migration, document, changes))
    last = page[-1].path if len(page) == PAGE else None
    return advanced(record, seen=len(page), changed=changed, last=last, now=now)
