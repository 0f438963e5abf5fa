"""The checksum of Cloud KMS, by the values of RFC 3720 and of the catalogue of such checksums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.adapters.crc32c import crc32c


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_checksum_is_that_of_the_standard(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


@given(st.binary(min_size=1, max_size=64), st.data())
def test_one_bit_that_flips_is_told(data: bytes, drawn: st.DataObject) -> None:
    bit = drawn.draw(st.integers(min_value=0, max_value=len(data) * 8 - 1))
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    assert crc32c(bytes(flipped)) != crc32c(data)
