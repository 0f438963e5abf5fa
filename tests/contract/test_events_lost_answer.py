"""Events of a commit whose answer was lost: it is sent again with them, and they are stored once; with a refusal that was lost, not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.broadcast_progress import Part
from fanfare.domain.broadcast_steering import complete_broadcast, pause_broadcast
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import CLOCK_SKEW, LEASE, Chunk, ChunkKey, ChunkState
from fanfare.domain.event import Event, EventKind
from fanfare.domain.event_cursor import EventPlace
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.registration import RegistrationPlan
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_device, a_notification, a_recipient, a_tenant

ONE, MANY, PART = ChunkKey("acme", "one", 0), ChunkKey("acme", "many", 0), Part(0, 0)
RESULTS = {"device-1": Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1)}
EVENT = Event("event-1", "acme", EventKind.NOTIFICATION_SENT, NOW, {"notification_id": "one"}, ("one",), ("webhook-1",))
FAR_PAST, FAR_FUTURE = NOW.replace(year=2000), NOW.replace(year=2100)


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that can lose answers, `others` over the same data without one."""

    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def lose_answers(self, *, refusals: bool = False) -> None:
        self.proxy.commits, self.proxy.lose_next, self.proxy.lose_refusals = 0, 1, refusals

    def was_sent_again(self) -> bool:
        return self.proxy.lose_next == 0 and self.proxy.commits > 1

    def told(self) -> list[str]:
        return [event.id for event in self.others.events.read_after("acme", EventPlace(FAR_PAST, "0"), FAR_FUTURE, 10)]


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    """A notification of one chunk, one of many, and a device."""
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        others = real_stores(direct)
        others.tenants.create(a_tenant())
        others.notifications.accept(a_notification(id="one"), [a_recipient()])
        layout = Layout(Source.RECIPIENTS, None, (1,))
        others.notifications.accept(a_notification(id="many", status=NotificationStatus.SENDING, layout=layout), [a_recipient()])
        others.devices.save("acme", [RegistrationPlan(a_device())])
        yield Network(proxy, real_stores(behind), others)
        behind.close()
        direct.close()


def _done(stores: Stores, key: ChunkKey) -> Chunk:
    claim = stores.chunks.claim(key, "owner-1", NOW)
    assert isinstance(claim, Chunk)
    return replace(claim, state=ChunkState.DONE, next_check_at=None, results=RESULTS)


def _conclude_one(network: Network) -> Callable[[], object]:
    chunk = _done(network.others, ONE)
    return lambda: network.stores.chunks.conclude(chunk, a_notification(id="one", status=NotificationStatus.COMPLETED), events=[EVENT])


def _conclude_many(network: Network) -> Callable[[], object]:
    chunk = _done(network.others, MANY)
    return lambda: network.stores.progress.conclude(chunk, PART, events=[EVENT])


def _settle(network: Network) -> Callable[[], object]:
    network.others.progress.conclude(_done(network.others, MANY), PART)
    return lambda: network.stores.progress.settle("acme", "many", partial(complete_broadcast, now=NOW), announce=lambda *_: [EVENT])


def _pause(network: Network) -> Callable[[], object]:
    return lambda: network.stores.notifications.update("acme", "many", partial(pause_broadcast, now=NOW), announce=lambda *_: [EVENT])


def _deactivate(network: Network) -> Callable[[], object]:
    return lambda: network.stores.devices.update_many("acme", ["device-1"], lambda device: replace(device, active=False), announce=lambda *_: [EVENT])


def _erase(network: Network) -> Callable[[], object]:
    return lambda: network.stores.devices.erase("acme", ["device-1"], announce=lambda *_: [EVENT])


def _quarantine(network: Network) -> Callable[[], object]:
    entry = AuditEntry("tenant.quarantined", Actor(ActorKind.FUNCTION, "send"), NOW, ("acme",), events=(EVENT,))
    return lambda: network.stores.tenants.update("acme", lambda tenant: replace(tenant, config_version=1), lambda *_: entry)


@pytest.mark.parametrize("prepare", [_conclude_one, _conclude_many, _settle, _pause, _deactivate, _erase, _quarantine])
def test_event_is_stored_once(network: Network, prepare: Callable[[Network], Callable[[], object]]) -> None:
    write = prepare(network)
    network.lose_answers()
    assert write()
    assert network.was_sent_again()
    assert network.told() == ["event-1"]


@pytest.mark.parametrize(("prepare", "key"), [(_conclude_one, ONE), (_conclude_many, MANY)])
def test_event_of_a_claim_that_was_lost_is_not_stored(network: Network, prepare: Callable[[Network], Callable[[], object]], key: ChunkKey) -> None:
    write = prepare(network)
    assert isinstance(network.others.chunks.claim(key, "owner-2", NOW + LEASE + CLOCK_SKEW), Chunk)
    network.lose_answers(refusals=True)
    assert not write()
    assert network.was_sent_again()
    assert network.told() == []
