"""Polling: every event once, in order, whatever is filtered, paged and committed meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest, NotFound
from fanfare.domain.event import CURSOR_LAG, LISTENABLE, Event, EventKind
from fanfare.domain.event_filter import EventFilter, is_shown
from fanfare.domain.identifiers import encode_base64url
from fanfare.ports import Deps
from fanfare.services.read_events import MOST_BYTES, MOST_READ, EventPoll, get_event, read_events
from tests.factories import TENANT_ID, a_tenant
from tests.fakes import FixedClock, fake_deps
from tests.fakes.events import MemoryEventStore

SENT, READ, TEST = EventKind.NOTIFICATION_SENT, EventKind.NOTIFICATION_READ, EventKind.WEBHOOK_TEST
SOME_READ = EventFilter(frozenset({READ}))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def deps(clock: FixedClock) -> Deps:
    return some_deps(clock, MemoryEventStore())


def some_deps(clock: FixedClock, ledger: MemoryEventStore) -> Deps:
    deps = fake_deps(clock=clock, events=ledger)
    deps.tenants.create(a_tenant())
    return deps


def an_event(event_id: str, at: datetime, kind: EventKind = SENT, *about: str, size: int = 0) -> Event:
    return Event(event_id, TENANT_ID, kind, at, {"x": "x" * size}, about)


def tell(deps: Deps, *events: Event) -> None:
    deps.events.record(events)


def poll_all(deps: Deps, filters: EventFilter, limit: int) -> list[str]:
    """Everything that polls show until the cursor stands still."""
    cursor, seen = None, []
    while True:
        events, following = read_events(deps, TENANT_ID, EventPoll(filters, limit, cursor))
        assert len(events) <= limit
        seen += [event.id for event in events]
        if following == cursor:
            return seen
        cursor = following


KINDS = st.sampled_from([SENT, READ, EventKind.DEVICE_REVIVED, TEST])
COMMITS = st.lists(st.tuples(st.integers(0, 4_999), st.binary(min_size=2, max_size=2), KINDS, st.sampled_from(["n-1", "n-2"])), max_size=5)
FILTERS = st.builds(EventFilter, st.frozensets(KINDS, max_size=2), st.sampled_from([None, "n-1"]))


@given(history=st.lists(COMMITS, max_size=8), filters=FILTERS, limit=st.integers(1, 5))
def test_polls_show_exactly_what_is_wanted_of_the_ledger_in_its_order(
    history: list[list[tuple[int, bytes, EventKind, str]]], filters: EventFilter, limit: int
) -> None:
    clock, ledger = FixedClock(), MemoryEventStore()
    deps = some_deps(clock, ledger)
    seen: list[str] = []
    cursor = None
    for commits in history:
        for millis, name, kind, about in commits:
            event_id = encode_base64url(name + len(ledger.told).to_bytes(2, "big"))
            tell(deps, an_event(event_id, clock.now() - timedelta(milliseconds=millis), kind, about))
        events, cursor = read_events(deps, TENANT_ID, EventPoll(filters, limit, cursor))
        seen += [event.id for event in events]
        clock.advance(timedelta(milliseconds=700))
    clock.advance(CURSOR_LAG)
    while True:
        events, following = read_events(deps, TENANT_ID, EventPoll(filters, limit, cursor))
        seen += [event.id for event in events]
        if following == cursor:
            break
        cursor = following
    stored = [found for event in ledger.told if (found := ledger.get(TENANT_ID, event.id))]
    wanted = sorted((event for event in stored if is_shown(filters, event)), key=attrgetter("created_at", "id"))
    assert seen == [event.id for event in wanted]


def test_event_is_shown_once_it_is_as_old_as_the_lag(deps: Deps, clock: FixedClock) -> None:
    tell(deps, an_event("e-1", clock.now()))
    clock.advance(CURSOR_LAG - timedelta(microseconds=1))
    events, cursor = read_events(deps, TENANT_ID, EventPoll())
    assert list(events) == []
    clock.advance(timedelta(microseconds=1))
    assert [event.id for event in read_events(deps, TENANT_ID, EventPoll(after=cursor))[0]] == ["e-1"]


def test_reading_begins_at_a_time(deps: Deps, clock: FixedClock) -> None:
    start = clock.now()
    tell(deps, *(an_event(f"e-{n}", start + timedelta(seconds=n)) for n in range(3)))
    clock.advance(timedelta(minutes=1))
    events, cursor = read_events(deps, TENANT_ID, EventPoll(since=start + timedelta(seconds=1), limit=1))
    assert [event.id for event in events] == ["e-1"]
    assert [event.id for event in read_events(deps, TENANT_ID, EventPoll(after=cursor))[0]] == ["e-2"]


def test_time_and_cursor_are_refused_together(deps: Deps, clock: FixedClock) -> None:
    _, cursor = read_events(deps, TENANT_ID, EventPoll())
    with pytest.raises(InvalidRequest) as refused:
        read_events(deps, TENANT_ID, EventPoll(after=cursor, since=clock.now()))
    assert [error.field for error in refused.value.errors] == ["since"]


@pytest.mark.parametrize(("tenant", "filters"), [(TENANT_ID, SOME_READ), (TENANT_ID, EventFilter(notification_id="n-1")), ("globex", EventFilter())])
def test_cursor_of_another_query_is_refused(deps: Deps, tenant: str, filters: EventFilter) -> None:
    _, cursor = read_events(deps, TENANT_ID, EventPoll())
    with pytest.raises(InvalidRequest) as refused:
        read_events(deps, tenant, EventPoll(filters, after=cursor))
    assert [error.field for error in refused.value.errors] == ["after"]


def test_refused_poll_is_no_reader(deps: Deps) -> None:
    with pytest.raises(InvalidRequest):
        read_events(deps, TENANT_ID, EventPoll(after="nonsense"))
    tenant = deps.tenants.get(TENANT_ID)
    assert tenant is not None
    assert tenant.listening.readers == {}


def test_rare_kind_is_found_behind_more_than_a_call_reads(deps: Deps, clock: FixedClock) -> None:
    tell(deps, *(an_event(f"e-{n:05}", clock.now()) for n in range(MOST_READ + 1)), an_event("z-1", clock.now(), READ))
    clock.advance(CURSOR_LAG)
    first, cursor = read_events(deps, TENANT_ID, EventPoll(SOME_READ))
    assert list(first) == []
    assert [event.id for event in read_events(deps, TENANT_ID, EventPoll(SOME_READ, after=cursor))[0]] == ["z-1"]
    assert poll_all(deps, SOME_READ, 50) == ["z-1"]


def test_answer_stays_small_and_leaves_nothing_out(deps: Deps, clock: FixedClock) -> None:
    tell(deps, *(an_event(f"e-{n}", clock.now(), size=MOST_BYTES // 2) for n in range(3)), an_event("e-3", clock.now(), size=2 * MOST_BYTES))
    clock.advance(CURSOR_LAG)
    assert len(read_events(deps, TENANT_ID, EventPoll())[0]) == 1
    assert poll_all(deps, EventFilter(), 50) == ["e-0", "e-1", "e-2", "e-3"]


def test_event_is_found_by_its_id_however_young(deps: Deps, clock: FixedClock) -> None:
    tell(deps, an_event("e-1", clock.now(), TEST))
    assert get_event(deps, TENANT_ID, "e-1").kind is TEST
    for tenant, event_id in ((TENANT_ID, "e-2"), ("globex", "e-1")):
        with pytest.raises(NotFound):
            get_event(deps, tenant, event_id)


def readers(deps: Deps) -> dict[str, datetime]:
    tenant = deps.tenants.get(TENANT_ID)
    assert tenant is not None
    return dict(tenant.listening.readers)


def test_poll_makes_events_be_written(deps: Deps, clock: FixedClock) -> None:
    read_events(deps, TENANT_ID, EventPoll(SOME_READ))
    assert readers(deps).keys() == {READ}
    read_events(deps, TENANT_ID, EventPoll())
    assert readers(deps).keys() == {str(kind) for kind in LISTENABLE}
    assert min(readers(deps).values()) >= clock.now() + timedelta(days=6)


def test_reader_is_noted_again_after_half_a_day_and_not_before(deps: Deps, clock: FixedClock) -> None:
    read_events(deps, TENANT_ID, EventPoll())
    noted = readers(deps)
    clock.advance(timedelta(hours=11))
    read_events(deps, TENANT_ID, EventPoll())
    assert readers(deps) == noted
    clock.advance(timedelta(hours=2))
    read_events(deps, TENANT_ID, EventPoll())
    assert min(readers(deps).values()) > max(noted.values())
