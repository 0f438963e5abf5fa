"""The real migrations on the emulator: documents of the form before become what the present mappers write, and both are read meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.cloud.firestore import DELETE_FIELD
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.migrations import MIGRATIONS, FirestoreMigrationStore
from fanfare.adapters.system import SystemIdentifiers
from fanfare.domain.migration import MigrationState
from fanfare.domain.notification import Counts
from fanfare.services.migrate import migrate, pending_migrations
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import a_notification, a_tenant
from tests.fakes import FixedClock


@pytest.fixture
def firestore(emulator: str, project_id: str) -> Iterator[Firestore]:
    opened = open_firestore(emulator, project_id)
    yield opened
    opened.close()


@pytest.fixture
def stores(firestore: Firestore) -> Stores:
    """A tenant and a notification as a version before wrote them."""
    kept = real_stores(firestore)
    kept.tenants.create(a_tenant(id="acme"))
    kept.notifications.accept(replace(a_notification(tenant="acme", id="n1"), counts=Counts(targeted=3, sent=2, failed=1)), [])
    firestore.document("tenants/acme").update({"listening": DELETE_FIELD})
    firestore.document("tenants/acme/notifications/n1").update({"counts": {"targeted": 3, "sent": 2, "failed": 1, "retrying": 0, "unsent": 0}})
    return kept


def fields(firestore: Firestore, path: str) -> dict[str, Any]:
    return firestore.document(path).get().to_dict() or {}


def test_stored_documents_get_the_present_form_and_read_the_same_before_and_after(firestore: Firestore, stores: Stores) -> None:
    store = FirestoreMigrationStore(firestore, SystemIdentifiers())
    before = (stores.tenants.get_fresh("acme"), stores.notifications.get("acme", "n1"))
    shown = list(migrate(store, FixedClock()))
    assert (stores.tenants.get_fresh("acme"), stores.notifications.get("acme", "n1")) == before
    assert {progress.migration.name: progress.record.changed for progress in shown} == {migration.name: 1 for migration in MIGRATIONS}
    assert fields(firestore, "tenants/acme")["listening"] == {"webhooks": {}, "readers": {}}
    assert fields(firestore, "tenants/acme/notifications/n1")["counts"] == {
        "targeted": 3, "sent": 2, "failed": 1, "retrying": 0, "unsent": 0, "delivered": 0, "read": 0,
    }  # fmt: skip
    assert {record.state for record in store.get_records().values()} == {MigrationState.DONE}
    assert pending_migrations(store) == []


def test_second_run_writes_nothing(firestore: Firestore, stores: Stores) -> None:
    store = FirestoreMigrationStore(firestore, SystemIdentifiers())
    list(migrate(store, FixedClock()))
    written = firestore.document("tenants/acme/notifications/n1").get().update_time
    firestore.document("meta/migrations").delete()
    assert [progress.record.changed for progress in migrate(store, FixedClock())] == [0] * len(MIGRATIONS)
    assert firestore.document("tenants/acme/notifications/n1").get().update_time == written


def test_dry_run_writes_nothing(firestore: Firestore, stores: Stores) -> None:
    store = FirestoreMigrationStore(firestore, SystemIdentifiers())
    assert [progress.record.changed for progress in migrate(store, FixedClock(), dry_run=True)] == [1] * len(MIGRATIONS)
    assert "listening" not in fields(firestore, "tenants/acme")
    assert store.get_records() == {}


def test_document_that_was_written_meanwhile_is_upgraded_as_it_is_then(firestore: Firestore, stores: Stores) -> None:
    store = FirestoreMigrationStore(firestore, SystemIdentifiers())
    counted = MIGRATIONS[1]
    [document] = store.read_page(counted, None, 10)
    firestore.document(document.path).update({"counts": {"targeted": 9}})
    assert store.change(counted, document, counted.upgrade(document.fields))
    assert fields(firestore, document.path)["counts"] == {"targeted": 9, "delivered": 0, "read": 0}
    firestore.document(document.path).delete()
    assert not store.change(counted, document, counted.upgrade(document.fields))
