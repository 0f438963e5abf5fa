"""What every store does with notifications that have ended: it finds them in their order, and removes none that was taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.broadcast_progress import Part
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.dead_letter import DeadLetter, dead_letter_id
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.retention import Ended, Kind, Place
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_call, a_notification, a_recipient

DAY = timedelta(days=1)
EDITED = trail("notification.updated", a_call().actor, NOW)


def _end(stores: Stores, tenant: str, name: str, at: datetime | None = NOW, *, failed: int = 0) -> Notification:
    """A notification of one chunk that has ended, with its chunk and its recipients, and a dead letter where it failed."""
    told = a_notification(id=name, tenant=tenant)
    assert stores.notifications.accept(told, [a_recipient()]) is None
    claim = stores.chunks.claim(ChunkKey(tenant, name, 0), "owner", NOW)
    assert isinstance(claim, Chunk)
    status = NotificationStatus.COMPLETED if at else NotificationStatus.SENDING
    ended = replace(told, status=status, completed_at=at, counts=Counts(1, sent=1 - failed, failed=failed))
    letter = _letter(tenant, name) if failed else None
    assert stores.chunks.conclude(replace(claim, state=ChunkState.DONE, completed_at=at), ended, letter)
    return ended


def _end_many(stores: Stores, tenant: str, name: str, chunks: int = 3) -> Ended:
    """A notification of many chunks that has ended, with its chunks, their sums, their recipients, and a dead letter of the second."""
    layout = Layout(Source.RECIPIENTS, stages=(chunks,))
    told = a_notification(id=name, tenant=tenant, layout=layout, chunk_count=chunks, status=NotificationStatus.SENDING)
    assert stores.notifications.accept(told, []) is None
    stores.recipients.write(tenant, name, 0, [[a_recipient()]] * chunks)
    for number in range(chunks):
        chunk = Chunk(ChunkKey(tenant, name, number), ChunkState.DONE, "owner", NOW, NOW)
        assert stores.progress.create_ended(chunk, Part(0, number)) is not None
    over = {"status": NotificationStatus.COMPLETED, "completed_at": NOW, "counts": Counts(chunks, sent=chunks - 1, failed=1)}
    assert stores.notifications.update(tenant, name, lambda stored: replace(stored, **over), EDITED) is not None
    return stores.ended.find(tenant, NOW, 1)[0]


def _letter(tenant: str, name: str, number: int = 0, at: datetime = NOW) -> DeadLetter:
    key = ChunkKey(tenant, name, number)
    return DeadLetter(dead_letter_id(key), key, {"UNAVAILABLE": 1}, "UNAVAILABLE", at)


def _take_up(stores: Stores, tenant: str, name: str) -> None:
    """What a replay does to a notification, as far as cleanup sees it."""
    stores.notifications.set_next_check(ChunkKey(tenant, name, 0), NOW)


def _rows(stores: Stores, tenant: str, name: str, numbers: Sequence[int] = (0, 1, 2)) -> list[int]:
    return [number for number in numbers if stores.chunks.read_recipients(ChunkKey(tenant, name, number))]


def _chunks(stores: Stores, tenant: str, name: str, numbers: Sequence[int] = (0, 1, 2)) -> list[int]:
    found = stores.chunks.get_many([ChunkKey(tenant, name, number) for number in numbers])
    return [number for number, chunk in zip(numbers, found, strict=True) if chunk is not None]


def test_ended_notifications_are_found_in_the_order_of_their_ends(stores: Stores, tenant: str, other_tenant: str) -> None:
    _end(stores, tenant, "b", NOW - DAY)
    _end(stores, tenant, "a", NOW - DAY, failed=1)
    _end(stores, tenant, "c", NOW - 2 * DAY)
    _end(stores, tenant, "d", NOW)
    _end(stores, tenant, "under-way", None)
    _end(stores, other_tenant, "e", NOW - DAY)
    found = stores.ended.find(tenant, NOW - DAY, 10)
    assert [(ended.id, ended.at, ended.has_failures, ended.is_large) for ended in found] == [
        ("c", NOW - 2 * DAY, False, False),
        ("a", NOW - DAY, True, False),
        ("b", NOW - DAY, False, False),
    ]
    assert [ended.id for ended in stores.ended.find(tenant, NOW - DAY, 1, found[0].place)] == ["a"]
    assert [ended.id for ended in stores.ended.find(tenant, NOW, 10, found[1].place)] == ["b", "d"]
    assert stores.ended.find(tenant, NOW, 10, Place(NOW, "d")) == []


def test_places_are_kept_by_kind_and_tenant(stores: Stores, tenant: str, other_tenant: str) -> None:
    assert stores.ended.get_places(tenant) == {}
    stores.ended.set_place(tenant, Kind.RECIPIENTS, Place(NOW - DAY, "a"))
    stores.ended.set_place(tenant, Kind.CHUNKS, Place(NOW, "b"))
    stores.ended.set_place(tenant, Kind.RECIPIENTS, Place(NOW, "c"))
    assert stores.ended.get_places(tenant) == {Kind.RECIPIENTS: Place(NOW, "c"), Kind.CHUNKS: Place(NOW, "b")}
    assert stores.ended.get_places(other_tenant) == {}


def test_rows_of_notifications_of_one_chunk_go(stores: Stores, tenant: str) -> None:
    _end(stores, tenant, "a")
    _end(stores, tenant, "b", failed=1)
    assert stores.ended.with_dead_letter(tenant, ["a", "b", "unknown"]) == {"b"}
    stores.ended.remove_rows(tenant, ["a", "unknown"])
    stores.ended.remove_rows(tenant, ["a"])
    assert [_rows(stores, tenant, name) for name in "ab"] == [[], [0]]
    assert stores.notifications.get(tenant, "a") is not None


def test_notification_of_one_chunk_goes_with_all_that_is_its_own(stores: Stores, tenant: str) -> None:
    for name in "abc":
        _end(stores, tenant, name, failed=1)
    found = stores.ended.find(tenant, NOW, 2)
    assert stores.ended.remove_small(tenant, found, NOW, whole=True) == 2
    assert [name for name in "abc" if stores.notifications.get(tenant, name)] == ["c"]
    assert stores.ended.with_dead_letter(tenant, list("abc")) == {"c"}
    assert [(_rows(stores, tenant, name), _chunks(stores, tenant, name)) for name in "abc"] == [([], []), ([], []), ([0], [0])]
    assert [ended.id for ended in stores.ended.find(tenant, NOW, 10)] == ["c"]


def test_notification_of_one_chunk_may_outlive_what_is_below_it(stores: Stores, tenant: str) -> None:
    ended = _end(stores, tenant, "a", failed=1)
    assert stores.ended.remove_small(tenant, stores.ended.find(tenant, NOW, 1), NOW, whole=False) == 1
    stored = stores.notifications.get(tenant, "a")
    assert stored is not None
    assert (stored.counts, stored.completed_at) == (ended.counts, NOW)
    assert (_rows(stores, tenant, "a"), _chunks(stores, tenant, "a"), stores.ended.with_dead_letter(tenant, ["a"])) == ([], [], set())


@pytest.mark.parametrize("whole", [False, True])
def test_notification_that_was_taken_up_again_stays_and_keeps_no_other(stores: Stores, tenant: str, *, whole: bool) -> None:
    for name in "abc":
        _end(stores, tenant, name, failed=1)
    found = stores.ended.find(tenant, NOW, 3)
    _take_up(stores, tenant, "b")
    assert stores.ended.remove_small(tenant, found, NOW, whole=whole) == 2
    assert [(_rows(stores, tenant, name), _chunks(stores, tenant, name)) for name in "abc"] == [([], []), ([0], [0]), ([], [])]
    assert stores.ended.with_dead_letter(tenant, list("abc")) == {"b"}


def test_notifications_may_be_removed_by_several_at_once(stores: Stores, tenant: str) -> None:
    for name in "abcd":
        _end(stores, tenant, name)
    found = stores.ended.find(tenant, NOW, 4)
    race([lambda: stores.ended.remove_small(tenant, found, NOW, whole=True)] * 3)
    assert stores.ended.find(tenant, NOW, 4) == []
    assert [_chunks(stores, tenant, name) for name in "abcd"] == [[]] * 4


def test_notification_of_many_chunks_goes_piece_by_piece(stores: Stores, tenant: str) -> None:
    ended = _end_many(stores, tenant, "many")
    assert (ended.id, ended.is_large, ended.has_failures) == ("many", True, True)
    assert stores.ended.fence(tenant, ended, NOW)
    assert not stores.ended.fence(tenant, ended, NOW), "it has another revision now"
    assert stores.ended.remove_below(tenant, "many", Kind.RECIPIENTS, 1, keep={0, 1}) == 1
    assert stores.ended.remove_below(tenant, "many", Kind.RECIPIENTS, 5, keep={0, 1}) == 0
    assert _rows(stores, tenant, "many") == [0, 1]
    assert [stores.ended.remove_below(tenant, "many", Kind.RECIPIENTS, 5) for _ in range(2)] == [2, 0]
    assert [stores.ended.remove_below(tenant, "many", Kind.CHUNKS, 2) for _ in range(3)] == [2, 1, 0]
    stores.ended.remove_large(tenant, "many")
    stores.ended.remove_large(tenant, "many")
    assert stores.notifications.get(tenant, "many") is None
    assert (_rows(stores, tenant, "many"), _chunks(stores, tenant, "many")) == ([], [])


def test_notification_of_many_chunks_that_was_taken_up_again_is_not_fenced(stores: Stores, tenant: str) -> None:
    ended = _end_many(stores, tenant, "many")
    stores.notifications.update(tenant, "many", lambda stored: replace(stored, completed_at=None), EDITED)
    assert not stores.ended.fence(tenant, ended, NOW)


def test_dead_letters_are_found_when_they_are_due(stores: Stores, tenant: str, other_tenant: str) -> None:
    _end(stores, tenant, "a", failed=1)
    _end(stores, tenant, "ab", failed=1)
    _end(stores, other_tenant, "c", failed=1)
    assert sorted(due.letter.id for due in stores.ended.find_letters(tenant, NOW, 10)) == ["a-0", "ab-0"]
    assert len(stores.ended.find_letters(tenant, NOW, 1)) == 1
    assert stores.ended.find_letters(tenant, NOW - DAY, 10) == []
    assert [stores.ended.remove_letters(tenant, "a", 5) for _ in range(2)] == [1, 0]
    assert [due.letter.id for due in stores.ended.find_letters(tenant, NOW, 10)] == ["ab-0"]


@pytest.mark.parametrize("with_rows", [False, True])
def test_dead_letter_goes_with_its_rows_or_without(stores: Stores, tenant: str, *, with_rows: bool) -> None:
    _end(stores, tenant, "a", failed=1)
    (due,) = stores.ended.find_letters(tenant, NOW, 10)
    assert stores.ended.remove_letter(due, with_rows=with_rows)
    assert stores.ended.remove_letter(due, with_rows=with_rows), "it is gone, whoever removed it"
    assert stores.ended.find_letters(tenant, NOW, 10) == []
    assert _rows(stores, tenant, "a") == ([] if with_rows else [0])


def test_dead_letter_that_was_made_anew_stays_with_its_rows(stores: Stores, tenant: str) -> None:
    told = _end(stores, tenant, "a", failed=1)
    (due,) = stores.ended.find_letters(tenant, NOW, 10)
    (chunk,) = stores.chunks.get_many([ChunkKey(tenant, "a", 0)])
    assert chunk is not None
    assert stores.chunks.conclude(chunk, told, _letter(tenant, "a", at=NOW - DAY))
    assert not stores.ended.remove_letter(due, with_rows=True)
    assert _rows(stores, tenant, "a") == [0]
