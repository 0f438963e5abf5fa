"""Retry-After in both of its forms, and whatever else stands there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.retry_after import LONGEST, parse_retry_after
from tests.factories import NOW

MOST = LONGEST.total_seconds()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", None),
        ("9" * 400, MOST),
        ("Tue, 24 Nov 2026 09:00:00 GMT", 3_600.0),
        ("Tue, 24 Nov 2026 07:00:00 GMT", None),
        ("Fri, 31 Dec 2099 23:59:59 GMT", MOST),
        ("Tue, 24 Nov 2026 09:00:00 -0000", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("١٢", None),
    ],
)
def test_header_is_read(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=60))
def test_any_text_is_a_bounded_wait_or_none(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 < seconds <= MOST
