"""The brake: too many targets that die of the same answer at once are not believed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.brake import MOST_HELD_CHUNKS, HeldChunk, Quarantine, Tally, add_held, implausible_kind, since_release, within_window
from fanfare.domain.classification import Kind
from tests.factories import NOW

GONE, FOREIGN, BAD = Kind.UNREGISTERED, Kind.SENDER_ID_MISMATCH, Kind.BAD_TARGET
FIRST, SECOND = HeldChunk("notification-1", 0), HeldChunk("notification-1", 1)


def tally(results: int, ago: timedelta = timedelta(0), **dead: int) -> Tally:
    """What one pass saw: `gone`, `foreign` and `bad` of `results` answers."""
    kinds = {"gone": GONE, "foreign": FOREIGN, "bad": BAD}
    return Tally(NOW - ago, results, {kinds[name]: number for name, number in dead.items()})


@pytest.mark.parametrize(
    ("seen", "judged"),
    [
        (tally(0), None),
        (tally(500), None),
        (tally(49, gone=49), None),
        (tally(50, gone=50), GONE),
        (tally(50, gone=25), None),
        (tally(50, gone=26), GONE),
        (tally(51, gone=25), None),
        (tally(51, gone=26), GONE),
        (tally(500, gone=250), None),
        (tally(500, gone=251), GONE),
        (tally(500, foreign=300), FOREIGN),
        (tally(500, bad=300), BAD),
        (tally(50, gone=25, foreign=25), None),
        (tally(50, gone=30, foreign=20), GONE),
        (tally(50, gone=24, foreign=26), FOREIGN),
        (tally(50, gone=17, foreign=17, bad=16), None),
    ],
)
def test_more_than_half_of_fifty_or_more_dying_the_same_way_is_implausible(seen: Tally, judged: Kind | None) -> None:
    assert implausible_kind([seen]) is judged


@pytest.mark.parametrize(
    ("seen", "judged"),
    [
        ([], None),
        ([tally(1, gone=1)] * 49, None),
        ([tally(1, gone=1)] * 50, GONE),
        ([tally(1, gone=1)] * 25 + [tally(1)] * 25, None),
        ([tally(1)] * 24 + [tally(1, gone=1)] * 26, GONE),
        ([tally(30, gone=10, foreign=10), tally(30, foreign=21)], FOREIGN),
        # A big audience that was well does not outweigh a pass that is wholly wrong.
        ([tally(10_000), tally(50, gone=26)], GONE),
        ([tally(10_000), tally(49, gone=49)], None),
        # A pass that was wrong has been judged in its turn.
        ([tally(50, gone=26), tally(10_000)], None),
    ],
)
def test_latest_pass_is_judged_by_itself_and_all_of_the_window_together(seen: list[Tally], judged: Kind | None) -> None:
    assert implausible_kind(seen) is judged


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(st.sampled_from([GONE, FOREIGN, BAD]), max_size=80), st.integers(0, 80))
def test_judgement_is_the_same_however_the_answers_came_in_and_needs_fifty(retiring: list[Kind], others: int) -> None:
    results = len(retiring) + others
    judged = implausible_kind([Tally(NOW, results, Counter(retiring))])
    one_by_one = [Tally(NOW, 1, {}) for _ in range(others)] + [Tally(NOW, 1, {kind: 1}) for kind in retiring]
    assert judged is implausible_kind(one_by_one)
    assert (judged is not None) == (results >= 50 and any(retiring.count(kind) > results / 2 for kind in (GONE, FOREIGN, BAD)))


def test_answers_count_for_ten_minutes() -> None:
    late, in_time, now = tally(9, timedelta(minutes=10, microseconds=1)), tally(8, timedelta(minutes=10)), tally(7)
    assert within_window([late, in_time, now], NOW) == [in_time, now]


def test_what_a_release_has_settled_no_longer_counts() -> None:
    before, at, after = tally(9, timedelta(seconds=2)), tally(8, timedelta(seconds=1)), tally(7)
    assert since_release([before, at, after], NOW - timedelta(seconds=1)) == [after]
    assert since_release([before, at, after], None) == [before, at, after]


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
