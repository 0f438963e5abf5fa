"""The brake: too many targets that die of the same answer at once are not believed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.brake import MOST_HELD_CHUNKS, HeldChunk, Quarantine, add_held, implausible_kind
from fanfare.domain.classification import Kind
from tests.factories import NOW

GONE, FOREIGN, BAD = Kind.UNREGISTERED, Kind.SENDER_ID_MISMATCH, Kind.BAD_TARGET
FIRST, SECOND = HeldChunk("notification-1", 0), HeldChunk("notification-1", 1)


@pytest.mark.parametrize(
    ("retiring", "results", "judged"),
    [
        ([], 0, None),
        ([], 500, None),
        ([GONE] * 49, 49, None),
        ([GONE] * 50, 50, GONE),
        ([GONE] * 25, 50, None),
        ([GONE] * 26, 50, GONE),
        ([GONE] * 25, 51, None),
        ([GONE] * 26, 51, GONE),
        ([GONE] * 250, 500, None),
        ([GONE] * 251, 500, GONE),
        ([FOREIGN] * 300, 500, FOREIGN),
        ([BAD] * 300, 500, BAD),
        ([GONE] * 25 + [FOREIGN] * 25, 50, None),
        ([GONE] * 30 + [FOREIGN] * 20, 50, GONE),
        ([FOREIGN] * 26 + [GONE] * 24, 50, FOREIGN),
        ([GONE] * 17 + [FOREIGN] * 17 + [BAD] * 16, 50, None),
    ],
)
def test_more_than_half_of_fifty_or_more_dying_the_same_way_is_implausible(retiring: list[Kind], results: int, judged: Kind | None) -> None:
    assert implausible_kind(retiring, results) is judged


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(st.sampled_from([GONE, FOREIGN, BAD]), max_size=80), st.integers(0, 80))
def test_judgement_does_not_depend_on_the_order_and_needs_fifty_results(retiring: list[Kind], others: int) -> None:
    results = len(retiring) + others
    judged = implausible_kind(retiring, results)
    assert judged is implausible_kind(retiring[::-1], results)
    assert (judged is not None) == (results >= 50 and any(retiring.count(kind) > results / 2 for kind in (GONE, FOREIGN, BAD)))


def test_quarantine_begins_with_the_chunk_that_pulled_the_brake() -> None:
    assert add_held(None, "unregistered", FIRST, NOW) == Quarantine("unregistered", NOW, (FIRST,))


def test_chunk_that_ran_meanwhile_joins_without_changing_why_and_since_when() -> None:
    begun = Quarantine("unregistered", NOW, (FIRST,))
    assert add_held(begun, "sender_id_mismatch", SECOND, NOW + timedelta(minutes=1)) == Quarantine("unregistered", NOW, (FIRST, SECOND))


def test_held_chunk_is_not_added_twice() -> None:
    assert add_held(Quarantine("unregistered", NOW, (FIRST, SECOND)), "unregistered", FIRST, NOW) is None


def test_list_of_held_chunks_is_bounded() -> None:
    full = Quarantine("unregistered", NOW, tuple(HeldChunk("notification-1", number) for number in range(MOST_HELD_CHUNKS - 1)))
    added = add_held(full, "unregistered", HeldChunk("notification-2", 0), NOW)
    assert added is not None
    assert len(added.held) == MOST_HELD_CHUNKS
    assert add_held(added, "unregistered", HeldChunk("notification-3", 0), NOW) is None
