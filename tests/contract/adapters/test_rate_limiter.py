"""The rate limiter over several instances: threads that share a database, and processes that share nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.limits import FirestoreRateLimiter
from fanfare.domain.limits import Budget, LimitGroup
from local.settings import ROOT
from tests.contract.adapters.limited_caller import THREADS
from tests.contract.stores.racing import race
from tests.contract.stores.real import open_firestore
from tests.fakes import FixedClock

PROCESSES = 3


@pytest.fixture
def firestore(emulator: str, project_id: str) -> Iterator[Firestore]:
    """A database that has answered once: an emulator's first answer takes longer than the limiter waits."""
    opened = open_firestore(emulator, project_id)
    opened.document("meta/first").set({})
    yield opened
    opened.close()


@pytest.mark.parametrize("limit", [10, 100])
def test_limit_is_exact_over_several_instances(firestore: Firestore, limit: int) -> None:
    budget = Budget("acme", "client-1", LimitGroup.SEND, limit)
    instances = [FirestoreRateLimiter(firestore, FixedClock()) for _ in range(4)]

    def ask(instance: FirestoreRateLimiter) -> int:
        return sum(instance.use(budget).allowed for _ in range(limit // 2))

    assert sum(race([lambda instance=instance: ask(instance) for instance in instances])) == limit


@pytest.mark.usefixtures("firestore")
def test_limit_holds_across_several_processes_within_five_percent(emulator: str, project_id: str) -> None:
    limit = 100
    command = [sys.executable, "-m", "tests.contract.adapters.limited_caller", emulator, project_id, str(limit), str(limit // 4)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    callers = [subprocess.Popen(command, env=environment, cwd=ROOT, **pipes) for _ in range(PROCESSES)]  # type: ignore[call-overload]
    for caller in callers:
        caller.stdin.write("go\n")
        caller.stdin.flush()
    passed = [int(caller.communicate(timeout=60)[0]) for caller in callers]
    assert PROCESSES * THREADS * (limit // 4) == 3 * limit, "three times as many ask as may pass"
    assert 0.95 * limit <= sum(passed) <= 1.05 * limit
    assert [caller.returncode for caller in callers] == [0] * PROCESSES


def test_high_limit_is_taken_in_blocks_and_still_exact(firestore: Firestore) -> None:
    budget = Budget("acme", "client-1", LimitGroup.SEND, 4_001)
    one, other = (FirestoreRateLimiter(firestore, FixedClock()) for _ in range(2))
    passed = sum(instance.use(budget).allowed for _ in range(2_100) for instance in (one, other))
    counted = sum(found.get("n") for found in firestore.collection("tenants/acme/limits").stream())
    assert passed == 4_001
    assert len(list(firestore.collection("tenants/acme/limits").stream())) == 34
    assert counted >= 4_001


def test_blocks_of_the_minute_before_are_not_used(firestore: Firestore) -> None:
    clock = FixedClock()
    limiter, budget = FirestoreRateLimiter(firestore, clock), Budget("acme", "client-1", LimitGroup.SEND, 100_000)
    assert [limiter.use(budget).allowed for _ in range(3)] == [True] * 3
    clock.advance(timedelta(seconds=60))
    assert [limiter.use(budget).allowed for _ in range(3)] == [True] * 3
    assert sorted(found.get("n") for found in firestore.collection("tenants/acme/limits").stream()) == [50, 50]
