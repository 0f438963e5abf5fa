"""Notifications that have come to their ends, as cleanup finds and removes them: a Protocol.

Every method may be called again after it was broken off, and by two callers at once: what is gone stays gone, and what is not due is not touched.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.retention import DueLetter, Ended, Kind, Place


class EndedStore(Protocol):
    """Notifications that have come to their ends, and what is kept below and beside them."""

    def find(self, tenant: str, until: datetime, limit: int, after: Place | None = None) -> Sequence[Ended]:
        """Find notifications that ended at `until` or before, in the order of their ends and ids, after a place in that order."""
        ...

    def get_places(self, tenant: str) -> Mapping[Kind, Place]:
        """Up to which ended notification each kind has been looked at."""
        ...

    def set_place(self, tenant: str, kind: Kind, place: Place) -> None:
        """Note up to which ended notification a kind has been looked at."""
        ...

    def with_dead_letter(self, tenant: str, notification_ids: Sequence[str]) -> Collection[str]:
        """Which of some notifications of one chunk have a dead letter."""
        ...

    def remove_rows(self, tenant: str, notification_ids: Sequence[str]) -> None:
        """Remove the recipients of at most 500 notifications of one chunk."""
        ...

    def remove_small(self, tenant: str, ended: Sequence[Ended], now: datetime, *, whole: bool) -> int:
        """Remove at most a hundred notifications of one chunk with their recipients, chunks and dead letters, each in one commit with these.

        If not `whole`, the notifications themselves stay. One that was changed since it was read stays with everything; returns how many went.
        """
        ...

    def fence(self, tenant: str, ended: Ended, now: datetime) -> bool:
        """Note that what is below a notification of many chunks is being removed: a replay that is under way is refused by this write.

        False: the notification was changed since it was read, nothing is stored.
        """
        ...

    def remove_letters(self, tenant: str, notification_id: str, limit: int) -> int:
        """Remove at most `limit` dead letters of a notification; returns how many, 0 when none are left."""
        ...

    def remove_below(self, tenant: str, notification_id: str, kind: Kind, limit: int, keep: Collection[int] = ...) -> int:
        """Remove at most `limit` chunks of a notification, or (`Kind.RECIPIENTS`) their rows, but not those whose numbers are to be kept.

        Returns how many, 0 when none are left.
        """
        ...

    def remove_large(self, tenant: str, notification_id: str) -> None:
        """Remove a notification of many chunks, and its sums, once nothing else is left below it."""
        ...

    def find_letters(self, tenant: str, before: datetime, limit: int) -> Sequence[DueLetter]:
        """Find dead letters that were made at `before` or earlier."""
        ...

    def remove_letter(self, due: DueLetter, *, with_rows: bool) -> bool:
        """Remove a dead letter, and its chunk's recipients in the same commit. False: it was replayed meanwhile, and both stay."""
        ...
