"""Records in cleanup that have a time and nothing below them: receipts, webhook events, the audit log."""

from __future__ import annotations

from fanfare.domain.retention import Cleaning, Kind, Swept
from fanfare.ports import Deps

PAGE = 400


def remove_records(deps: Deps, cleaning: Cleaning, kind: Kind) -> Swept:
    """Remove what is due of a kind."""
    removed = deps.retention.remove_records(cleaning.tenant, kind, cleaning.due[kind], PAGE)
    return Swept(removed, removed == PAGE)
