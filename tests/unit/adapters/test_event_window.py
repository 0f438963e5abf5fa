"""The window of the newest events: bounded, in order, honest about what fell out."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from fanfare.adapters.event_window import EventWindow
from fanfare.domain.event import EventKind, StoredEvent
from fanfare.domain.event_cursor import BEGINNING, place_of
from tests.factories import NOW


def history(sizes: list[int]) -> list[StoredEvent]:
    """Events in their order, two of each instant, with bodies of these sizes."""
    return [StoredEvent(f"e-{n:03}", "acme", EventKind.DEVICE_REVIVED, NOW + timedelta(seconds=n // 2), b"x" * size) for n, size in enumerate(sizes)]


@given(sizes=st.lists(st.integers(1, 40), max_size=30), step=st.integers(1, 5), most=st.integers(1, 10), most_bytes=st.integers(1, 100))
def test_every_place_gets_all_that_follows_or_is_told_that_it_fell_behind(sizes: list[int], step: int, most: int, most_bytes: int) -> None:
    events = history(sizes)
    window = EventWindow(BEGINNING, most_events=most, most_bytes=most_bytes)
    for first in range(0, len(events), step):
        window.extend(events[first : first + step])
    places = [BEGINNING, *map(place_of, events)]
    kept = [n for n, place in enumerate(places) if window.after(place, 100) is not None]
    assert kept == list(range(kept[0], len(places)))
    assert all(window.after(places[n], 100) == events[n:] and window.after(places[n], 2) == events[n : n + 2] for n in kept)
    held = events[kept[0] :]
    assert len(held) <= most
    assert sum(len(event.body) for event in held) <= most_bytes
    # Nothing falls out that there was room for.
    longer = events[kept[0] - 1 :] if kept[0] else []
    assert not longer or len(longer) > most or sum(len(event.body) for event in longer) > most_bytes


def test_nothing_more_leaves_the_window_as_it_was() -> None:
    window = EventWindow(BEGINNING)
    window.extend(history([1, 1]))
    window.extend([])
    assert window.ends == place_of(history([1, 1])[-1])
    assert window.after(BEGINNING, 10) == history([1, 1])
