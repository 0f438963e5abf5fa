"""Sums of many chunks: parts, differences and ends."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.broadcast_progress import (
    NOTHING,
    PARTS,
    Part,
    Progress,
    Sums,
    add_sums,
    difference,
    is_all_done,
    is_stage_done,
    part_of,
    parts_of,
    size_of,
    sums_of,
)
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts
from fanfare.domain.outcome import Outcome, Result, count

results = st.lists(
    st.builds(Result, st.sampled_from(Outcome), st.sampled_from(["A", "B", "m/1"]), st.just(200), st.just(1), st.sampled_from([None, *Platform])),
    max_size=12,
)
layouts = st.lists(st.integers(1, 40), min_size=1, max_size=4).map(
    lambda sizes: Layout(Source.RECIPIENTS, None, tuple(sum(sizes[: number + 1]) for number in range(len(sizes))))
)


def _sums(found: Sequence[Result], *, is_final: bool = True) -> Sums:
    return sums_of(found, count(found, len(found)), is_final=is_final)


def test_results_are_counted_by_outcome_code_and_platform() -> None:
    found = [
        Result(Outcome.SENT, "m/1", 200, 1, Platform.ANDROID),
        Result(Outcome.SENT, "m/2", 200, 1, Platform.ANDROID),
        Result(Outcome.FAILED, "UNREGISTERED", 404, 1, Platform.IOS),
        Result(Outcome.FAILED, "UNREGISTERED", 404, 1, None),
        Result(Outcome.RETRYING, "UNAVAILABLE", 503, 1, Platform.WEB),
    ]
    expected = Sums(1, Counts(5, 2, 2, 1), {"UNREGISTERED": 2}, {"android": {"sent": 2}, "ios": {"failed": 1}})
    assert _sums(found) == expected
    assert _sums(found, is_final=False).done == 0


@given(results, results)
def test_difference_makes_of_one_the_other(before: list[Result], after: list[Result]) -> None:
    earlier, later = _sums(before, is_final=False), _sums(after)
    assert add_sums([earlier, difference(later, earlier)]) == later
    assert difference(later, later) == NOTHING


@given(st.lists(results, max_size=5))
def test_sums_of_parts_are_those_of_the_whole(groups: list[list[Result]]) -> None:
    whole = [result for group in groups for result in group]
    together = add_sums(_sums(group) for group in groups)
    assert (together.counts, together.errors, together.platforms) == (_sums(whole).counts, _sums(whole).errors, _sums(whole).platforms)
    assert together.done == len(groups)


@given(layouts)
def test_each_chunk_is_in_one_part_and_the_sizes_add_up(layout: Layout) -> None:
    numbers = range(layout.stages[-1])
    parts = [part_of(layout, number) for number in numbers]
    listed = [part for stage in range(len(layout.stages)) for part in parts_of(layout, stage)]
    assert set(listed) == set(parts)
    assert len(listed) == len(set(listed))
    assert all(size_of(layout, part) == parts.count(part) for part in listed)
    assert max(len(parts_of(layout, stage)) for stage in range(len(layout.stages))) <= PARTS


def test_stage_without_chunks_has_no_parts() -> None:
    assert parts_of(Layout(Source.AUDIENCE, 1, (0,)), 0) == []


def test_part_is_named_by_its_stage_and_number() -> None:
    assert Part(2, 11).name == "2-11"


@pytest.mark.parametrize(
    ("stages", "done", "is_done"),
    [((), (), False), ((2,), (1,), False), ((2,), (2,), True), ((2, 5), (2, 2), False), ((2, 5), (2, 3), True), ((0,), (0,), True)],
)
def test_all_is_done_when_every_chunk_of_every_stage_is(stages: tuple[int, ...], done: tuple[int, ...], is_done: bool) -> None:  # noqa: FBT001
    layout, progress = Layout(Source.AUDIENCE, 1, stages), Progress(tuple(Sums(number) for number in done))
    assert is_all_done(layout, progress) == is_done
    assert progress.total.done == sum(done)


def test_stage_is_done_by_itself() -> None:
    progress = Progress((Sums(2), Sums(1)))
    assert [is_stage_done(Layout(Source.AUDIENCE, 1, (2, 5)), stage, progress) for stage in (0, 1)] == [True, False]
