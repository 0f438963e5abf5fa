"""Noting that somebody listens: what they want is written from then on, by each instance within the minute in which it looks at the tenant again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from fanfare.domain.listening import with_readers
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps


def note_readers(deps: Deps, tenant: str, readers: Collection[str]) -> None:
    """Note readers (kinds of events, or PUBLIC), if they are not known well enough: a write of the tenant's document every twelve hours at most."""
    now = deps.clock.now()

    def decide(before: Tenant) -> Tenant | None:
        listening = with_readers(before.listening, readers, now)
        return replace(before, listening=listening) if listening is not None else None

    known = deps.tenants.get(tenant)
    if known is not None and decide(known) is not None:
        deps.tenants.update(tenant, decide)
