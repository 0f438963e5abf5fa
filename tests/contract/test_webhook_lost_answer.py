"""A commit of a webhook whose answer was lost succeeds exactly once, whatever another instance does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.event import EventKind
from fanfare.domain.filters import AuditFilter
from fanfare.domain.webhook import Webhook, rotated
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, TENANT_ID, a_tenant, a_webhook

ACTOR = Actor(ActorKind.CLIENT, "client-1")
CREATED, UPDATED, DELETED, ROTATED = (trail(f"webhook.{done}", ACTOR, NOW) for done in ("created", "updated", "deleted", "rotated"))
SENT = frozenset({EventKind.NOTIFICATION_SENT})


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that loses the answer of its next commit when told to, and `others`, whose network is well."""

    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def wanted(self) -> dict[str, frozenset[EventKind]]:
        found = self.others.tenants.get_fresh(TENANT_ID)
        assert found is not None
        return dict(found.listening.webhooks)

    def actions(self) -> list[str]:
        return sorted(row.entry.action for row in self.others.audit.list(TENANT_ID, AuditFilter(resource="webhook"), 100, None).items)


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        network = Network(proxy, real_stores(behind), real_stores(direct))
        network.others.tenants.create(a_tenant())
        yield network
        assert proxy.lose_next == 0
        behind.close()
        direct.close()


def _listen_to(stores: Stores, kinds: frozenset[EventKind]) -> Webhook | None:
    return stores.webhooks.update(TENANT_ID, "webhook-1", lambda before: replace(before, events=kinds), UPDATED)


def test_webhook_is_created_once(network: Network) -> None:
    network.proxy.lose_next = 1
    network.stores.webhooks.create(a_webhook(), CREATED)
    assert network.others.webhooks.get(TENANT_ID, "webhook-1") == a_webhook()
    assert (network.wanted(), network.actions()) == ({"webhook-1": a_webhook().events}, ["webhook.created"])


def test_webhook_that_was_changed_before_its_creation_was_known_stays_as_it_was_changed(network: Network) -> None:
    network.proxy.lose_next, network.proxy.after_loss = 1, lambda: _listen_to(network.others, SENT)
    network.stores.webhooks.create(a_webhook(), CREATED)
    assert (network.wanted(), network.actions()) == ({"webhook-1": SENT}, ["webhook.created", "webhook.updated"])


def test_webhook_that_was_deleted_before_its_creation_was_known_stays_deleted(network: Network) -> None:
    network.proxy.lose_next, network.proxy.after_loss = 1, lambda: network.others.webhooks.delete(TENANT_ID, "webhook-1", DELETED)
    network.stores.webhooks.create(a_webhook(), CREATED)
    assert network.others.webhooks.get(TENANT_ID, "webhook-1") is None
    assert (network.wanted(), network.actions()) == ({}, ["webhook.created", "webhook.deleted"])


def test_change_is_made_once(network: Network) -> None:
    network.others.webhooks.create(a_webhook(), CREATED)
    network.proxy.lose_next = 1
    assert _listen_to(network.stores, SENT) is not None
    assert (network.wanted(), network.actions()) == ({"webhook-1": SENT}, ["webhook.created", "webhook.updated"])


def test_secret_is_rotated_once_although_an_attempt_was_noted_meanwhile(network: Network) -> None:
    first = a_webhook()
    network.others.webhooks.create(first, CREATED)
    network.proxy.lose_next = 1
    network.proxy.after_loss = lambda: network.others.webhooks.update(TENANT_ID, "webhook-1", lambda before: replace(before, failure_count=1))
    network.stores.webhooks.update(TENANT_ID, "webhook-1", lambda before: rotated(before, "whsec_bmV3", None, NOW), ROTATED)
    found = network.others.webhooks.get(TENANT_ID, "webhook-1")
    assert found is not None
    assert (found.secret, found.previous_secret, found.failure_count) == ("whsec_bmV3", first.secret, 1)


def test_webhook_is_deleted_once(network: Network) -> None:
    network.others.webhooks.create(a_webhook(), CREATED)
    network.proxy.lose_next = 1
    assert network.stores.webhooks.delete(TENANT_ID, "webhook-1", DELETED)
    assert (network.wanted(), network.actions()) == ({}, ["webhook.created", "webhook.deleted"])
