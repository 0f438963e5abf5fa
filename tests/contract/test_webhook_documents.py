"""Webhooks where they are stored: their secrets are sealed, each for its own place, and under the present data key after a rotation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google.cloud.firestore import DELETE_FIELD
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.cipher import Undecipherable
from fanfare.adapters.system import SystemIdentifiers
from fanfare.domain.audit import trail
from fanfare.domain.key_rotation import WAIT
from fanfare.services.rotate_keys import advance_rotations, begin_rotation
from tests.contract.stores.real import Stores, real_stores
from tests.factories import NOW, TENANT_ID, a_call, a_tenant, a_webhook
from tests.fakes import FixedClock, fake_deps

WEBHOOK = a_webhook(previous_secret="whsec_cHJldmlvdXM=", previous_valid_until=NOW)
CHANGED = trail("webhook.changed", a_call().actor, NOW)
SECRETS = ("secret", "previous_secret")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def stores(firestore: Firestore, clock: FixedClock) -> Stores:
    """One instance's stores, with a tenant and its webhook."""
    stores = real_stores(firestore, clock)
    stores.tenants.create(a_tenant())
    stores.webhooks.create(WEBHOOK, CHANGED)
    return stores


def _document(firestore: Firestore, webhook_id: str = "webhook-1") -> Any:
    return firestore.document(f"tenants/{TENANT_ID}/webhooks/{webhook_id}")


def _keys(firestore: Firestore) -> set[str]:
    """The data keys that a webhook's secrets are sealed with."""
    fields = _document(firestore).get().to_dict()
    return {fields[name][2 : 2 + fields[name][1]].decode("ascii") for name in SECRETS}


def test_no_secret_stands_in_the_database_in_clear(firestore: Firestore, stores: Stores) -> None:
    stores.webhooks.update(TENANT_ID, "webhook-1", lambda before: replace(before, active=False), CHANGED)
    entries = firestore.collection(f"tenants/{TENANT_ID}/audit").list_documents()
    documents = [_document(firestore), firestore.document(f"tenants/{TENANT_ID}"), *entries]
    stored = repr([document.get().to_dict() for document in documents])
    assert "webhook.changed" in stored
    assert [secret for secret in (WEBHOOK.secret, WEBHOOK.previous_secret) if str(secret).removeprefix("whsec_") in stored] == []


@pytest.mark.parametrize(("taken", "put"), [(SECRETS, SECRETS), (SECRETS[::-1], SECRETS)], ids=["another webhook's", "the other field's"])
def test_secret_opens_nowhere_but_in_its_own_place(firestore: Firestore, stores: Stores, taken: tuple[str, ...], put: tuple[str, ...]) -> None:
    other = "webhook-2" if taken == put else "webhook-1"
    if other != "webhook-1":
        stores.webhooks.create(a_webhook(id=other), CHANGED)
    fields = _document(firestore).get().to_dict()
    _document(firestore, other).update({there: fields[name] for name, there in zip(taken, put, strict=True)})
    with pytest.raises(Undecipherable):
        stores.webhooks.get(TENANT_ID, other)


def test_rotation_of_the_tenants_keys_seals_the_secrets_anew(firestore: Firestore, stores: Stores, clock: FixedClock) -> None:
    names = ("clock", "tenants", "profiles", "devices", "webhooks", "audit", "index_versions")
    deps = fake_deps(identifiers=SystemIdentifiers(), **{name: getattr(stores, name) for name in names})
    before = _keys(firestore)
    begin_rotation(deps, a_call(), TENANT_ID)
    for _ in range(4):
        clock.advance(WAIT)
        advance_rotations(deps)
    tenant = stores.tenants.get_fresh(TENANT_ID)
    assert tenant is not None
    assert tenant.rotation is None
    assert _keys(firestore) == {tenant.data_key_id} != before
    assert stores.webhooks.get(TENANT_ID, "webhook-1") == WEBHOOK
    assert tenant.listening.webhooks == {"webhook-1": WEBHOOK.events}


def test_tenant_from_before_there_were_listeners_gets_its_first_webhook(firestore: Firestore) -> None:
    stores = real_stores(firestore)
    stores.tenants.create(a_tenant())
    firestore.document(f"tenants/{TENANT_ID}").update({"listening": DELETE_FIELD})
    stores.webhooks.create(WEBHOOK, CHANGED)
    assert stores.tenants.update(TENANT_ID, lambda before: replace(before, config_version=1)) is not None
    tenant = stores.tenants.get_fresh(TENANT_ID)
    assert tenant is not None
    assert (tenant.listening.webhooks, tenant.listening.readers) == ({"webhook-1": WEBHOOK.events}, {})
