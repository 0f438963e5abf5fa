"""The tenants to tally are found from a few names at a time, whatever one tenant's notifications are."""

from __future__ import annotations

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.analytics import FirestoreAnalyticsStore
from fanfare.adapters.system import SystemIdentifiers
from tests.contract.stores.real import real_stores
from tests.factories import a_notification, a_tenant

MANY = {"acme": 5, "b-1": 1, "globex": 3, "zz": 1}


@pytest.mark.parametrize("names", [1, 2, 3, 4, 500])
def test_every_tenant_is_found_once_however_few_names_are_read(firestore: Firestore, names: int) -> None:
    stores = real_stores(firestore)
    for tenant, count in MANY.items():
        stores.tenants.create(a_tenant(id=tenant))
        for number in range(count):
            stores.notifications.accept(a_notification(id=f"notification-{number}", tenant=tenant), [])
    analytics = FirestoreAnalyticsStore(firestore, SystemIdentifiers(), names=names)
    assert analytics.find_tenants(9) == sorted(MANY)
    assert analytics.find_tenants(2) == ["acme", "b-1"]
    assert analytics.find_tenants(9, "b-1") == ["globex", "zz"]
