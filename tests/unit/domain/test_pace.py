from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.pace import DEAD_SHARE, ERROR_SHARE, Guard, Pace, Urgency, pace_of, stages_of


def test_request_without_pace_goes_as_fast_as_its_lane_in_one_stage() -> None:
    assert pace_of({"title": "Hello"}) == Pace(None, None, Urgency.NORMAL, (100,), Guard(ERROR_SHARE, DEAD_SHARE))


def test_pace_is_read_from_a_request() -> None:
    raw = {
        "spread_over_seconds": 3_600,
        "per_minute": 1_000,
        "urgency": "whenever",
        "ramp": [1, 5, 25, 100],
        "guard": {"max_error_share": 0, "max_dead_share": 1},
    }
    assert pace_of(raw) == Pace(3_600, 1_000, Urgency.WHENEVER, (1, 5, 25, 100), Guard(0.0, 1.0))


def test_half_a_guard_keeps_the_usual_other_half() -> None:
    assert pace_of({"guard": {"max_error_share": 0.5}}).guard == Guard(0.5, DEAD_SHARE)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"ramp": [1, 50]}, "ramp"),
        ({"ramp": []}, "ramp"),
        ({"ramp": [50, 50, 100]}, "ramp"),
        ({"ramp": [50, 20, 100]}, "ramp"),
        ({"ramp": 100}, "ramp"),
        ({"ramp": [*range(1, 21), 100]}, "ramp"),
        ({"ramp": [0, 100]}, "ramp.0"),
        ({"ramp": [50, 101]}, "ramp.1"),
        ({"ramp": [50, "100"]}, "ramp.1"),
        ({"per_minute": 0}, "per_minute"),
        ({"per_minute": True}, "per_minute"),
        ({"spread_over_seconds": 86_401}, "spread_over_seconds"),
        ({"urgency": "soon"}, "urgency"),
        ({"guard": {"max_error_share": 1.1}}, "guard.max_error_share"),
        ({"guard": {"max_error_share": True}}, "guard.max_error_share"),
        ({"guard": {"max_dead_share": "0.1"}}, "guard.max_dead_share"),
        ({"guard": {"max_share": 0.1}}, "guard.max_share"),
    ],
)
def test_what_is_no_pace_is_refused_by_its_field(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        pace_of(raw)
    assert [error.field for error in refused.value.errors] == [field]


@pytest.mark.parametrize(
    ("chunks", "ramp", "ends"),
    [
        (2_500, (1, 5, 25, 100), (25, 125, 625, 2_500)),
        (8, (1, 5, 25, 100), (1, 2, 8)),
        (1, (1, 100), (1,)),
        (101, (1, 100), (2, 101)),
        (0, (1, 100), ()),
    ],
)
def test_stages_are_whole_chunks_rounded_up(chunks: int, ramp: tuple[int, ...], ends: tuple[int, ...]) -> None:
    assert stages_of(chunks, ramp) == ends


@given(chunks=st.integers(1, 10_000), percents=st.sets(st.integers(1, 99), max_size=8))
def test_stages_rise_and_end_with_the_last_chunk(chunks: int, percents: set[int]) -> None:
    ends = stages_of(chunks, (*sorted(percents), 100))
    assert ends[0] >= 1
    assert list(ends) == sorted(set(ends))
    assert ends[-1] == chunks
