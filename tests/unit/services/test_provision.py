from __future__ import annotations

import json
from datetime import timedelta

import pytest

from fanfare.domain.call import ActorKind
from fanfare.domain.client import Scope
from fanfare.domain.errors import Conflict, Unauthenticated
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.services.authenticate import authenticate_client
from fanfare.services.provision import NewClient, create_client, create_tenant
from tests.factories import NOW
from tests.fakes import FixedClock, MemoryAuditStore, MemoryCredentialStore, fake_deps
from tests.service_accounts import a_service_account


def test_tenant_belongs_to_the_project_of_its_credential() -> None:
    deps = fake_deps()
    tenant = create_tenant(deps, "Acme", a_service_account())
    assert deps.tenants.get(tenant.id) == tenant
    assert (tenant.name, tenant.firebase_project_id, tenant.created_at) == ("Acme", "acme-app", NOW)
    assert deps.tenants.owner_of("acme-app") == tenant.id


def test_credential_goes_to_the_secret_that_the_tenant_names_and_nowhere_else() -> None:
    credentials, audit = MemoryCredentialStore(), MemoryAuditStore()
    deps = fake_deps(credentials=credentials, audit=audit)
    tenant = create_tenant(deps, "Acme", a_service_account())
    ((name, versions),) = credentials.versions.items()
    assert (name, tenant.credential_version) == (tenant.credential_secret, "1")
    assert [json.loads(value)["private_key"] for value in versions] == [a_service_account()["private_key"]]
    assert "BEGIN" not in repr(deps.tenants.get(tenant.id)) + repr(audit.entries)


def test_two_tenants_share_nothing() -> None:
    deps = fake_deps()
    first, second = create_tenant(deps, "Acme", a_service_account()), create_tenant(deps, "Acme", a_service_account("other-app"))
    assert first.id != second.id
    assert first.credential_secret != second.credential_secret
    assert first.data_key_id != second.data_key_id


def test_second_tenant_of_a_project_is_refused() -> None:
    deps = fake_deps()
    create_tenant(deps, "Acme", a_service_account())
    with pytest.raises(Conflict):
        create_tenant(deps, "Globex", a_service_account())


def test_client_is_stored_without_its_token() -> None:
    audit = MemoryAuditStore()
    deps = fake_deps(audit=audit)
    new = NewClient("acme", "Back office", [Scope.SEND, Scope.READ], {"send": 5}, NOW + timedelta(days=90))
    client, token = create_client(deps, new)
    assert deps.clients.get(client.id) == client
    assert (client.tenant, client.name, client.scopes) == ("acme", "Back office", frozenset({Scope.SEND, Scope.READ}))
    assert (client.limits, client.expires_at, client.created_at) == ({"send": 5}, NOW + timedelta(days=90), NOW)
    assert token not in repr(client)
    assert token.startswith(f"{client.id}.")
    ((tenant, entry),) = audit.entries
    assert (tenant, entry.action, entry.actor.kind, entry.resource_ids) == ("acme", "client.created", ActorKind.FUNCTION, (client.id,))
    assert client.token_hash not in repr(entry)


def test_token_opens_its_own_client_until_it_expires() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    client, token = create_client(deps, NewClient("acme", "a", [Scope.SEND], expires_at=NOW + timedelta(days=1)))
    other, _ = create_client(deps, NewClient("acme", "b", [Scope.SEND]))
    assert authenticate_client(deps, client.id, token, "") == client
    with pytest.raises(Unauthenticated):
        authenticate_client(deps, other.id, token, "")
    clock.advance(timedelta(days=1))
    with pytest.raises(Unauthenticated):
        authenticate_client(deps, client.id, token, "")


def test_first_platform_client_makes_the_platforms_tenant_once() -> None:
    deps = fake_deps()
    create_client(deps, NewClient(PLATFORM_TENANT, "Platform", [Scope.PLATFORM]))
    first = deps.tenants.get(PLATFORM_TENANT)
    create_client(deps, NewClient(PLATFORM_TENANT, "Another", [Scope.PLATFORM]))
    assert first is not None
    assert deps.tenants.get(PLATFORM_TENANT) == first
    assert first.data_key_id
    assert first.credential_version is None
