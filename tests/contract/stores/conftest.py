"""Every store suite runs twice: on the fakes in memory and on the real stores with the Firestore emulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.stores.real import Stores, open_firestore, real_stores, stores_of
from tests.factories import a_tenant
from tests.fakes import FixedClock
from tests.fakes.deps import fake_deps


def _memory_stores() -> Stores:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    return stores_of(deps, clock, deps.index_versions)


@pytest.fixture(params=["memory", "firestore"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """One of each store, empty."""
    if request.param == "memory":
        yield _memory_stores()
        return
    firestore = open_firestore(request.getfixturevalue("emulator"), request.getfixturevalue("project_id"))
    yield real_stores(firestore)
    firestore.close()


@pytest.fixture
def tenant(stores: Stores) -> str:
    """A tenant with its data key."""
    stores.tenants.create(a_tenant(id="acme"))
    return "acme"


@pytest.fixture
def other_tenant(stores: Stores) -> str:
    """Another one, to be kept apart from the first."""
    stores.tenants.create(a_tenant(id="globex"))
    return "globex"
