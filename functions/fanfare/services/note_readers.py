"""Noting that somebody reads events: they are written from then on, by each instance within the minute in which it looks at the tenant again."""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.event_filter import EventFilter, wanted_kinds
from fanfare.domain.listening import with_readers
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps


def note_readers(deps: Deps, tenant: str, filters: EventFilter) -> None:
    """Note a poll or a stream of these events, if that is not known well enough: a write of the tenant's document every twelve hours at most."""
    now, kinds = deps.clock.now(), wanted_kinds(filters)

    def decide(before: Tenant) -> Tenant | None:
        listening = with_readers(before.listening, kinds, now)
        return replace(before, listening=listening) if listening is not None else None

    known = deps.tenants.get(tenant)
    if known is not None and decide(known) is not None:
        deps.tenants.update(tenant, decide)
