"""How the few recipients of a direct send are laid out who are each told at a time of their own: one stage for each instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import accumulate

from fanfare.domain.chunk_limits import close_chunks
from fanfare.domain.layout import Layout, Source
from fanfare.domain.local_time import LocalTime, instant_in_zone
from fanfare.domain.notification import Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.recipient import Recipient

Chunks = Sequence[Sequence[Recipient]]


def in_their_zones(notification: Notification, local: LocalTime, rows: Iterable[tuple[Recipient, str | None]]) -> tuple[Notification, Chunks]:
    """Lay a new notification out over its recipients, each with its zone; returns it and the rows of each of its chunks, from number 0 on.

    Whom the local time came to longer ago than its grace is left out. It is completed at once where nobody is left.
    """
    groups: dict[datetime, list[Recipient]] = {}
    earliest = local.earliest(notification.created_at)
    for row, zone in rows:
        due = instant_in_zone(local, zone)
        if due >= earliest:
            groups.setdefault(due, []).append(row)
    dues = tuple(sorted(groups))
    closed = [tuple(close_chunks(groups[due])) for due in dues]
    ends = tuple(accumulate(map(len, closed)))
    targeted = sum(map(len, groups.values()))
    laid_out = replace(
        notification,
        local_time=local,
        layout=Layout(Source.RECIPIENTS, stages=ends, dues=dues),
        chunk_count=ends[-1] if ends else 0,
        counts=Counts(targeted, unsent=targeted),
    )
    return laid_out if targeted else _to_nobody(laid_out), tuple(chunk for chunks in closed for chunk in chunks)


def _to_nobody(notification: Notification) -> Notification:
    return replace(
        notification,
        layout=None,
        status=NotificationStatus.COMPLETED,
        status_reason=StatusReason.NO_RECIPIENTS,
        completed_at=notification.created_at,
        next_check_at=None,
    )
