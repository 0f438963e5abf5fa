"""What one instance changes of a client or a tenant, another one knows within 60 seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.client import refusal_of
from fanfare.domain.refusal import RefusalReason
from fanfare.domain.rotation import Rotation, revoked, rotated
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_client, a_tenant, client_token

AUDIT = trail("client.revoked", Actor(ActorKind.CLIENT, "admin"), NOW)
MINUTE = timedelta(seconds=60)


@pytest.fixture
def instances(emulator: str, project_id: str) -> Iterator[tuple[Stores, Stores]]:
    """Two instances over one database, both of which know the client and the tenant."""
    firestores = [open_firestore(emulator, project_id) for _ in range(2)]
    here, there = (real_stores(firestore) for firestore in firestores)
    here.clients.create(a_client())
    here.tenants.create(a_tenant())
    assert there.clients.get("client-1") == a_client()
    assert there.tenants.get("acme") == a_tenant()
    yield here, there
    for firestore in firestores:
        firestore.close()


def _refusal(stores: Stores) -> RefusalReason | None:
    client = stores.clients.get("client-1")
    assert client is not None
    return refusal_of(client, client_token(), "", NOW)


def test_revoked_client_is_refused_at_once_here_and_within_a_minute_everywhere(instances: tuple[Stores, Stores]) -> None:
    here, there = instances
    here.clients.update("client-1", lambda client: revoked(client, NOW), AUDIT)
    assert _refusal(here) is RefusalReason.REVOKED
    there.clock.advance(MINUTE)
    assert _refusal(there) is RefusalReason.REVOKED


def test_token_that_was_rotated_out_is_refused_within_a_minute_everywhere(instances: tuple[Stores, Stores]) -> None:
    here, there = instances
    here.clients.update("client-1", lambda client: rotated(client, Rotation("another-hash", timedelta(0)), NOW), AUDIT)
    assert _refusal(here) is RefusalReason.WRONG_TOKEN
    there.clock.advance(MINUTE)
    assert _refusal(there) is RefusalReason.WRONG_TOKEN


def test_switched_credential_is_known_within_a_minute_everywhere(instances: tuple[Stores, Stores]) -> None:
    here, there = instances
    here.tenants.update("acme", lambda tenant: replace(tenant, credential_version="2"))
    there.clock.advance(MINUTE)
    found = there.tenants.get("acme")
    assert found is not None
    assert found.credential_version == "2"
