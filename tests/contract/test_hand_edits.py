"""Documents that an operator has edited in the console: what can be used is used, what can't is said in the document, and nothing crashes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.domain.client import Scope
from fanfare.domain.tenant_settings import TenantSettings
from tests.contract.stores.real import Stores, real_stores
from tests.factories import a_client, a_tenant

MINUTE = timedelta(seconds=61)


@pytest.fixture
def stores(firestore: Firestore) -> Stores:
    """Stores with a tenant and a client."""
    stores = real_stores(firestore)
    stores.tenants.create(a_tenant())
    stores.clients.create(a_client())
    return stores


def _stored(firestore: Firestore, path: str) -> dict[str, Any]:
    return firestore.document(path).get().to_dict() or {}


def test_setting_edited_by_hand_is_used_within_a_minute(firestore: Firestore, stores: Stores) -> None:
    assert stores.tenants.get("acme") == a_tenant()
    firestore.document("tenants/acme").update({"timezone": "Europe/Berlin", "keepalive.enabled": True, "quota_per_minute": 5})
    stores.clock.advance(MINUTE)
    found = stores.tenants.get("acme")
    assert found is not None
    assert (found.settings.timezone, found.settings.keepalive.enabled, found.settings.quota_per_minute) == ("Europe/Berlin", True, 5)
    assert found.defects == {}


def test_setting_broken_by_hand_is_refused_with_a_stored_reason_until_it_is_mended(firestore: Firestore, stores: Stores) -> None:
    firestore.document("tenants/acme").update({"timezone": "Mars", "retention_days": {"audit": "long"}, "name": 5, "quota_per_minute": 7})
    found = stores.tenants.get_fresh("acme")
    assert found is not None
    assert found.settings == TenantSettings(quota_per_minute=7)
    assert found.name == "acme"
    assert _stored(firestore, "tenants/acme")["defects"] == found.defects
    assert found.defects.keys() == {"timezone", "retention_days", "name"}
    firestore.document("tenants/acme").update({"timezone": "UTC", "retention_days": {"audit": 50}, "name": "Acme"})
    mended = stores.tenants.get_fresh("acme")
    assert mended is not None
    assert mended.settings.retention_days["audit"] == 50
    assert _stored(firestore, "tenants/acme")["defects"] == mended.defects == {}


def test_what_a_hand_broke_is_not_overwritten_by_a_change_of_something_else(firestore: Firestore, stores: Stores) -> None:
    firestore.document("tenants/acme").update({"channels": "orders, news"})
    stores.tenants.update("acme", lambda stored: a_tenant(name="Renamed", defects=stored.defects))
    stored = _stored(firestore, "tenants/acme")
    assert (stored["name"], stored["channels"]) == ("Renamed", "orders, news")


def test_limits_edited_by_hand_are_used_and_broken_ones_are_everybodys(firestore: Firestore, stores: Stores) -> None:
    firestore.document("clients/client-1").update({"limits": {"send": 7}})
    assert stores.clients.get_fresh("client-1") == a_client(limits={"send": 7})
    firestore.document("clients/client-1").update({"limits": {"send": "seven"}})
    found = stores.clients.get_fresh("client-1")
    assert found is not None
    assert (found.limits, found.scopes) == ({}, a_client().scopes)
    assert found.defect
    assert _stored(firestore, "clients/client-1")["defect"] == found.defect
    firestore.document("clients/client-1").update({"limits": {}})
    assert stores.clients.get_fresh("client-1") == a_client()
    assert _stored(firestore, "clients/client-1")["defect"] is None


def test_client_whose_allowlist_a_hand_broke_may_do_nothing(firestore: Firestore, stores: Stores) -> None:
    firestore.document("clients/client-1").update({"ip_allowlist": ["the office"]})
    found = stores.clients.get_fresh("client-1")
    assert found is not None
    assert found.scopes == frozenset[Scope]()
    assert [client.id for client in stores.clients.list("acme", 10, None).items] == ["client-1"]
