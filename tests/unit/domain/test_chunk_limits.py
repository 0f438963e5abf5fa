"""A chunk closes at so many rows or bytes, whichever comes first, and no row is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain import chunk_limits
from fanfare.domain.chunk_limits import MOST_BYTES, MOST_ROWS, close_chunks
from fanfare.domain.packing import pack_recipients
from fanfare.domain.recipient import Recipient
from tests.factories import a_recipient, a_token


def _rows(number: int, target_bytes: int = 160) -> list[Recipient]:
    return [a_recipient(device_id=f"{index:022}", target=a_token(value=f"{index:0{target_bytes}}")) for index in range(number)]


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (1, [1]), (500, [500]), (501, [500, 1]), (1_250, [500, 500, 250])])
def test_chunk_closes_at_five_hundred_rows(number: int, sizes: list[int]) -> None:
    assert [len(chunk) for chunk in close_chunks(_rows(number))] == sizes


def test_chunk_of_long_targets_closes_at_its_bytes_and_is_nearly_full() -> None:
    sizes = [len(pack_recipients(chunk)) for chunk in close_chunks(_rows(500, 4_096))]
    assert max(sizes) <= MOST_BYTES
    assert min(sizes[:-1]) > 0.9 * MOST_BYTES


@given(st.lists(st.integers(1, 300), max_size=12))
def test_rows_stay_in_their_order_and_no_chunk_is_too_large(lengths: list[int]) -> None:
    rows = [a_recipient(device_id=str(index), target=a_token(value="x" * length)) for index, length in enumerate(lengths)]
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr(chunk_limits, "MOST_BYTES", 400)
        limits.setattr(chunk_limits, "MOST_ROWS", 3)
        chunks = list(close_chunks(rows))
    assert [row for chunk in chunks for row in chunk] == rows
    assert all(0 < len(chunk) <= 3 for chunk in chunks)
    assert all(len(chunk) == 1 or len(pack_recipients(chunk)) <= 400 for chunk in chunks)


def test_limits_are_those_of_a_document() -> None:
    assert (MOST_ROWS, MOST_BYTES) == (500, 700 * 1024)
