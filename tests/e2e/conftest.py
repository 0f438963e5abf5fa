"""Tenants and clients of the whole stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fanfare.config import Settings
from fanfare.domain.client import Scope
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps
from fanfare.services.provision import NewClient, create_client
from fanfare.wiring import build_deps
from local.demo import LOAD_LIMITS
from local.stack import Stack
from tests.e2e.harness import Api, Cloud, Credentials, Simulator, Tenant


def open_deps(stack: Stack) -> Deps:
    """The functions' own adapters against a stack: tenants and clients are made as `make run` makes them."""
    with pytest.MonkeyPatch.context() as environment:
        # Firestore's client finds the emulator by its own variable, when it is made.
        environment.setenv("FIRESTORE_EMULATOR_HOST", stack.firestore_host)
        return build_deps(Settings.from_env(stack.environment))


@pytest.fixture(scope="session")
def deps(stack: Stack) -> Deps:
    """One of each real adapter."""
    return open_deps(stack)


@pytest.fixture(scope="module")
def tenant(deps: Deps, stack: Stack) -> Iterator[Tenant]:
    """A tenant for each test file."""
    created = Tenant.create(deps, stack)
    yield created
    created.close()


@pytest.fixture
def own_tenant(deps: Deps, stack: Stack) -> Iterator[Tenant]:
    """A tenant for one test alone."""
    created = Tenant.create(deps, stack)
    yield created
    created.close()


@pytest.fixture(scope="module")
def api(tenant: Tenant) -> Api:
    """A client with every scope of the file's tenant."""
    return tenant.api()


@pytest.fixture(scope="module")
def platform(deps: Deps, stack: Stack) -> Iterator[Api]:
    """The client that creates tenants."""
    client, token = create_client(deps, NewClient(PLATFORM_TENANT, "Platform", (Scope.PLATFORM,), LOAD_LIMITS))
    with Api(stack.urls["gateway"], Credentials(client.id, token)) as api:
        yield api


@pytest.fixture
def stranger(own_tenant: Tenant) -> Api:
    """A client with every scope of another tenant."""
    return own_tenant.api()


def open_simulator(stack: Stack) -> Iterator[Simulator]:
    """A stack's FCM simulator."""
    assert stack.fcm_url
    simulator = Simulator(stack.fcm_url)
    yield simulator
    simulator.close()


def open_cloud(stack: Stack) -> Iterator[Cloud]:
    """A stack's task service."""
    service = Cloud(stack.cloud_url)
    yield service
    service.close()


@pytest.fixture(scope="session")
def fcm(stack: Stack) -> Iterator[Simulator]:
    """The FCM simulator."""
    yield from open_simulator(stack)


@pytest.fixture(scope="session")
def cloud(stack: Stack) -> Iterator[Cloud]:
    """The task service."""
    yield from open_cloud(stack)
