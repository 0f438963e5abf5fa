"""Accepting a request to send to many over a network that loses answers, by calls that die after any of their commits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import WriteBatch

from fanfare.domain.filters import NotificationFilter
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.send_request import Addressees, RawTarget
from fanfare.domain.target import Target
from fanfare.ports import Deps
from fanfare.services.accept_bulk import BulkAccepted, accept_bulk
from tests.contract.firestore_proxy import firestore_proxy
from tests.contract.stores.racing import race
from tests.contract.stores.real import open_firestore, real_stores
from tests.factories import TENANT_ID, a_call, a_tenant
from tests.fakes import RecordingTaskQueue, fake_deps
from tests.unit.services.bulk import one_message

PEOPLE = 2_400
"""Rows of four kilobytes: fourteen chunks in four commits; with creating and queueing the notification there are six."""
COMMITS = 6


class Dead(Exception):
    """The process is gone: what it had committed stays."""


@dataclass
class Instance:
    """An instance over a database, which dies after its `dies_after`-th commit; 0 lives on."""

    deps: Deps
    dies_after: int = 0
    commits: int = 0

    def committed(self) -> None:
        self.commits += 1
        if self.commits == self.dies_after:
            raise Dead

    def accept(self) -> BulkAccepted:
        targets = tuple(RawTarget(Target(TargetKind.TOKEN, f"{number:04}" + "x" * 4_090), Platform.ANDROID) for number in range(PEOPLE))
        return accept_bulk(self.deps, a_call("key"), one_message(Addressees(targets=targets)))


@pytest.fixture
def instances(monkeypatch: pytest.MonkeyPatch) -> dict[Firestore, Instance]:
    """The instance over each client, which hears of that client's commits, whatever kind of batch makes them."""
    listening: dict[Firestore, Instance] = {}
    commit = WriteBatch.commit

    def commit_and_maybe_die(batch: WriteBatch, **options: Any) -> Any:
        answer = commit(batch, **options)
        if (instance := listening.get(batch._client)) is not None:
            instance.committed()
        return answer

    monkeypatch.setattr(WriteBatch, "commit", commit_and_maybe_die)
    return listening


def _instance(instances: dict[Firestore, Instance], firestore: Firestore, tasks: RecordingTaskQueue) -> Instance:
    stores = real_stores(firestore)
    deps = replace(fake_deps(tasks=tasks), devices=stores.devices, notifications=stores.notifications, recipients=stores.recipients)
    instances[firestore] = Instance(deps)
    return instances[firestore]


def _check(firestore: Firestore, tasks: RecordingTaskQueue) -> None:
    stores = real_stores(firestore)
    (stored,) = stores.notifications.list(TENANT_ID, NotificationFilter(), 10, None).items
    chunks = stores.recipients.read_all(TENANT_ID, stored.id)
    reached = [row.target for chunk in chunks for row in chunk]
    assert len(reached) == len(set(reached)) == PEOPLE
    assert (stored.status, stored.counts, stored.chunk_count) == (NotificationStatus.QUEUED, Counts(PEOPLE, unsent=PEOPLE), len(chunks))
    assert stored.next_check_at is not None, "the sweep finds it if its nudge was lost"
    assert {task.subject for task in tasks.fanouts} <= {(stored.id,)}


def test_everybody_is_named_once_though_answers_are_lost(emulator: str, firestore: Firestore, instances: dict[Firestore, Instance]) -> None:
    tasks = RecordingTaskQueue()
    real_stores(firestore).tenants.create(a_tenant())
    with firestore_proxy(emulator) as (proxy, host):
        behind = open_firestore(host, firestore.project)
        proxy.lose_next = 3
        assert not _instance(instances, behind, tasks).accept().replayed
        assert proxy.lose_next == 0
        behind.close()
    _check(firestore, tasks)


@pytest.mark.parametrize("commit", range(1, COMMITS + 1))
def test_call_that_dies_after_a_commit_is_ended_by_its_repeat(firestore: Firestore, instances: dict[Firestore, Instance], commit: int) -> None:
    tasks = RecordingTaskQueue()
    real_stores(firestore).tenants.create(a_tenant())
    dying = _instance(instances, firestore, tasks)
    dying.dies_after = commit
    with pytest.raises(Dead):
        dying.accept()
    dying.dies_after = 0
    assert dying.accept().replayed is (commit == COMMITS)
    _check(firestore, tasks)


def test_two_calls_at_once_name_everybody_once(firestore: Firestore, instances: dict[Firestore, Instance]) -> None:
    tasks = RecordingTaskQueue()
    real_stores(firestore).tenants.create(a_tenant())
    instance = _instance(instances, firestore, tasks)
    race([instance.accept, instance.accept])
    _check(firestore, tasks)
