"""What cleanup removes at last of ended notifications: their chunks, and later they themselves.

Notifications of one chunk, which are most, go many in a commit; one of many chunks goes by itself, fenced against a replay (`EndedStore.fence`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fanfare.domain.retention import Cleaning, Ended, Kind, Swept
from fanfare.ports import Deps
from fanfare.services.ended_pages import BELOW, drain, is_large, look_on, page_of


def remove_chunks(deps: Deps, cleaning: Cleaning) -> Swept:
    """Remove chunks earlier than their notifications, where the tenant wants that."""
    if cleaning.due[Kind.CHUNKS] <= cleaning.due[Kind.NOTIFICATIONS]:
        return Swept(0, more=False)
    return look_on(deps, cleaning, Kind.CHUNKS, partial(_remove, whole=False))


def remove_notifications(deps: Deps, cleaning: Cleaning) -> Swept:
    """Remove notifications with everything that is left of them."""
    page = page_of(deps, cleaning, Kind.NOTIFICATIONS, None)
    removed = _remove(deps, cleaning, page, whole=True)
    # Where one was replayed meanwhile, it is not found again; where another call was quicker, it has done this one's work.
    return Swept(removed, bool(page))


def _remove(deps: Deps, cleaning: Cleaning, page: Sequence[Ended], *, whole: bool) -> int:
    if is_large(page):
        return sum(_remove_large(deps, cleaning, ended, whole=whole) for ended in page)
    return deps.ended.remove_small(cleaning.tenant, page, cleaning.now, whole=whole) if page else 0


def _remove_large(deps: Deps, cleaning: Cleaning, ended: Ended, *, whole: bool) -> bool:
    """Take its dead letters away, so that no replay begins; then refuse those that have begun; only then touch what they would send to."""
    tenant = cleaning.tenant
    drain(lambda: deps.ended.remove_letters(tenant, ended.id, BELOW))
    if not deps.ended.fence(tenant, ended, cleaning.now):
        return False
    for kind in (Kind.RECIPIENTS, Kind.CHUNKS):
        drain(partial(deps.ended.remove_below, tenant, ended.id, kind, BELOW))
    if whole:
        deps.ended.remove_large(tenant, ended.id)
    return True
