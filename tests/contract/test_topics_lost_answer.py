"""A commit of topics or subscriptions whose answer was lost succeeds exactly once, whatever another instance does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.device import Device
from fanfare.domain.filters import AuditFilter
from fanfare.domain.following import follow_topic
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.subscribing import join_topic
from fanfare.domain.topic import Topic, begin_deletion
from fanfare.domain.topic_sync import IN_SYNC
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_call, a_device, a_profile, a_tenant

CREATED, DELETED = (trail(f"topic.{done}", a_call().actor, NOW) for done in ("created", "deleted"))
NEWS = Topic("news", created_at=NOW, updated_at=NOW)


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that loses the answer of the next commit, and `others`, whose network is well."""

    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def lose(self) -> None:
        self.proxy.lose_next = 1

    def actions(self) -> list[str]:
        return sorted(row.entry.action for row in self.others.audit.list("acme", AuditFilter(), 100, None).items)


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    """Two instances with a tenant."""
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        others = real_stores(direct)
        others.tenants.create(a_tenant())
        yield Network(proxy, real_stores(behind), others)
        assert proxy.lose_next == 0
        behind.close()
        direct.close()


def test_topic_is_created_once_and_deleted_once(network: Network) -> None:
    network.lose()
    assert network.stores.topics.create("acme", NEWS, CREATED)
    network.lose()
    assert network.stores.topics.update("acme", "news", partial(begin_deletion, now=NOW), DELETED) == network.others.topics.get("acme", "news")
    assert network.actions() == ["topic.created", "topic.deleted"]


def test_subscription_is_stored_once_with_what_is_pending(network: Network) -> None:
    network.others.devices.save("acme", [RegistrationPlan(a_device())])
    network.lose()
    audit = AuditEntry("device.subscribed", a_call().actor, NOW)
    assert network.stores.devices.update_many("acme", ["device-1"], partial(join_topic, topic="news"), audit) == ["device-1"]
    (stored,) = network.others.devices.get("acme", ["device-1"])
    assert (stored.topics, stored.topic_sync.pending) == (("news",), ("news",))
    assert network.actions() == ["device.subscribed"]


def test_subscription_that_comes_between_is_not_taken_for_told(network: Network) -> None:
    network.others.devices.save("acme", [RegistrationPlan(a_device(topics=("news",)))])
    network.proxy.after_loss = lambda: network.others.devices.update("acme", "device-1", partial(join_topic, topic="sport"))
    network.lose()
    network.stores.subscriptions.note("acme", ["device-1"], lambda device: None if "sport" in device.topics else replace(device, topic_sync=IN_SYNC))
    (stored,) = network.others.devices.get("acme", ["device-1"])
    assert (stored.topics, stored.topic_sync.pending) == (("news", "sport"), ("sport",))


def test_answer_of_fcm_is_noted_once(network: Network) -> None:
    network.others.devices.save("acme", [RegistrationPlan(a_device(topics=("news",)))])
    network.lose()

    def count(device: Device) -> Device:
        return replace(device, topic_sync=replace(device.topic_sync, attempt=device.topic_sync.attempt + 1))

    network.stores.subscriptions.note("acme", ["device-1"], count)
    (stored,) = network.others.devices.get("acme", ["device-1"])
    assert stored.topic_sync.attempt == 1


def test_profiles_are_subscribed_once(network: Network) -> None:
    for name in ("p1", "p2"):
        network.others.profiles.create("acme", a_profile(id=name))
    network.lose()
    audit = AuditEntry("profile.subscribed", a_call().actor, NOW)
    assert network.stores.profiles.update_many("acme", ["p1", "p2"], partial(follow_topic, topic="news", now=NOW), audit) == ["p1", "p2"]
    stored = network.others.profiles.get_many("acme", ["p1", "p2"])
    assert [(profile.topics, profile.spread.version) for profile in stored] == [(("news",), 1)] * 2
    assert network.actions() == ["profile.subscribed"]
