"""Splitting: nothing is lost, nothing is repeated, no piece is too large."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.batches import split


@given(st.lists(st.integers()), st.integers(1, 12))
def test_pieces_put_together_are_the_sequence(items: list[int], size: int) -> None:
    assert [item for piece in split(items, size) for item in piece] == items


@given(st.lists(st.integers()), st.integers(1, 12))
def test_every_piece_but_the_last_is_full_and_none_is_empty(items: list[int], size: int) -> None:
    lengths = [len(piece) for piece in split(items, size)]
    assert all(length == size for length in lengths[:-1])
    assert all(1 <= length <= size for length in lengths)


def test_size_of_nothing_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="zero"):
        split([1], 0)
