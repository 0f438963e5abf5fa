"""The stream: exactly the ledger in its order across every cut, and every end has its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.client import Client, Scope
from fanfare.domain.errors import InvalidRequest, Unavailable
from fanfare.domain.event import CURSOR_LAG, LISTENABLE, Event, EventKind
from fanfare.domain.event_cursor import EventPlace
from fanfare.domain.event_filter import EventFilter, is_shown
from fanfare.domain.event_stream import StreamPace
from fanfare.domain.identifiers import encode_base64url
from fanfare.ports import Deps
from fanfare.ports.events import Events
from fanfare.services.read_events import EventPoll, read_events
from fanfare.services.stream_events import Listener, Said, StreamEnd, begin_stream, stream_events
from tests.factories import NOW, TENANT_ID, a_client, a_tenant, client_token
from tests.fakes import FixedClock, fake_deps
from tests.fakes.event_feed import MemoryEventFeed
from tests.fakes.events import MemoryEventStore
from tests.fakes.lifecycle import FixedLifecycle

SENT, READ = EventKind.NOTIFICATION_SENT, EventKind.NOTIFICATION_READ
ALL = EventFilter()
PACE = StreamPace()


class Stage:
    """A tenant, its ledger, and a client that listens; `meanwhile` happens whenever a stream waits."""

    def __init__(self) -> None:
        self.clock, self.ledger, self.lifecycle = FixedClock(), MemoryEventStore(), FixedLifecycle()
        self.feed = MemoryEventFeed(self.ledger, self.clock)
        self.deps = fake_deps(clock=self.clock, events=self.ledger, feed=self.feed, lifecycle=self.lifecycle)
        self.deps.tenants.create(a_tenant())
        self.deps.clients.create(a_client())

    def tell(self, event_id: str, kind: EventKind = SENT, about: str = "n-1", ago: int = 0) -> None:
        self.ledger.add([Event(event_id, TENANT_ID, kind, self.clock.now() - timedelta(milliseconds=ago), {}, (about,))])

    def listen(self, filters: EventFilter = ALL, cursor: str | None = None, pace: StreamPace = PACE) -> Iterator[Said]:
        listener = a_listener(filters)
        place = begin_stream(self.deps, listener, cursor, field="Last-Event-ID")
        return stream_events(self.deps, listener, place, pace)

    def change_client(self, change: Callable[[Client], Client]) -> None:
        entry = AuditEntry("client.updated", Actor(ActorKind.FUNCTION, "test"), NOW)
        self.deps.clients.update("client-1", change, lambda _before, _after: entry)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def a_listener(filters: EventFilter = ALL, tenant: str = TENANT_ID) -> Listener:
    return Listener(tenant, "client-1", client_token(), "203.0.113.7", filters)


def ids(said: list[Said]) -> list[str]:
    return [thing.event.id for thing in said if thing.event is not None]


def ends(said: list[Said]) -> list[StreamEnd]:
    return [thing.end for thing in said if thing.end is not None]


KINDS = st.sampled_from([SENT, READ, EventKind.WEBHOOK_TEST])
COMMITS = st.lists(st.tuples(st.integers(0, 4_999), st.binary(min_size=2, max_size=2), KINDS, st.sampled_from(["n-1", "n-2"])), max_size=4)
FILTERS = st.builds(EventFilter, st.frozensets(st.sampled_from([SENT, READ]), max_size=1), st.sampled_from([None, "n-1"]))


@given(history=st.lists(COMMITS, max_size=8), cuts=st.lists(st.integers(1, 6), max_size=12), filters=FILTERS)
def test_across_every_cut_a_listener_sees_exactly_what_it_wants_of_the_ledger(
    history: list[list[tuple[int, bytes, EventKind, str]]], cuts: list[int], filters: EventFilter
) -> None:
    """Whatever overtakes what within the lag, and wherever the connection breaks: what is wanted comes once, in order."""
    stage, coming = Stage(), iter(history)

    def commit() -> None:
        for millis, name, kind, about in next(coming, []):
            stage.tell(encode_base64url(name + len(stage.ledger.told).to_bytes(2, "big")), kind, about, millis)

    commit()
    stage.feed.meanwhile = commit
    seen: list[str] = []
    cursor = None
    for cut in [*cuts, 10_000]:
        said = list(islice(stage.listen(filters, cursor), cut))
        seen += ids(said)
        cursor = said[-1].cursor
    stored = [found for event in stage.ledger.told if (found := stage.ledger.get(TENANT_ID, event.id))]
    wanted = sorted((event for event in stored if is_shown(filters, event)), key=attrgetter("created_at", "id"))
    assert seen == [event.id for event in wanted]
    assert stage.feed.followers == 0


def test_stream_says_at_once_where_it_stands(stage: Stage) -> None:
    opening = next(stage.listen())
    assert (opening.event, opening.end) == (None, None)
    stage.tell("e-1")
    assert ids(list(stage.listen(cursor=opening.cursor))) == ["e-1"]


def test_stream_without_a_cursor_begins_now(stage: Stage) -> None:
    stage.tell("e-0", ago=6_000)
    stage.clock.advance(timedelta(hours=1))
    stage.feed.meanwhile = lambda: stage.tell("e-1") if len(stage.ledger.told) == 1 else None
    assert ids(list(stage.listen())) == ["e-1"]


def test_stream_goes_on_where_a_poll_ended_and_the_other_way_round(stage: Stage) -> None:
    stage.tell("e-1")
    stage.tell("e-2")
    stage.clock.advance(CURSOR_LAG)
    _, cursor = read_events(stage.deps, TENANT_ID, EventPoll(limit=1))
    stream = stage.listen(cursor=cursor)
    said = [next(stream), next(stream)]
    assert ids(said) == ["e-2"]
    stage.tell("e-3")
    stage.clock.advance(CURSOR_LAG)
    assert [event.id for event in read_events(stage.deps, TENANT_ID, EventPoll(after=said[-1].cursor))[0]] == ["e-3"]


@pytest.mark.parametrize(("tenant", "filters"), [(TENANT_ID, EventFilter(frozenset({READ}))), ("globex", ALL)])
def test_cursor_of_another_query_is_refused_by_its_name(stage: Stage, tenant: str, filters: EventFilter) -> None:
    cursor = next(stage.listen()).cursor
    with pytest.raises(InvalidRequest) as refused:
        begin_stream(stage.deps, a_listener(filters, tenant), cursor, field="Last-Event-ID")
    assert [error.field for error in refused.value.errors] == ["Last-Event-ID"]


def test_stream_is_never_silent_for_longer_than_its_heartbeat(stage: Stage) -> None:
    spoke = [stage.clock.now()]
    for _ in stage.listen():
        assert stage.clock.now() - spoke[-1] <= PACE.heartbeat + timedelta(seconds=PACE.look_seconds)
        spoke.append(stage.clock.now())
    assert len(spoke) > 30


def test_heartbeat_moves_past_what_was_not_asked_for(stage: Stage) -> None:
    stage.tell("e-1", READ)
    opening, beat = islice(stage.listen(EventFilter(frozenset({SENT}))), 2)
    assert beat.event is None
    assert beat.cursor != opening.cursor


def test_stream_ends_by_itself_after_its_lifetime(stage: Stage) -> None:
    began = stage.clock.now()
    said = list(stage.listen())
    assert ends(said) == [StreamEnd.LIFETIME]
    assert stage.clock.now() - began == PACE.lifetime
    assert said[-1].end is StreamEnd.LIFETIME


def test_slow_listener_lives_no_longer(stage: Stage) -> None:
    for n in range(9):
        stage.tell(f"e-{n}")
    stage.clock.advance(CURSOR_LAG)
    stream = stage.listen()
    said = []
    for thing in stream:
        said.append(thing)
        stage.clock.advance(timedelta(minutes=2))
    assert len(ids(said)) < 9
    assert said[-1].end is StreamEnd.LIFETIME


def test_stream_ends_with_its_instance(stage: Stage) -> None:
    stream = stage.listen()
    next(stream)
    stage.lifecycle.stopping = True
    began = stage.clock.now()
    assert ends(list(stream)) == [StreamEnd.STOPPING]
    assert stage.clock.now() - began <= timedelta(seconds=PACE.look_seconds)


@pytest.mark.parametrize(
    "change",
    [
        lambda client: replace(client, revoked_at=NOW),
        lambda client: replace(client, expires_at=NOW),
        lambda client: replace(client, scopes=frozenset({Scope.SEND})),
        lambda client: replace(client, ip_allowlist=("198.51.100.0/24",)),
        lambda client: replace(client, token_hash="0" * 64),
    ],
    ids=["revoked", "expired", "without the scope", "elsewhere", "another token"],
)
def test_stream_ends_when_its_client_may_not_read_any_more(stage: Stage, change: Callable[[Client], Client]) -> None:
    stream = stage.listen()
    next(stream)
    stage.change_client(change)
    began = stage.clock.now()
    assert ends(list(stream)) == [StreamEnd.REFUSED]
    assert stage.clock.now() - began <= timedelta(seconds=60)


class BrokenFeed:
    """A feed that can't be followed."""

    def follow(self, tenant: str, after: EventPlace, wait_seconds: float, *, notification_id: str | None = None) -> Events:
        yield ()
        raise Unavailable(f"{tenant} {after} {wait_seconds} {notification_id}")


def test_stream_that_can_not_go_on_says_so(stage: Stage) -> None:
    listener = a_listener()
    deps: Deps = replace(stage.deps, feed=BrokenFeed())
    said = list(stream_events(deps, listener, begin_stream(deps, listener, None, field="after"), PACE))
    assert (len(said), said[-1].end) == (2, StreamEnd.UNAVAILABLE)


def test_nobody_is_followed_for_a_listener_that_has_gone(stage: Stage) -> None:
    stream = stage.listen()
    list(islice(stream, 2))
    assert stage.feed.followers == 1
    stream.close()  # type: ignore[attr-defined]
    assert stage.feed.followers == 0


def test_stream_makes_its_kinds_be_written(stage: Stage) -> None:
    stage.listen(EventFilter(frozenset({READ})))
    tenant = stage.deps.tenants.get(TENANT_ID)
    assert tenant is not None
    assert tenant.listening.readers.keys() == {READ}
    stage.listen()
    tenant = stage.deps.tenants.get(TENANT_ID)
    assert tenant is not None
    assert tenant.listening.readers.keys() == {str(kind) for kind in LISTENABLE}
