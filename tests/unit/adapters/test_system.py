"""The clock and the random generator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fanfare.adapters.system import SystemClock, SystemIdentifiers, random_bytes
from fanfare.domain.identifiers import decode_base64url, is_identifier


def test_the_clock_tells_utc_and_goes_on() -> None:
    first, second = SystemClock().now(), SystemClock().now()
    assert first.utcoffset() == timedelta(0)
    assert first <= second
    assert abs(second - datetime.now(UTC)) < timedelta(seconds=10)


def test_ids_are_different_and_fit_into_document_paths() -> None:
    drawn = [SystemIdentifiers().new_id() for _ in range(2_000)]
    assert len(set(drawn)) == 2_000
    assert {len(one) for one in drawn} == {22}
    assert all(map(is_identifier, drawn))
    assert {one[-1] for one in drawn} == set("AQgw")


def test_secrets_hold_256_bits() -> None:
    drawn = {SystemIdentifiers().new_secret() for _ in range(100)}
    assert len(drawn) == 100
    assert {len(decode_base64url(one)) for one in drawn} == {32}


def test_jitter_covers_its_range() -> None:
    drawn = [SystemIdentifiers().jitter() for _ in range(2_000)]
    assert all(0 <= one <= 1 for one in drawn)
    assert min(drawn) < 0.05
    assert max(drawn) > 0.95


@pytest.mark.parametrize("length", [0, 12, 32])
def test_random_bytes_are_as_many_as_asked_for(length: int) -> None:
    assert len(random_bytes(length)) == length


def test_random_bytes_do_not_repeat() -> None:
    assert random_bytes(16) != random_bytes(16)
