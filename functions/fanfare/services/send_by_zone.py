"""Named recipients of a local time: a chunk for each instant at which it comes to some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fanfare.domain.layout import Layout, Source
from fanfare.domain.local_time import LocalTime, group_by_place, instant_in_zone, places_in_time
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.recipient import Recipient


def by_zone(
    notification: Notification, local: LocalTime, zoned: Sequence[tuple[Recipient, str | None]]
) -> tuple[Notification, Mapping[int, Sequence[Recipient]]]:
    """Lay a new notification out by the instants of its recipients' zones, without those to whom it came too long ago; its rows by chunk.

    One to an audience is left to `fanout`.
    """
    if notification.layout is not None:
        return notification, {}
    earliest = local.earliest(notification.created_at)
    coming = [(row, zone) for row, zone in zoned if instant_in_zone(local, zone) >= earliest]
    if not coming:
        return _to_nobody(notification), {}
    dues = tuple(sorted({instant_in_zone(local, zone) for _, zone in coming}))
    rows = group_by_place(coming, places_in_time(local, dues))
    laid_out = replace(
        notification,
        layout=Layout(Source.RECIPIENTS, stages=tuple(range(1, len(dues) + 1)), dues=dues),
        counts=Counts(targeted=len(coming), unsent=len(coming)),
        chunk_count=len(dues),
        next_check_at=notification.created_at + FIRST_CHECK,
    )
    return laid_out, rows


def _to_nobody(notification: Notification) -> Notification:
    return replace(
        notification,
        status=NotificationStatus.COMPLETED,
        status_reason=StatusReason.NO_RECIPIENTS,
        completed_at=notification.created_at,
        counts=Counts(),
        chunk_count=0,
        next_check_at=None,
    )
