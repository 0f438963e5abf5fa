"""What Firestore really holds of an erased device: its id, that it is gone, since when, and nothing else."""

from __future__ import annotations

from google.cloud.firestore import Client as Firestore

from fanfare.domain.buckets import bucket_of
from fanfare.domain.device import Retirement
from fanfare.domain.registration import RegistrationPlan
from tests.contract.stores.real import real_stores
from tests.factories import NOW, a_device, a_tenant

FULL = a_device(
    device_id="the-phone",
    app_version="3.4.1",
    os_version="15",
    model="Pixel 9",
    locale="sw-TZ",
    timezone="Africa/Dar_es_Salaam",
    tags=("beta",),
    topics=("news",),
    inactive_since=NOW,
    retirement=Retirement("UNREGISTERED", NOW, "notification-1"),
)
KEPT = {"v", "bucket", "active", "listed", "inactive_reason", "deleted_at", "updated_at", "write_id"}


def test_tombstone_holds_nothing_of_the_device(firestore: Firestore) -> None:
    stores = real_stores(firestore)
    stores.tenants.create(a_tenant(id="acme"))
    assert stores.devices.save("acme", [RegistrationPlan(FULL)])
    collections = firestore.collection("tenants").document("acme")
    before = collections.collection("devices").document(FULL.id).get().to_dict() or {}
    stores.devices.erase("acme", [FULL.id])
    after = collections.collection("devices").document(FULL.id).get().to_dict() or {}
    assert before.keys() < after.keys()
    assert {name for name, value in after.items() if value not in (None, [])} == KEPT
    assert (after["active"], after["listed"], after["inactive_reason"], after["bucket"]) == (False, False, "erased", bucket_of(FULL.id))
    assert after["updated_at"] == after["deleted_at"] > before["updated_at"]
    assert list(collections.collection("targets").list_documents()) == []
