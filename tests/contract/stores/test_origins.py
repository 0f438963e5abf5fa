"""What every store of web pages does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from fanfare.adapters.firestore.origins import FirestoreOriginStore
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.ports import OriginStore, TenantStore
from tests.contract.stores.real import open_firestore, real_stores
from tests.factories import a_tenant
from tests.fakes import FixedClock, MemoryOriginStore, MemoryTenantStore

PAGE, OTHER = "https://app.example.com", "https://www.example.com"


@dataclass(frozen=True, slots=True)
class Pages:
    """Tenants, and the pages that they list."""

    tenants: TenantStore
    origins: OriginStore
    clock: FixedClock

    def list_for(self, tenant: str, *origins: str) -> None:
        """Create a tenant with these pages."""
        self.tenants.create(replace(a_tenant(id=tenant), settings=TenantSettings(cors_origins=origins)))


@pytest.fixture(params=["memory", "firestore"])
def pages(request: pytest.FixtureRequest) -> Iterator[Pages]:
    """An empty deployment."""
    clock = FixedClock()
    if request.param == "memory":
        tenants = MemoryTenantStore()
        yield Pages(tenants, MemoryOriginStore(tenants), clock)
        return
    firestore = open_firestore(request.getfixturevalue("emulator"), request.getfixturevalue("project_id"))
    yield Pages(real_stores(firestore).tenants, FirestoreOriginStore(firestore, clock), clock)
    firestore.close()


def test_page_is_listed_by_whichever_tenant(pages: Pages) -> None:
    pages.list_for("acme", PAGE)
    pages.list_for("globex", "https://globex.example", OTHER)
    assert [pages.origins.is_listed(origin) for origin in (PAGE, OTHER)] == [True, True]


def test_page_of_nobody_is_not_listed(pages: Pages) -> None:
    pages.list_for("acme", PAGE)
    pages.list_for("globex")
    assert [pages.origins.is_listed(origin) for origin in (OTHER, "", "null", f"{PAGE}/", PAGE.upper())] == [False] * 5


def test_page_that_was_added_or_taken_off_is_known_within_a_minute(pages: Pages) -> None:
    pages.list_for("acme", PAGE)
    pages.origins.is_listed(PAGE)
    pages.origins.is_listed(OTHER)
    pages.tenants.update("acme", lambda tenant: replace(tenant, settings=replace(tenant.settings, cors_origins=(OTHER,))))
    pages.clock.advance(timedelta(seconds=60))
    assert [pages.origins.is_listed(origin) for origin in (PAGE, OTHER)] == [False, True]
