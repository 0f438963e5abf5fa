"""Refusals are counted by client and minute."""

from __future__ import annotations

from datetime import timedelta

from fanfare.domain.refusal import entry_id, minute_of
from tests.factories import NOW


def test_minute_is_the_clocks() -> None:
    assert minute_of(NOW + timedelta(seconds=59, microseconds=5)) == NOW.replace(second=0, microsecond=0)


def test_each_client_and_minute_has_an_entry_of_its_own() -> None:
    minutes = (minute_of(NOW), minute_of(NOW) + timedelta(minutes=1))
    assert len({entry_id(client, minute) for client in ("a", "b") for minute in minutes}) == 4
    assert entry_id("a", minutes[0]) == entry_id("a", minutes[0])
