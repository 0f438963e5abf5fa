"""Whom a chunk is sent to, where its rows are an audience shard: the shard is rewritten while a broadcast runs, the chunk's recipients are not.

| a device | is |
|---|---|
| in the shard and matching, before results of the chunk were stored | a recipient from then on |
| a recipient, in the shard under another target | sent to there |
| a recipient, no longer in the shard (retired, deactivated, erased), without a final outcome | failed: LEFT_AUDIENCE |
| not a recipient, new in the shard | not sent to |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fanfare.domain.layout import Source
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import FINAL_OUTCOMES, Outcome, Result
from fanfare.domain.recipient import Recipient
from fanfare.domain.segment_reading import segments_of
from fanfare.domain.shard import Shard, select

LEFT_AUDIENCE = "LEFT_AUDIENCE"


class Rows(NamedTuple):
    """A chunk's rows as they are stored: a notification's own, or one shard (several, where the audience has grown and was split since).

    `chosen` are the recipients among them, once somebody has chosen: choosing costs as much as everything else that is done with the rows.
    """

    recipients: tuple[Recipient, ...] = ()
    shards: tuple[Shard, ...] | None = None
    chosen: tuple[Recipient, ...] | None = None


def is_of_audience(notification: Notification) -> bool:
    """Tell whether the rows of a notification's chunks are audience shards."""
    return notification.layout is not None and notification.layout.source is Source.AUDIENCE


def recipients_of(notification: Notification, rows: Rows, results: Mapping[str, Result]) -> tuple[Recipient, ...]:
    """Whom a chunk with these stored results may be sent to."""
    if rows.chosen is not None:
        return rows.chosen
    if rows.shards is None:
        return rows.recipients
    segments = () if results else segments_of(notification.request)
    found = [row for shard in rows.shards for row in select(shard, segments, notification.planned_at)]
    return tuple(row for row in found if row.device_id in results) if results else tuple(found)


def without_those_who_left(recipients: Iterable[Recipient], results: Mapping[str, Result]) -> dict[str, Result]:
    """The stored results of a chunk, in which whoever left the audience before an outcome has failed."""
    present = {row.device_id for row in recipients}
    return {device_id: result if device_id in present or result.outcome in FINAL_OUTCOMES else _left(result) for device_id, result in results.items()}


def with_unreached(recipients: Sequence[Recipient], results: Mapping[str, Result]) -> dict[str, Result]:
    """Results with one for everybody: who was not reached is unsent. Stored, they fix who the chunk's recipients are."""
    unreached = {row.device_id: unsent(row) for row in recipients if row.device_id not in results}
    return {**results, **unreached}


def unsent(row: Recipient) -> Result:
    """The result of a recipient whom nothing was sent to yet."""
    return Result(Outcome.UNSENT, "", 0, 0, row.platform, row.username)


def _left(result: Result) -> Result:
    return result._replace(outcome=Outcome.FAILED, detail=LEFT_AUDIENCE, http_status=0, due_at=None, since=None)
