from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.local_time import LocalTime, group_by_place, instant_in_zone, instants_anywhere, places_in_time
from fanfare.domain.recurrence import first_anywhere, last_anywhere
from tests.factories import NOW

NINE = LocalTime(datetime(2026, 11, 24, 9, 0), "Africa/Dar_es_Salaam", 3_600)  # noqa: DTZ001 - on nobody's clock
IN_DAR = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Asia/Tokyo", datetime(2026, 11, 24, 0, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 24, 14, 0, tzinfo=UTC)),
        (None, IN_DAR),
        ("", IN_DAR),
        ("Mars/Olympus", IN_DAR),
        ("../etc/passwd", IN_DAR),
        ("Europe", IN_DAR),
        ("Europe/\0", IN_DAR),
        ("a" * 5_000, IN_DAR),
    ],
)
def test_local_time_comes_to_each_zone_and_else_with_the_tenants(zone: str | None, expected: datetime) -> None:
    assert instant_in_zone(NINE, zone) == expected


def test_tenants_zone_that_is_unknown_is_utc() -> None:
    assert instant_in_zone(LocalTime(NINE.at, "Nowhere", 0), None) == NINE.at.replace(tzinfo=UTC)


def test_skipped_local_time_comes_when_the_clock_is_set() -> None:
    skipped = LocalTime(datetime(2026, 3, 29, 2, 30), "UTC", 0)  # noqa: DTZ001 - on nobody's clock
    assert instant_in_zone(skipped, "Europe/Berlin") == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


@given(st.datetimes(datetime(2025, 1, 1), datetime(2030, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0)))  # noqa: DTZ001 - likewise
def test_every_zone_has_its_place_among_all_instants(at: datetime) -> None:
    local = LocalTime(at, "UTC", 0)
    dues = instants_anywhere(local)
    assert list(dues) == sorted(set(dues))
    assert first_anywhere(at) <= dues[0] < dues[-1] <= last_anywhere(at)
    place_of = places_in_time(local, dues)
    for zone in ("Pacific/Kiritimati", "Asia/Kathmandu", "Europe/Berlin", "America/St_Johns", "Pacific/Pago_Pago", None, "unknown"):
        assert dues[place_of(zone)] == instant_in_zone(local, zone)


def test_instant_that_another_database_did_not_know_takes_the_next_place() -> None:
    tokyo, new_york = instant_in_zone(NINE, "Asia/Tokyo"), instant_in_zone(NINE, "America/New_York")
    place_of = places_in_time(NINE, [tokyo, new_york])
    assert [place_of(zone) for zone in ("Asia/Tokyo", None, "America/New_York", "America/Los_Angeles")] == [0, 1, 1, 1]


def test_rows_are_grouped_by_their_places_in_order() -> None:
    place_of = places_in_time(NINE, instants_anywhere(NINE))
    groups = group_by_place([("late", "America/New_York"), ("early", "Asia/Tokyo"), ("too", "Asia/Seoul")], place_of)
    assert list(groups.values()) == [["early", "too"], ["late"]]
    assert group_by_place([], place_of) == {}


def test_grace_counts_back_from_when_the_notification_was_made() -> None:
    assert NINE.earliest(NOW) == NOW - timedelta(hours=1)
