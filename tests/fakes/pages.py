"""Pages of a dictionary in the order of its ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from fanfare.domain.listing import Page

T = TypeVar("T")


def page_of(rows: Mapping[tuple[str, str], T], tenant: str, is_wanted: Callable[[T], bool], limit: int, after: str | None) -> Page[T]:
    """Rows are keyed by (tenant, id)."""
    ids = sorted(row_id for owner, row_id in rows if owner == tenant and (after is None or row_id > after))
    wanted = [row_id for row_id in ids if is_wanted(rows[tenant, row_id])]
    shown = wanted[:limit]
    return Page([rows[tenant, row_id] for row_id in shown], shown[-1] if len(wanted) > limit else None)
