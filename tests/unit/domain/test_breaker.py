"""The breaker opens once, is probed at growing intervals and closes alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fanfare.domain.breaker import ALL, Breaker, close_breaker, open_breaker, postpone_probe
from fanfare.domain.message import Platform
from tests.factories import NOW

OPEN = Breaker("PERMISSION_DENIED", NOW, NOW + timedelta(seconds=60))
LATER = NOW + timedelta(minutes=5)


def test_opened_breaker_says_why_since_when_and_is_probed_after_a_minute() -> None:
    assert open_breaker({}, ALL, "PERMISSION_DENIED", NOW) == {ALL: OPEN}


def test_open_breaker_is_not_opened_again() -> None:
    assert open_breaker({ALL: OPEN}, ALL, "UNAUTHENTICATED", LATER) is None


def test_breakers_of_platforms_stand_beside_each_other() -> None:
    both = open_breaker({Platform.IOS: OPEN}, Platform.WEB, "third_party_auth", LATER)
    assert both == {Platform.IOS: OPEN, Platform.WEB: Breaker("third_party_auth", LATER, LATER + timedelta(seconds=60))}


@pytest.mark.parametrize(("probes", "minutes"), [(0, 2), (1, 4), (2, 8), (3, 10), (4, 10), (10_000, 10)])
def test_failed_probe_waits_twice_as_long_and_ten_minutes_at_most(probes: int, minutes: int) -> None:
    breaker = Breaker("X", NOW, NOW, probes)
    assert postpone_probe(breaker, LATER) == Breaker("X", NOW, LATER + timedelta(minutes=minutes), probes + 1)


def test_breaker_closes_without_touching_the_others() -> None:
    assert close_breaker({ALL: OPEN, Platform.IOS: OPEN}, ALL) == {Platform.IOS: OPEN}
    assert close_breaker({Platform.IOS: OPEN}, ALL) == {Platform.IOS: OPEN}


def test_changes_leave_the_read_state_alone() -> None:
    read = {Platform.IOS.value: OPEN}
    open_breaker(read, ALL, "X", NOW)
    close_breaker(read, Platform.IOS)
    assert read == {Platform.IOS: OPEN}
