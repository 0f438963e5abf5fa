"""Refused authentications in the real audit log: one entry a client and minute, however many instances count into it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.audit import FirestoreAuditStore
from fanfare.adapters.firestore.refusals import PAUSE, FirestoreRefusalCounter
from fanfare.adapters.system import SystemIdentifiers
from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.filters import AuditFilter
from fanfare.domain.refusal import Refusal, RefusalReason
from tests.contract.stores.racing import race
from tests.contract.stores.real import open_firestore
from tests.factories import NOW

WRONG = Refusal("acme", "client-1", RefusalReason.WRONG_TOKEN)
EXPIRED = Refusal("acme", "client-1", RefusalReason.EXPIRED)


@pytest.fixture
def firestore(emulator: str, project_id: str) -> Iterator[Firestore]:
    """A database that has answered once: an emulator's first answer takes longer than the counter waits."""
    opened = open_firestore(emulator, project_id)
    FirestoreAuditStore(opened, SystemIdentifiers()).record("elsewhere", AuditEntry("device.updated", Actor(ActorKind.FUNCTION, "send"), NOW))
    yield opened
    opened.close()


def told(firestore: Firestore, tenant: str = "acme") -> list[AuditEntry]:
    page = FirestoreAuditStore(firestore, SystemIdentifiers()).list(tenant, AuditFilter(), 50, None)
    return [stored.entry for stored in page.items]


def test_refusal_is_an_entry_of_its_minute_with_a_counter_for_each_reason(firestore: Firestore) -> None:
    counter = FirestoreRefusalCounter(firestore)
    for number, refusal in enumerate((WRONG, EXPIRED, WRONG)):
        counter.count(refusal, NOW + timedelta(seconds=20) + number * PAUSE)
    actor = Actor(ActorKind.CLIENT, "client-1")
    expected = AuditEntry("authentication.refused", actor, NOW, ("client-1",), facts={"wrong_token": "2", "expired": "1"})
    assert told(firestore) == [expected]


def test_what_comes_in_within_a_second_is_written_together_and_none_of_it_is_lost(firestore: Firestore) -> None:
    counter = FirestoreRefusalCounter(firestore)
    counter.count(WRONG, NOW)
    for number in range(9):
        counter.count(WRONG, NOW + number * PAUSE / 10)
    assert told(firestore)[0].facts == {"wrong_token": "1"}
    counter.count(WRONG, NOW + PAUSE)
    assert told(firestore)[0].facts == {"wrong_token": "11"}


def test_clients_tenants_and_minutes_are_counted_apart(firestore: Firestore) -> None:
    counter = FirestoreRefusalCounter(firestore)
    counter.count(WRONG, NOW)
    counter.count(Refusal("acme", "client-2", RefusalReason.SCOPE), NOW)
    counter.count(Refusal("globex", "client-1", RefusalReason.ADDRESS), NOW)
    counter.count(WRONG, NOW + timedelta(minutes=1))
    assert sorted((entry.actor.id, entry.at, dict(entry.facts)) for entry in told(firestore)) == [
        ("client-1", NOW, {"wrong_token": "1"}),
        ("client-1", NOW + timedelta(minutes=1), {"wrong_token": "1"}),
        ("client-2", NOW, {"missing_scope": "1"}),
    ]
    assert [dict(entry.facts) for entry in told(firestore, "globex")] == [{"address_not_allowed": "1"}]


def test_several_instances_count_into_one_entry(firestore: Firestore) -> None:
    counters = [FirestoreRefusalCounter(firestore) for _ in range(6)]
    race([lambda counter=counter: counter.count(WRONG, NOW) for counter in counters])
    (entry,) = told(firestore)
    assert entry.facts == {"wrong_token": "6"}


def test_count_that_could_not_be_written_comes_with_the_next_one(firestore: Firestore, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = FirestoreRefusalCounter(firestore)
    with monkeypatch.context() as broken:
        broken.setattr("fanfare.adapters.firestore.refusals.WAIT_SECONDS", 1e-6)
        counter.count(WRONG, NOW)
    counter.count(WRONG, NOW + PAUSE)
    assert sum(int(entry.facts["wrong_token"]) for entry in told(firestore)) >= 2
