"""The events of a notification's status, if somebody wants them."""

from __future__ import annotations

from functools import partial

from fanfare.domain.broadcast_steering import is_laid_out
from fanfare.domain.event import Event
from fanfare.domain.notification import FINAL_STATUSES, Notification
from fanfare.domain.progress import with_sums
from fanfare.domain.status_events import kind_of_change, status_data
from fanfare.ports import Deps
from fanfare.services.new_events import Telling, make_events


def status_events(deps: Deps, before: Notification | None, after: Notification) -> tuple[Event, ...]:
    """Announce that a notification has become completed, paused or cancelled by a change of it. A dry run reaches nobody and tells nothing."""
    kind = kind_of_change(before, after)
    if kind is None or after.validate_only:
        return ()
    data = partial(_data, deps, after)
    return make_events(deps, after.tenant, kind, data, notification_ids=(after.id,), request_id=after.request_id)


def status_telling(deps: Deps) -> Telling:
    """Announces changes of notifications' statuses."""
    return Telling(deps, partial(status_events, deps))


def _data(deps: Deps, notification: Notification) -> dict[str, object]:
    return status_data(with_present_counts(deps, notification))


def with_present_counts(deps: Deps, notification: Notification) -> Notification:
    """A notification of many chunks as it is at this moment: whoever has just changed it must not be shown what was before."""
    if notification.status in FINAL_STATUSES or not is_laid_out(notification):
        return notification
    return with_sums(notification, deps.progress.read_progress(notification).total)
