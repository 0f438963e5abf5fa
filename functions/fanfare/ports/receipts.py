"""Receipts of delivered and read messages, and their sums, as Protocols."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.event import Event
from fanfare.domain.receipt_sums import Noted, NotedPlace, ReceiptSum, Seen
from fanfare.domain.receipts import ReceiptChange, ReceiptCounts, ReceiptEvent, ReceiptKey, StoredReceipt


class ReceiptStore(Protocol):
    """What apps have reported of the messages of a tenant: one receipt for each message and device."""

    def created_at(self, tenant: str, notification_ids: Collection[str]) -> Mapping[str, datetime]:
        """When messages were asked for; those that are not there, or were dry runs, are missing. It never changes and is kept in memory."""
        ...

    def get_many(self, tenant: str, keys: Collection[ReceiptKey]) -> Mapping[ReceiptKey, StoredReceipt]:
        """Find receipts, in one call; those that are not there are missing from the answer."""
        ...

    def save(self, tenant: str, changes: Sequence[ReceiptChange], events: Sequence[Event]) -> bool:
        """Store changes and the events that tell of them in one commit, each guarded by what it was made from.

        False: one of the receipts was stored by somebody else meanwhile; nothing was stored.
        """
        ...

    def count(self, tenant: str, notification_id: str) -> ReceiptCounts:
        """Count the receipts of one message."""
        ...


class ReceiptSumStore(Protocol):
    """The sums of all tenants' receipts: how far they have come, and what summing reads and adds."""

    def get_places(self) -> tuple[Mapping[ReceiptEvent, NotedPlace], object]:
        """Up to which receipt each event has been summed, and the mark by which that is guarded (None: nothing was summed yet)."""
        ...

    def find_noted(self, event: ReceiptEvent, until: datetime, limit: int, after: NotedPlace | None = None) -> Sequence[Noted]:
        """Find, in all tenants, receipts of which this was noted at `until` or before, in the order of (time, name), after a place in it."""
        ...

    def get_seen(self, tenant: str, device_ids: Collection[str]) -> Mapping[str, Seen]:
        """Find devices by id; those that are not there, or erased, are missing from the answer."""
        ...

    def note_seen(self, tenant: str, seen: Mapping[str, Seen], at: Mapping[str, datetime]) -> bool:
        """Move `last_seen_at` of devices, as they were read, in one commit; False: one of them has changed, nothing was stored."""
        ...

    def started_at(self, keys: Collection[ChunkKey]) -> Mapping[ChunkKey, datetime]:
        """When chunks were first sent; those that are not there are missing from the answer."""
        ...

    def add(self, event: ReceiptEvent, place: NotedPlace, revision: object, sums: Sequence[ReceiptSum]) -> bool:
        """Add sums to notifications and to the rows of their days, and set the place that was come to, in one commit.

        False: somebody else has gone on from that place, or a notification is gone; nothing was stored.
        """
        ...
