"""Chunks of many whose commit's answer was lost: each is counted once, and is told how many are final all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.broadcast_progress import Part, Progress
from fanfare.domain.broadcast_steering import complete_broadcast
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, new_claim
from fanfare.domain.dead_letter import plan_replay
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_notification, a_recipient, a_tenant

ID, PART = "notification-1", Part(0, 0)
BAD_KEY = Result(Outcome.FAILED, "THIRD_PARTY_AUTH_ERROR", 401, 1, Platform.WEB, dead_letter=True)
RESULTS = {"a": Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1, Platform.ANDROID), "b": BAD_KEY}
AUDIT = AuditEntry("notification.retried", Actor(ActorKind.CLIENT, "client-1"), NOW, (ID,))


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that can lose answers, `others` over the same data without one."""

    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def lose_answers(self, number: int = 1, *, refusals: bool = False) -> None:
        self.proxy.commits, self.proxy.lose_next, self.proxy.lose_refusals = 0, number, refusals

    def was_sent_again(self) -> bool:
        return self.proxy.lose_next == 0 and self.proxy.commits > 1

    def notification(self) -> Notification:
        found = self.others.notifications.get("acme", ID)
        assert found is not None
        return found

    def progress(self) -> Progress:
        return self.others.progress.read_progress(self.notification())


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    """A notification of two chunks, which are counted together."""
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        others = real_stores(direct)
        others.tenants.create(a_tenant())
        layout = Layout(Source.RECIPIENTS, None, (17,))
        others.notifications.accept(a_notification(status=NotificationStatus.SENDING, layout=layout, chunk_count=17), [a_recipient()])
        yield Network(proxy, real_stores(behind), others)
        behind.close()
        direct.close()


def _key(number: int = 0) -> ChunkKey:
    return ChunkKey("acme", ID, number)


def _claim(stores: Stores, number: int = 0) -> Chunk:
    chunk = stores.chunks.claim(_key(number), "owner-1", NOW)
    assert isinstance(chunk, Chunk)
    return chunk


def _done(chunk: Chunk) -> Chunk:
    return replace(chunk, state=ChunkState.DONE, next_check_at=None, results=RESULTS, counts=count(RESULTS.values(), 2))


def test_end_of_a_chunk_is_counted_once_and_told_as_stored(network: Network) -> None:
    network.others.progress.conclude(_done(_claim(network.others, 16)), PART)
    chunk = _done(_claim(network.stores))
    network.lose_answers()
    assert network.stores.progress.conclude(chunk, PART) == 2, "it is the last one, and learns so"
    assert network.was_sent_again()
    assert network.progress().total.counts == Counts(4, sent=2, failed=2)


def test_lost_claim_is_told_as_lost_and_adds_nothing(network: Network) -> None:
    chunk = _claim(network.stores)
    network.others.progress.conclude(_done(chunk), PART)
    network.lose_answers(refusals=True)
    assert network.stores.progress.conclude(replace(_done(chunk), results={}, counts=Counts()), PART) is None
    assert network.progress().total.counts == Counts(2, sent=1, failed=1)


def test_chunk_that_nobody_began_is_created_and_counted_once(network: Network) -> None:
    fresh = _done(new_claim(_key(), "owner-1", NOW))
    network.lose_answers()
    assert network.stores.progress.create_ended(fresh, PART) == 1
    assert network.was_sent_again()
    assert network.progress().total.counts == Counts(2, sent=1, failed=1)


def test_chunk_that_somebody_has_begun_is_not_created(network: Network) -> None:
    _claim(network.others)
    network.lose_answers(refusals=True)
    assert network.stores.progress.create_ended(_done(new_claim(_key(), "owner-2", NOW)), PART) is None
    assert network.progress().total.done == 0


def test_part_that_was_noted_twice_is_only_looked_at_too_early(network: Network) -> None:
    network.lose_answers()
    assert network.stores.progress.note_ended("acme", ID, 0) == 2
    assert network.stores.progress.settle("acme", ID, partial(complete_broadcast, now=NOW)) == network.notification()
    assert network.notification().status is NotificationStatus.SENDING


def test_replay_is_counted_once(network: Network) -> None:
    network.others.progress.conclude(_done(_claim(network.others)), PART)
    [chunk] = network.stores.chunks.get_many([_key()])
    assert chunk is not None
    replay = plan_replay(chunk, network.notification(), NOW)
    assert replay is not None
    network.lose_answers()
    assert network.stores.progress.replay(network.notification(), [replay.chunk], [], AUDIT)
    assert network.was_sent_again()
    assert network.progress().total.counts == Counts(2, sent=1, retrying=1)
    assert network.progress().total.done == 0


def test_notification_is_completed_once(network: Network) -> None:
    for number in range(17):
        network.others.progress.conclude(_done(_claim(network.others, number)), Part(0, number % 16))
    network.lose_answers()
    ended = network.stores.progress.settle("acme", ID, partial(complete_broadcast, now=NOW))
    assert network.was_sent_again()
    assert ended == network.notification()
    assert (network.notification().status, network.notification().counts) == (NotificationStatus.COMPLETED, Counts(34, sent=17, failed=17))
