from __future__ import annotations

import json
from datetime import timedelta

import pytest

from fanfare.domain.client import Scope
from fanfare.domain.errors import Unauthenticated
from fanfare.services.authenticate import authenticate_client
from fanfare.services.provision import NewClient, create_client, create_tenant
from tests.factories import NOW
from tests.fakes import FixedClock, MemoryCredentialStore, fake_deps

CREDENTIAL = {"type": "service_account", "project_id": "acme-app", "private_key": "-----BEGIN"}


def test_tenant_belongs_to_the_project_of_its_credential() -> None:
    deps = fake_deps()
    tenant = create_tenant(deps, "Acme", CREDENTIAL)
    assert deps.tenants.get(tenant.id) == tenant
    assert (tenant.name, tenant.firebase_project_id, tenant.created_at) == ("Acme", "acme-app", NOW)


def test_credential_goes_to_the_secret_that_the_tenant_names_and_nowhere_else() -> None:
    credentials = MemoryCredentialStore()
    deps = fake_deps(credentials=credentials)
    tenant = create_tenant(deps, "Acme", CREDENTIAL)
    assert {name: [json.loads(value) for value in versions] for name, versions in credentials.versions.items()} == {
        tenant.credential_secret: [CREDENTIAL]
    }
    assert "BEGIN" not in repr(deps.tenants.get(tenant.id))


def test_two_tenants_share_nothing() -> None:
    deps = fake_deps()
    first, second = create_tenant(deps, "Acme", CREDENTIAL), create_tenant(deps, "Acme", CREDENTIAL)
    assert first.id != second.id
    assert first.credential_secret != second.credential_secret
    assert first.data_key_id != second.data_key_id


def test_client_is_stored_without_its_token() -> None:
    deps = fake_deps()
    new = NewClient("acme", "Back office", [Scope.SEND, Scope.READ], {"send": 5}, NOW + timedelta(days=90))
    client, token = create_client(deps, new)
    assert deps.clients.get(client.id) == client
    assert (client.tenant, client.name, client.scopes) == ("acme", "Back office", frozenset({Scope.SEND, Scope.READ}))
    assert (client.limits, client.expires_at, client.created_at) == ({"send": 5}, NOW + timedelta(days=90), NOW)
    assert token not in repr(client)
    assert token.startswith(f"{client.id}.")


def test_token_opens_its_own_client_until_it_expires() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    client, token = create_client(deps, NewClient("acme", "a", [Scope.SEND], expires_at=NOW + timedelta(days=1)))
    other, _ = create_client(deps, NewClient("acme", "b", [Scope.SEND]))
    assert authenticate_client(deps, client.id, token) == client
    with pytest.raises(Unauthenticated):
        authenticate_client(deps, other.id, token)
    clock.advance(timedelta(days=1))
    with pytest.raises(Unauthenticated):
        authenticate_client(deps, client.id, token)
