"""Ended notifications in the order of their ends, page by page: many of one chunk, or a few of many chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from fanfare.domain.retention import Cleaning, Ended, Kind, Place, Swept
from fanfare.ports import Deps

PAGE = 300
LARGE_PAGE = 5
"""Each may have thousands of chunks."""
BELOW = 400
"""So many documents below a notification of many chunks are removed at once."""


def look_on(deps: Deps, cleaning: Cleaning, kind: Kind, drop: Callable[[Deps, Cleaning, Sequence[Ended]], int]) -> Swept:
    """Do something to the notifications that have become due since the last look; the place is stored behind it."""
    page = page_of(deps, cleaning, kind, deps.ended.get_places(cleaning.tenant).get(kind))
    removed = drop(deps, cleaning, page)
    if page:
        deps.ended.set_place(cleaning.tenant, kind, page[-1].place)
    return Swept(removed, bool(page))


def page_of(deps: Deps, cleaning: Cleaning, kind: Kind, after: Place | None) -> Sequence[Ended]:
    """The next due notifications that are alike: as many of one chunk as there are in a row, or a few of many chunks."""
    found = deps.ended.find(cleaning.tenant, cleaning.due[kind], PAGE, after)
    alike = list(takewhile(lambda ended: ended.is_large == found[0].is_large, found))
    return alike[:LARGE_PAGE] if is_large(alike) else alike


def is_large(page: Sequence[Ended]) -> bool:
    """Tell whether a page's notifications have many chunks."""
    return bool(page) and page[0].is_large


def drain(remove: Callable[[], int]) -> int:
    """Remove page after page until nothing is left; returns how many went."""
    removed = 0
    while page := remove():
        removed += page
    return removed
