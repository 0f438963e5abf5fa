"""Pages of a dictionary in the order of its ids, or of rows by their times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from fanfare.domain.listing import Page

T = TypeVar("T")


def page_of(rows: Mapping[tuple[str, str], T], tenant: str, is_wanted: Callable[[T], bool], limit: int, after: str | None) -> Page[T]:
    """Rows are keyed by (tenant, id)."""
    ids = sorted(row_id for owner, row_id in rows if owner == tenant and (after is None or row_id > after))
    wanted = [row_id for row_id in ids if is_wanted(rows[tenant, row_id])]
    shown = wanted[:limit]
    return Page([rows[tenant, row_id] for row_id in shown], shown[-1] if len(wanted) > limit else None)


class Dated(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def created_at(self) -> datetime: ...


D = TypeVar("D", bound=Dated)


def newest_of(rows: Sequence[D], limit: int, after: str | None) -> Page[D]:
    """The newest first; of equal times the greater id. A page goes on after a time and an id, which need not be there any more."""
    ordered = sorted(rows, key=_place, reverse=True)
    following = [row for row in ordered if after is None or _place(row) < _parse(after)]
    shown = following[:limit]
    return Page(shown, "{}.{}".format(*_place(shown[-1])) if len(following) > limit else None)


def _place(row: Dated) -> tuple[float, str]:
    return row.created_at.timestamp(), row.id


def _parse(after: str) -> tuple[float, str]:
    at, _, row_id = after.rpartition(".")
    return float(at), row_id
