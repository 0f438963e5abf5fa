"""Making events, if somebody wants them, and nudging their deliveries once they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.event import Event, EventKind
from fanfare.domain.listening import NOBODY, Listening, is_wanted, webhooks_for
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.ports import Deps

Data = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
"""What an event tells; a function where it is dear, which is only called if somebody listens."""


def listening_to(deps: Deps, tenant: str) -> Listening:
    """Who listens to a tenant's events, as this instance knows it."""
    known = deps.tenants.get(tenant)
    return known.listening if known is not None else NOBODY


def is_any_wanted(deps: Deps, tenant: str, kinds: Iterable[EventKind]) -> bool:
    """Tell whether somebody listens to one of these kinds: what only an event needs is not even computed otherwise."""
    listening = listening_to(deps, tenant)
    if not listening.webhooks and not listening.readers:
        return False
    now = deps.clock.now()
    return any(is_wanted(listening, kind, now) for kind in kinds)


def make_events(
    deps: Deps, tenant: str, kind: EventKind, data: Data, *, notification_ids: Sequence[str] = (), request_id: str = ""
) -> tuple[Event, ...]:
    """Make an event of this kind; none if nobody listens."""
    listening, now = listening_to(deps, tenant), deps.clock.now()
    if not is_wanted(listening, kind, now):
        return ()
    event_id, told = deps.identifiers.new_id(), data() if callable(data) else data
    return (Event(event_id, tenant, kind, now, told, tuple(notification_ids), webhooks_for(listening, kind), request_id),)


def nudge_deliveries(deps: Deps, events: Iterable[Event]) -> None:
    """Ask for the delivery of events that are stored. A nudge that is lost is harmless: the sweep finds their deliveries."""
    by_request: dict[str, list[DeliveryKey]] = {}
    for event in events:
        keys = [DeliveryKey(event.tenant, webhook_id, event.id) for webhook_id in event.webhooks]
        by_request.setdefault(event.request_id, []).extend(keys)
    for request_id, keys in by_request.items():
        deps.tasks.enqueue_webhooks(keys, request_id)


@dataclass(slots=True)
class Telling:
    """What the writes of one call announce, and the nudges of its deliveries once they are stored.

    A write that lost a race is tried again, and announces again. What the lost try announced was not stored, and its nudges find nothing.
    """

    deps: Deps
    make: Announcer
    _events: list[Event] = field(default_factory=list)

    def announce(self, before: Any, after: Any) -> Sequence[Event]:  # noqa: ANN401 - any of our objects
        """Make the events of one write."""
        return self.told(self.make(before, after))

    def told(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Note events that a write stores."""
        self._events += events
        return tuple(events)

    def trail(self, trail: Trail) -> Trail:
        """A trail whose entries announce the events of their writes."""

        def entry(before: Any, after: Any) -> AuditEntry:  # noqa: ANN401 - any of our objects
            return replace(trail(before, after), events=self.told(self.make(before, after)))

        return entry

    def nudge(self) -> None:
        """Nudge the deliveries of what was announced, the writes having been stored."""
        nudge_deliveries(self.deps, self._events)
        self._events.clear()
