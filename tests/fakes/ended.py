"""Removal of ended notifications in memory: those of the notification store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.dead_letter import DeadLetter, dead_letter_id
from fanfare.domain.notification import Notification
from fanfare.domain.retention import DueLetter, Ended, Kind, Place
from tests.fakes.notifications import MemoryNotificationStore


class MemoryEndedStore:
    """`places` by tenant and kind."""

    def __init__(self, notifications: MemoryNotificationStore) -> None:
        self.places: dict[tuple[str, Kind], Place] = {}
        self._kept = notifications

    def find(self, tenant: str, until: datetime, limit: int, after: Place | None = None) -> list[Ended]:
        found = [_ended(row) for row in self._kept.everything() if row.tenant == tenant and row.completed_at is not None]
        due = [row for row in found if row.at <= until and (after is None or row.place > after)]
        return sorted(due, key=lambda row: row.place)[:limit]

    def get_places(self, tenant: str) -> dict[Kind, Place]:
        return {kind: place for (owner, kind), place in self.places.items() if owner == tenant}

    def set_place(self, tenant: str, kind: Kind, place: Place) -> None:
        self.places[tenant, kind] = place

    def with_dead_letter(self, tenant: str, notification_ids: Sequence[str]) -> set[str]:
        return {name for name in notification_ids if (tenant, dead_letter_id(ChunkKey(tenant, name, 0))) in self._kept._dead_letters}

    def remove_rows(self, tenant: str, notification_ids: Sequence[str]) -> None:
        for name in notification_ids:
            self._kept._recipients.pop(ChunkKey(tenant, name, 0), None)

    def remove_small(self, tenant: str, ended: Sequence[Ended], now: datetime, *, whole: bool) -> int:
        return sum(self._remove_small(tenant, one, whole=whole) for one in ended)

    def _remove_small(self, tenant: str, ended: Ended, *, whole: bool) -> bool:
        key = ChunkKey(tenant, ended.id, 0)
        with self._kept.lock:
            if not self.fence(tenant, ended, ended.at):
                return (tenant, ended.id) not in self._kept._notifications and whole
            self._kept._recipients.pop(key, None)
            self._kept._chunks.pop(key, None)
            self._kept._dead_letters.pop((tenant, dead_letter_id(key)), None)
            if whole:
                del self._kept._notifications[tenant, ended.id]
                for profile_id in ended.viewers:
                    self._kept.views.pop((tenant, ended.id, profile_id), None)
        return True

    def fence(self, tenant: str, ended: Ended, now: datetime) -> bool:
        with self._kept.lock:
            stored = self._kept.get(tenant, ended.id)
            if stored is None or stored.revision != ended.revision:
                return False
            self._kept.put(stored)
        return True

    def remove_letters(self, tenant: str, notification_id: str, limit: int) -> int:
        letters = self._kept._dead_letters
        doomed = [
            place
            for place, letter in letters.items()
            if place[0] == tenant and isinstance(letter, DeadLetter) and letter.key.notification_id == notification_id
        ][:limit]
        for place in doomed:
            del letters[place]
        return len(doomed)

    def remove_below(self, tenant: str, notification_id: str, kind: Kind, limit: int, keep: Collection[int] = frozenset()) -> int:
        rows = self._kept._recipients if kind is Kind.RECIPIENTS else self._kept._chunks
        doomed = [key for key in rows if (key.tenant, key.notification_id) == (tenant, notification_id) and key.number not in keep][:limit]
        for key in doomed:
            rows.pop(key)
        return len(doomed)

    def remove_large(self, tenant: str, notification_id: str) -> None:
        self._kept._notifications.pop((tenant, notification_id), None)

    def find_letters(self, tenant: str, before: datetime, limit: int) -> list[DueLetter]:
        due = [letter for (owner, _), letter in self._kept._dead_letters.items() if owner == tenant and letter.created_at <= before]
        # Every write stores an object of its own, so that it serves as the revision.
        return [DueLetter(letter, letter) for letter in sorted(due, key=lambda letter: letter.created_at, reverse=True)[:limit]]

    def remove_letter(self, due: DueLetter, *, with_rows: bool) -> bool:
        place = (due.letter.key.tenant, due.letter.id)
        with self._kept.lock:
            stored = self._kept._dead_letters.get(place)
            if stored is not None and stored is not due.revision:
                return False
            self._kept._dead_letters.pop(place, None)
            if with_rows and isinstance(due.letter, DeadLetter):
                self._kept._recipients.pop(due.letter.key, None)
        return True


def _ended(notification: Notification) -> Ended:
    assert notification.completed_at is not None
    is_large = notification.layout is not None
    has_failures = notification.counts.failed > 0
    return Ended(notification.id, notification.completed_at, has_failures, is_large, notification.revision, tuple(notification.viewers))
