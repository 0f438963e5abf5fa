"""Deliveries under a commit whose answer was lost: a claim is ours or it is not, an end is stored once, a replay is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import Busy
from fanfare.domain.dead_letter import WebhookLetter, webhook_letter_of
from fanfare.domain.endpoint_answer import Posted
from fanfare.domain.event import Event, EventKind, StoredEvent, encode_event
from fanfare.domain.filters import AuditFilter, DeadLetterFilter
from fanfare.domain.webhook_delivery import DELAYS, LEASE, DeliveryKey, DeliveryState, WebhookDelivery, plan_after
from fanfare.ports.webhooks import ClaimedDelivery
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_tenant, a_webhook

KEY = DeliveryKey("acme", "webhook-1", "event-1")
EVENT = Event("event-1", "acme", EventKind.NOTIFICATION_COMPLETED, NOW, {"notification_id": "n"}, ("n",), ("webhook-1",), "request-1")
ACTOR = Actor(ActorKind.CLIENT, "client-1")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that can lose answers, and `others`, another instance's over the same data, whose network is well."""

    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def lose_answers(self, number: int = 1) -> None:
        self.proxy.commits, self.proxy.lose_next = 0, number

    def was_sent_again(self) -> bool:
        return self.proxy.lose_next == 0 and self.proxy.commits == 2

    def stored(self) -> WebhookDelivery:
        found = self.others.deliveries.get_many([KEY])[0]
        assert found is not None
        return found


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    """Two instances with one tenant, its webhook and an event."""
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        others = real_stores(direct)
        others.tenants.create(a_tenant())
        others.webhooks.create(a_webhook(), trail("webhook.created", ACTOR, NOW))
        others.events.record([EVENT])
        yield Network(proxy, real_stores(behind), others)
        behind.close()
        direct.close()


def _claim(stores: Stores, owner: str = "owner-1", after: timedelta = timedelta(0)) -> ClaimedDelivery:
    claimed = stores.deliveries.claim(KEY, owner, NOW + after)
    assert isinstance(claimed, ClaimedDelivery)
    return claimed


def test_claim_whose_answer_was_lost_is_ours_and_counts_one_attempt(network: Network) -> None:
    network.lose_answers()
    claimed = _claim(network.stores)
    assert network.was_sent_again()
    assert (claimed.delivery.attempts, network.stored()) == (1, claimed.delivery)
    assert network.others.deliveries.claim(KEY, "owner-2", NOW) == Busy(45)
    assert network.stores.deliveries.conclude(plan_after(claimed.delivery, Posted(200), NOW))


def test_end_whose_answer_was_lost_is_stored_once(network: Network) -> None:
    claimed = _claim(network.stores)
    network.lose_answers()
    assert network.stores.deliveries.conclude(plan_after(claimed.delivery, Posted(200), NOW))
    assert network.was_sent_again()
    assert network.stored().state is DeliveryState.DELIVERED


def test_end_whose_delivery_went_on_while_its_answer_was_lost_is_told_as_lost(network: Network) -> None:
    claimed = _claim(network.stores)
    taken: list[object] = []
    network.proxy.after_loss = lambda: taken.append(network.others.deliveries.claim(KEY, "owner-2", NOW + LEASE))
    network.lose_answers()
    planned = plan_after(claimed.delivery, Posted(500), NOW)
    # Its attempt is stored, and another call has begun the next one already: it must not ask for that a second time.
    assert not network.stores.deliveries.conclude(planned)
    assert isinstance(taken[0], ClaimedDelivery)
    assert (network.stored().attempts, network.stored().owner) == (2, "owner-2")


def test_last_end_has_one_dead_letter(network: Network) -> None:
    at = NOW
    for number in range(len(DELAYS)):
        claimed = _claim(network.stores, f"owner-{number}", at - NOW)
        planned = plan_after(claimed.delivery, Posted(500), at)
        network.lose_answers()
        assert network.stores.deliveries.conclude(planned, webhook_letter_of(planned, at))
        at = planned.next_attempt_at or at
    letters = network.others.notifications.list_dead_letters("acme", DeadLetterFilter(), 10, None).items
    assert [letter.attempts for letter in letters if isinstance(letter, WebhookLetter)] == [8]


def test_replay_whose_answer_was_lost_is_stored_once_with_one_entry(network: Network) -> None:
    network.lose_answers()
    told = StoredEvent(EVENT.id, "acme", EVENT.kind, NOW, encode_event(EVENT))
    entry = AuditEntry("webhook.replayed", ACTOR, NOW, ("webhook-1",))
    assert list(network.stores.deliveries.replay(a_webhook(), [told], NOW + DAY, "request-2", entry)) == [KEY]
    assert network.was_sent_again()
    assert network.stored().next_attempt_at == NOW + DAY
    assert len(network.others.audit.list("acme", AuditFilter(action="webhook.replayed"), 10, None).items) == 1
