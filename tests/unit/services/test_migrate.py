"""Migrations: every document comes to the present form once, wherever the run is broken off and whoever writes meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.migration import Migration, MigrationState
from fanfare.services.migrate import PAGE, migrate, pending_migrations
from tests.fakes import FixedClock
from tests.fakes.migrations import MemoryMigrationStore


def doubled(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {} if fields.get("form") == 2 else {"form": 2, "amount": fields["amount"] * 2}


DOUBLE = Migration("double", "Amounts are counted in halves.", "things", doubled)
LATER = Migration("later", "Nothing is left to do.", "things", doubled)


def things(number: int) -> dict[str, dict[str, Any]]:
    return {f"things/{index:06}": {"amount": index} for index in range(number)}


def store_of(number: int, *migrations: Migration) -> MemoryMigrationStore:
    return MemoryMigrationStore(things(number), migrations or (DOUBLE,))


def is_whole(store: MemoryMigrationStore) -> bool:
    return all(fields == {"form": 2, "amount": index * 2} for index, fields in enumerate(store.documents.values()))


@pytest.mark.parametrize("number", [0, 1, PAGE, PAGE + 1])
def test_every_document_is_upgraded_and_the_record_says_so(number: int) -> None:
    store = store_of(number)
    last = list(migrate(store, FixedClock()))[-1]
    assert is_whole(store)
    assert (last.record.state, last.record.seen, last.record.changed, last.total) == (MigrationState.DONE, number, number, number)
    assert store.records["double"] == last.record
    assert pending_migrations(store) == []
    assert list(migrate(store, FixedClock())) == []


def test_dry_run_changes_nothing_and_tells_what_would_change() -> None:
    store = store_of(PAGE + 2)
    last = list(migrate(store, FixedClock(), dry_run=True))[-1]
    assert (last.record.changed, store.records, store.documents) == (PAGE + 2, {}, things(PAGE + 2))


def test_migrations_run_one_after_the_other_and_each_upgrades_only_what_is_old() -> None:
    store = store_of(3, DOUBLE, LATER)
    shown = [(progress.migration.name, progress.record.changed) for progress in migrate(store, FixedClock())]
    assert shown == [("double", 3), ("later", 0)]
    assert set(store.written.values()) == {1}


def test_run_that_was_broken_off_goes_on_where_it_was() -> None:
    store = store_of(2 * PAGE + 1)
    next(migrate(store, FixedClock()))
    before = dict(store.written)
    progress = list(migrate(store, FixedClock()))
    assert is_whole(store)
    assert progress[0].record.seen == 2 * PAGE
    assert all(store.written[path] == 1 for path in before)


def test_run_that_died_before_it_could_note_its_page_upgrades_nothing_twice() -> None:
    store = store_of(PAGE)
    for document in store.read_page(DOUBLE, None, 7):
        assert store.change(DOUBLE, document, doubled(document.fields))
    list(migrate(store, FixedClock()))
    assert is_whole(store)


def test_document_that_somebody_writes_meanwhile_is_upgraded_as_it_is_then() -> None:
    store = store_of(1)
    [document] = store.read_page(DOUBLE, None, 1)
    store.documents["things/000000"]["amount"] = 50
    store.written["things/000000"] += 1
    assert store.change(DOUBLE, document, doubled(document.fields))
    assert store.documents["things/000000"] == {"form": 2, "amount": 100}


@given(st.lists(st.integers(1, 3), max_size=6), st.integers(0, 2 * PAGE + 5))
def test_wherever_runs_are_broken_off_all_is_upgraded_once(stops: list[int], number: int) -> None:
    store = store_of(number)
    for pages in stops:
        for _, _ in zip(range(pages), migrate(store, FixedClock()), strict=False):
            pass
    list(migrate(store, FixedClock()))
    assert is_whole(store)
    assert set(store.written.values()) <= {1}
