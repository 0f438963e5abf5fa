"""Places in the order of events, and the cursors that name them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.event import EventKind, StoredEvent
from fanfare.domain.event_cursor import BEGINNING, EventPlace, after, before, encode_place, parse_place, place_of
from fanfare.domain.identifiers import encode_base64url
from tests.factories import NOW

KEY = b"k" * 32
TIMES = st.integers(0, 253_402_214_400_000_000).map(lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros))
IDS = st.binary(min_size=1, max_size=16).map(encode_base64url)


@given(at=TIMES, event_id=IDS)
def test_cursor_names_a_place_to_the_microsecond(at: datetime, event_id: str) -> None:
    place = EventPlace(at, event_id)
    assert parse_place(KEY, "query", encode_place(KEY, "query", place), field="after") == place


@given(at=TIMES, event_id=IDS)
def test_places_of_an_instant_enclose_its_events(at: datetime, event_id: str) -> None:
    event = StoredEvent(event_id, "acme", EventKind.DEVICE_REVIVED, at, b"{}")
    assert BEGINNING <= before(at) < place_of(event) < after(at) < (at, "~~")


def test_nothing_is_before_the_beginning() -> None:
    assert before(datetime(1, 1, 1, tzinfo=UTC)) == BEGINNING
    assert before(NOW) > BEGINNING


@pytest.mark.parametrize("place", [BEGINNING, before(NOW), after(NOW)])
def test_places_beside_events_have_cursors_too(place: EventPlace) -> None:
    assert parse_place(KEY, "query", encode_place(KEY, "query", place), field="after") == place


@given(text=st.text(max_size=200))
def test_other_texts_are_refused_by_the_name_of_their_field(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_place(KEY, "query", text, field="Last-Event-ID")
    assert [error.field for error in refused.value.errors] == ["Last-Event-ID"]


@pytest.mark.parametrize(("key", "query"), [(b"x" * 32, "query"), (KEY, "another")])
def test_cursors_of_another_query_or_deployment_are_refused(key: bytes, query: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_place(KEY, "query", encode_place(key, query, BEGINNING), field="after")
