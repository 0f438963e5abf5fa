"""What every store of answers under an Idempotency-Key does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.errors import IdempotencyInProgress, IdempotencyMismatch
from fanfare.domain.idempotency import KEPT, RESERVATION_LEASE, Attempt, StoredAnswer
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW

FIRST = Attempt("key-hash", "body-hash", NOW)
ANSWER = StoredAnswer("body-hash", 201, {"id": "d1", "tags": [["nested"], []], "": None, "__big__": 2**70}, NOW)


def _at(later: timedelta, **fields: Any) -> Attempt:
    return replace(FIRST, at=NOW + later, **fields)


def test_first_request_under_a_key_is_to_be_performed(stores: Stores, tenant: str) -> None:
    assert stores.idempotency.begin(tenant, FIRST) is None


def test_repeat_while_the_first_is_performed_is_told_to_wait(stores: Stores, tenant: str) -> None:
    stores.idempotency.begin(tenant, FIRST)
    with pytest.raises(IdempotencyInProgress):
        stores.idempotency.begin(tenant, _at(RESERVATION_LEASE - timedelta(seconds=1)))


def test_repeat_after_the_end_gets_the_first_answer(stores: Stores, tenant: str) -> None:
    stores.idempotency.begin(tenant, FIRST)
    stores.idempotency.finish(tenant, "key-hash", ANSWER)
    assert stores.idempotency.begin(tenant, _at(timedelta(hours=23))) == ANSWER


@pytest.mark.parametrize("finished", [False, True])
def test_another_body_under_the_key_is_refused(stores: Stores, tenant: str, *, finished: bool) -> None:
    stores.idempotency.begin(tenant, FIRST)
    if finished:
        stores.idempotency.finish(tenant, "key-hash", ANSWER)
    with pytest.raises(IdempotencyMismatch):
        stores.idempotency.begin(tenant, _at(timedelta(seconds=1), request_hash="another-body"))


def test_abandoned_key_is_free_for_another_body(stores: Stores, tenant: str) -> None:
    stores.idempotency.begin(tenant, FIRST)
    stores.idempotency.abandon(tenant, FIRST)
    assert stores.idempotency.begin(tenant, _at(timedelta(seconds=1), request_hash="another-body")) is None


def test_late_abandon_leaves_the_reservation_of_the_successor(stores: Stores, tenant: str) -> None:
    stores.idempotency.begin(tenant, FIRST)
    stores.idempotency.begin(tenant, _at(RESERVATION_LEASE))
    stores.idempotency.abandon(tenant, FIRST)
    with pytest.raises(IdempotencyInProgress):
        stores.idempotency.begin(tenant, _at(RESERVATION_LEASE + timedelta(seconds=1)))


def test_reservation_of_an_instance_that_died_is_taken_over_once(stores: Stores, tenant: str) -> None:
    stores.idempotency.begin(tenant, FIRST)
    late = _at(RESERVATION_LEASE)
    assert stores.idempotency.begin(tenant, late) is None
    with pytest.raises(IdempotencyInProgress):
        stores.idempotency.begin(tenant, late)


def test_taken_over_key_replays_the_answer_of_the_second_try(stores: Stores, tenant: str) -> None:
    stores.idempotency.begin(tenant, FIRST)
    stores.idempotency.begin(tenant, _at(RESERVATION_LEASE))
    stores.idempotency.finish(tenant, "key-hash", replace(ANSWER, reserved_at=NOW + RESERVATION_LEASE))
    replay = stores.idempotency.begin(tenant, _at(RESERVATION_LEASE + timedelta(seconds=1)))
    assert replay == replace(ANSWER, reserved_at=NOW + RESERVATION_LEASE)


def test_key_is_forgotten_after_its_time(stores: Stores, tenant: str) -> None:
    stores.idempotency.begin(tenant, FIRST)
    stores.idempotency.finish(tenant, "key-hash", ANSWER)
    assert stores.idempotency.begin(tenant, _at(KEPT + timedelta(seconds=1), request_hash="another-body")) is None
    with pytest.raises(IdempotencyInProgress):
        stores.idempotency.begin(tenant, _at(KEPT + timedelta(seconds=2), request_hash="another-body"))


def test_tenants_and_keys_do_not_meet(stores: Stores, tenant: str, other_tenant: str) -> None:
    stores.idempotency.begin(tenant, FIRST)
    assert stores.idempotency.begin(other_tenant, FIRST) is None
    assert stores.idempotency.begin(tenant, replace(FIRST, key_hash="another-key")) is None


def _begin(stores: Stores, tenant: str, attempt: Attempt) -> Callable[[], str]:
    def begin() -> str:
        try:
            return "performed" if stores.idempotency.begin(tenant, attempt) is None else "replayed"
        except IdempotencyInProgress:
            return "waiting"

    return begin


def test_of_fifty_simultaneous_requests_one_is_performed(stores: Stores, tenant: str) -> None:
    outcomes = race([_begin(stores, tenant, FIRST)] * 50)
    assert sorted(outcomes) == ["performed"] + ["waiting"] * 49


def test_of_ten_simultaneous_takeovers_one_succeeds(stores: Stores, tenant: str) -> None:
    stores.idempotency.begin(tenant, FIRST)
    outcomes = race([_begin(stores, tenant, _at(RESERVATION_LEASE))] * 10)
    assert sorted(outcomes) == ["performed"] + ["waiting"] * 9
