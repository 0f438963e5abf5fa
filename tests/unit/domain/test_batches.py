"""Splitting: nothing is lost, nothing is repeated, no piece is too large."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.batches import split, split_by_weight


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


@given(weights=st.lists(st.integers(1, 20), max_size=40), most=st.integers(1, 10), heaviest=st.integers(1, 30))
def test_pieces_are_in_order_and_neither_too_long_nor_too_heavy(weights: list[int], most: int, heaviest: int) -> None:
    pieces = list(split_by_weight(weights, lambda weight: weight, most=most, heaviest=heaviest))
    assert [weight for piece in pieces for weight in piece] == weights
    assert all(1 <= len(piece) <= most and (sum(piece) <= heaviest or len(piece) == 1) for piece in pieces)


def test_pieces_are_as_few_as_the_weights_allow() -> None:
    assert [list(piece) for piece in split_by_weight([2, 2, 2, 9, 1], lambda weight: weight, most=9, heaviest=4)] == [[2, 2], [2], [9], [1]]
