"""The phases of a rotation of keys, one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.identifiers import is_identifier
from fanfare.domain.key_rotation import (
    WAIT,
    begin_rotation,
    end_phase,
    first_index_key,
    is_due,
    next_data_key,
    next_index_key,
    note_progress,
)  # fmt: skip
from fanfare.domain.tenant import Tenant, attention_at
from fanfare.domain.tenant_keys import FIRST_INDEX_KEY, IndexKeys, KeyRotation, Phase
from tests.factories import NOW, a_tenant

MOMENT = timedelta(microseconds=1)
LATER = NOW + timedelta(hours=1)
OLD, NEW = "1-0", "2-1"


def _begun(tenant: Tenant | None = None, version: str = "2") -> Tenant:
    begun = begin_rotation(tenant or a_tenant(), version, NOW)
    assert begun is not None
    return begun


def _ended(tenant: Tenant, now: datetime = LATER) -> Tenant:
    assert tenant.rotation is not None
    ended = end_phase(tenant, tenant.rotation, now)
    assert ended is not None
    return ended


def _phases() -> Iterator[Tenant]:
    """A tenant in every phase of its rotation, and after it."""
    tenant = _begun()
    while tenant.rotation is not None:
        yield tenant
        tenant = _ended(tenant)
    yield tenant


@pytest.mark.parametrize(
    ("position", "phase", "index", "waits"),
    [
        (0, Phase.ANNOUNCED, IndexKeys(OLD, NEW), NOW + WAIT),
        (1, Phase.FILLING_PROFILES, IndexKeys(OLD, NEW), LATER),
        (2, Phase.FILLING_DEVICES, IndexKeys(OLD, NEW), LATER),
        (3, Phase.SWITCHED, IndexKeys(NEW, OLD), LATER + WAIT),
        (4, Phase.CLOSED, IndexKeys(NEW), LATER + WAIT),
        (5, Phase.CLEARING_PROFILES, IndexKeys(NEW), LATER),
        (6, Phase.CLEARING_DEVICES, IndexKeys(NEW), LATER),
        (7, Phase.CLEARING_LOCKS, IndexKeys(NEW), LATER),
    ],
)
def test_each_phase_has_its_keys_and_its_time(position: int, phase: Phase, index: IndexKeys, waits: datetime) -> None:
    tenant = list(_phases())[position]
    assert tenant.rotation == KeyRotation(phase, started_at=NOW, due_at=waits, retiring=OLD)
    assert (tenant.index, tenant.data_key_id, tenant.keys_rotated_at) == (index, next_data_key(a_tenant()), None)


def test_after_the_last_phase_nothing_is_left_but_new_keys() -> None:
    tenant = list(_phases())[-1]
    assert tenant == replace(a_tenant(), data_key_id=next_data_key(a_tenant()), index=IndexKeys(NEW), keys_rotated_at=LATER)


def test_instances_one_phase_apart_hold_a_lock_in_common_and_find_what_the_other_writes() -> None:
    for before, after in itertools.pairwise([a_tenant(), *_phases()]):
        assert set(before.index.written) & set(after.index.written)
        assert before.index.current in after.index.written
        assert after.index.current in before.index.written


def test_a_second_beginning_changes_nothing() -> None:
    assert begin_rotation(_begun(), "3", LATER) is None


def test_whoever_goes_by_an_older_state_changes_nothing() -> None:
    begun = _begun()
    seen = begun.rotation
    assert seen is not None
    filling = _ended(begun)
    assert filling.rotation is not None
    assert end_phase(filling, seen, LATER) is None
    assert note_progress(filling, seen, "device-1", 5, LATER) is None
    moved_on = note_progress(filling, filling.rotation, "device-1", 5, LATER)
    assert moved_on is not None
    assert end_phase(moved_on, filling.rotation, LATER) is None
    assert end_phase(list(_phases())[-1], seen, LATER) is None


def test_progress_adds_up_and_ends_with_its_phase() -> None:
    tenant = list(_phases())[2]
    for cursor in ("a", "b"):
        assert tenant.rotation is not None
        noted = note_progress(tenant, tenant.rotation, cursor, 100, LATER + WAIT)
        assert noted is not None
        tenant = noted
    assert tenant.rotation == KeyRotation(Phase.FILLING_DEVICES, NOW, LATER + WAIT, OLD, cursor="b", done=200)
    assert _ended(tenant).rotation == KeyRotation(Phase.SWITCHED, NOW, LATER + WAIT, OLD)


def test_a_phase_is_due_at_its_time_and_no_tenant_without_one() -> None:
    begun = _begun()
    assert [is_due(begun, at) for at in (NOW, NOW + WAIT - MOMENT, NOW + WAIT)] == [False, False, True]
    assert not is_due(a_tenant(), LATER)


def test_a_rotation_holds_no_message() -> None:
    assert {attention_at(tenant) for tenant in _phases()} == {None}


# The keys


def test_every_rotation_has_keys_of_its_own_even_of_one_secret() -> None:
    tenant, data_keys, index_keys = a_tenant(), ["key-1"], [FIRST_INDEX_KEY]
    for _ in range(3):
        tenant = _begun(tenant, "1")
        while tenant.rotation is not None:
            tenant = _ended(tenant)
        data_keys.append(tenant.data_key_id)
        index_keys.append(tenant.index.current)
    assert index_keys == ["1-0", "1-1", "1-2", "1-3"]
    assert len(set(data_keys)) == 4
    assert all(is_identifier(key) for key in data_keys)


def test_two_tenants_have_different_data_keys() -> None:
    assert next_data_key(a_tenant()) == next_data_key(a_tenant()) != next_data_key(a_tenant(id="globex"))


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 30))
def test_an_index_key_is_never_used_again(first: int, version: int, rotations: int) -> None:
    keys = [first_index_key(str(first))]
    for _ in range(rotations):
        keys.append(next_index_key(keys[-1], str(version)))
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("keys", "written"), [(IndexKeys("1-0"), ("1-0",)), (IndexKeys("2-1", "1-0"), ("2-1", "1-0"))])
def test_writes_go_under_every_key_the_one_for_lookups_first(keys: IndexKeys, written: tuple[str, ...]) -> None:
    assert keys.written == written
