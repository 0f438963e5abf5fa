"""Records in cleanup that have a time and nothing below them: receipts, events and their deliveries, the audit log."""

from __future__ import annotations

from fanfare.domain.retention import Cleaning, Kind, Swept
from fanfare.ports import Deps

PAGE = 400


def remove_records(deps: Deps, cleaning: Cleaning, kind: Kind) -> Swept:
    """Remove what is due of a kind."""
    removed = deps.retention.remove_records(cleaning.tenant, kind, cleaning.due[kind], PAGE)
    return Swept(removed, removed == PAGE)


def remove_deliveries(deps: Deps, cleaning: Cleaning) -> Swept:
    """Remove the deliveries of events that are due, those of removed webhooks among them."""
    removed = deps.deliveries.remove_deliveries(cleaning.tenant, cleaning.due[Kind.DELIVERIES], PAGE)
    return Swept(removed, removed == PAGE)
