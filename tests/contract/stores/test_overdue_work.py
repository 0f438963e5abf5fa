"""What every notification store does for the sweep and for what failed for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import LEASE, Chunk, ChunkKey, ChunkState
from fanfare.domain.dead_letter import DeadLetter, DeadLetterKind, Replay
from fanfare.domain.errors import Unavailable
from fanfare.domain.filters import DeadLetterFilter
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.sweeping import Overdue
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification, a_recipient

SECOND = timedelta(seconds=1)


def _key(name: str, tenant: str = "acme") -> ChunkKey:
    return ChunkKey(tenant, name, 0)


def _accept(stores: Stores, name: str, *, tenant: str = "acme", check: timedelta | None = None) -> ChunkKey:
    next_check_at = NOW + check if check is not None else None
    stores.notifications.accept(a_notification(id=name, tenant=tenant, next_check_at=next_check_at), [a_recipient()])
    return _key(name, tenant)


def _claim(stores: Stores, key: ChunkKey) -> Chunk:
    chunk = stores.chunks.claim(key, "owner-1", NOW)
    assert isinstance(chunk, Chunk)
    return chunk


def _put(stores: Stores, name: str, *, tenant: str = "acme", state: ChunkState = ChunkState.RETRYING, check: timedelta | None = None) -> ChunkKey:
    key = _key(name, tenant)
    chunk = replace(_claim(stores, key), state=state, next_check_at=NOW + check if check is not None else None)
    assert stores.chunks.save_chunk(chunk) is not None
    return key


def test_overdue_notifications_of_all_tenants_are_found_the_oldest_first(stores: Stores, tenant: str, other_tenant: str) -> None:
    expected = [
        _accept(stores, "oldest", check=-3 * SECOND),
        _accept(stores, "theirs", tenant=other_tenant, check=-2 * SECOND),
        _accept(stores, "now", check=0 * SECOND),
    ]
    _accept(stores, "later", check=SECOND)
    _accept(stores, "never")
    assert stores.notifications.find_overdue(NOW, 10) == Overdue([], expected)
    assert stores.notifications.find_overdue(NOW, 2) == Overdue([], expected[:2])


def test_overdue_chunks_of_all_tenants_are_found_the_oldest_first(stores: Stores, tenant: str, other_tenant: str) -> None:
    expected = [_put(stores, "theirs", tenant=other_tenant, check=-2 * SECOND), _put(stores, "mine", check=-SECOND)]
    _put(stores, "later", check=SECOND)
    _put(stores, "done", state=ChunkState.DONE)
    assert stores.notifications.find_overdue(NOW, 10) == Overdue(expected, [])


def test_next_check_is_moved_and_ended(stores: Stores, tenant: str) -> None:
    key = _accept(stores, "n", check=-SECOND)
    stores.notifications.set_next_check(key, NOW + SECOND)
    assert stores.notifications.find_overdue(NOW, 10) == Overdue([], [])
    assert stores.notifications.find_overdue(NOW + SECOND, 10) == Overdue([], [key])
    stores.notifications.set_next_check(key, None)
    assert stores.notifications.find_overdue(NOW + timedelta(days=1), 10) == Overdue([], [])
    assert stores.notifications.get(tenant, "n") == a_notification(id="n")


def test_next_check_of_an_unknown_notification_is_not_made_up(stores: Stores, tenant: str) -> None:
    with pytest.raises(Unavailable):
        stores.notifications.set_next_check(_key("unknown"), NOW)
    assert stores.notifications.get(tenant, "unknown") is None


def test_parked_chunks_of_one_tenant_are_found(stores: Stores, tenant: str, other_tenant: str) -> None:
    parked = {_put(stores, "a", state=ChunkState.PARKED), _put(stores, "b", state=ChunkState.PARKED)}
    _put(stores, "retrying")
    _put(stores, "theirs", tenant=other_tenant, state=ChunkState.PARKED)
    assert set(stores.chunks.find_parked(tenant, 10)) == parked
    assert len(stores.chunks.find_parked(tenant, 1)) == 1


def test_parked_chunks_are_found_page_by_page_wherever_the_last_page_ended(stores: Stores, tenant: str, other_tenant: str) -> None:
    names = ["b", "a", "C", "c-", "c"]
    for name in names:
        _put(stores, name, state=ChunkState.PARKED)
    _put(stores, "bb", tenant=other_tenant, state=ChunkState.PARKED)
    keys = [_key(name) for name in sorted(names)]
    assert stores.chunks.find_parked(tenant, 2) == keys[:2]
    assert stores.chunks.find_parked(tenant, 2, keys[1]) == keys[2:4]
    assert stores.chunks.find_parked(tenant, 2, keys[3]) == keys[4:]
    assert stores.chunks.find_parked(tenant, 2, keys[4]) == []
    assert stores.chunks.find_parked(tenant, 10, _key("aa")) == keys[2:], "the last one need not be parked any more"


def test_parked_chunks_of_one_notification_are_ordered_by_name(stores: Stores, tenant: str) -> None:
    keys = [ChunkKey("acme", "n", number) for number in (0, 1, 10, 11, 2)]
    for key in reversed(keys):
        assert stores.chunks.save_chunk(replace(_claim(stores, key), state=ChunkState.PARKED)) is not None
    assert stores.chunks.find_parked(tenant, 10) == keys
    assert stores.chunks.find_parked(tenant, 10, keys[2]) == keys[3:]


# Dead letters


def _letter(name: str) -> DeadLetter:
    return DeadLetter(f"{name}-0", _key(name), {"UNAVAILABLE": 2, "a.b": 1}, "UNAVAILABLE", NOW)


def _bury(stores: Stores, name: str, at: datetime = NOW) -> DeadLetter:
    letter = replace(_letter(name), created_at=at)
    chunk = _claim(stores, _accept(stores, name))
    finished = a_notification(id=name, status=NotificationStatus.COMPLETED)
    assert stores.chunks.conclude(replace(chunk, state=ChunkState.DONE), finished, letter)
    return letter


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": DeadLetterKind.NOTIFICATION}, "cba"),
        ({"created_after": NOW}, "cb"),
        ({"created_before": NOW}, "ba"),
        ({"kind": DeadLetterKind.NOTIFICATION, "created_after": NOW, "created_before": NOW}, "b"),
    ],
)
def test_dead_letters_are_found_by_kind_and_time(stores: Stores, tenant: str, fields: dict[str, Any], expected: str) -> None:
    for name, age in (("a", -SECOND), ("b", 0 * SECOND), ("c", SECOND)):
        _bury(stores, name, NOW + age)
    page = stores.notifications.list_dead_letters(tenant, DeadLetterFilter(**fields), 10, None)
    assert [letter.id for letter in page.items] == [f"{name}-0" for name in expected]


def _replay(stores: Stores, name: str) -> Replay:
    found = stores.notifications.get_with_chunk(_key(name))
    assert found is not None
    notification, chunk = found
    assert chunk is not None
    again = replace(chunk, state=ChunkState.RETRYING, due_at=NOW, planned_at=NOW, counts=Counts(2, retrying=2))
    return Replay(again, replace(notification, status=NotificationStatus.SENDING, status_reason="replayed"))


def test_dead_letter_is_stored_with_the_end_of_its_chunk(stores: Stores, tenant: str) -> None:
    assert stores.notifications.get_dead_letter(tenant, "n-0") is None
    assert stores.notifications.get_dead_letter(tenant, _bury(stores, "n").id) == _letter("n")


def test_refused_end_leaves_no_dead_letter(stores: Stores, tenant: str) -> None:
    chunk = _claim(stores, _accept(stores, "n"))
    assert isinstance(stores.chunks.claim(chunk.key, "owner-2", NOW + 2 * LEASE), Chunk)
    assert not stores.chunks.conclude(chunk, a_notification(id="n"), _letter("n"))
    assert stores.notifications.get_dead_letter(tenant, "n-0") is None


def test_dead_letters_are_listed_by_page_and_tenant(stores: Stores, tenant: str, other_tenant: str) -> None:
    letters = [_bury(stores, name, NOW + age) for name, age in (("b", -SECOND), ("c", 0 * SECOND), ("a", -2 * SECOND))]
    expected = [letters[1], letters[0], letters[2]]
    everything = DeadLetterFilter()
    first = stores.notifications.list_dead_letters(tenant, everything, 2, None)
    _bury(stores, "d", NOW + SECOND)
    second = stores.notifications.list_dead_letters(tenant, everything, 2, first.next_after)
    assert (list(first.items), list(second.items), second.next_after) == (expected[:2], expected[2:], None)
    assert list(stores.notifications.list_dead_letters(other_tenant, everything, 2, None).items) == []
    assert stores.notifications.get_dead_letter(other_tenant, "a-0") is None


def test_replay_is_stored_with_chunk_notification_and_letter(stores: Stores, tenant: str) -> None:
    letter, replay = _bury(stores, "n"), _replay(stores, "n")
    replayed = stores.notifications.replay(letter, replay, NOW + SECOND)
    assert replayed == replace(letter, replayed_at=NOW + SECOND)
    assert stores.notifications.get_dead_letter(tenant, letter.id) == replayed
    assert stores.notifications.get_with_chunk(letter.key) == (replay.notification, replay.chunk)


def test_second_replay_from_the_same_state_is_refused(stores: Stores, tenant: str) -> None:
    letter, replay = _bury(stores, "n"), _replay(stores, "n")
    stores.notifications.replay(letter, replay, NOW + SECOND)
    assert stores.notifications.replay(letter, replay, NOW + 2 * SECOND) is None
    assert stores.notifications.get_dead_letter(tenant, letter.id) == replace(letter, replayed_at=NOW + SECOND)
