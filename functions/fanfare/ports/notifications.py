"""What is kept of notifications, as a Protocol of its own: a delivery's every step is a guarded write of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.dead_letter import AnyLetter, DeadLetter, Replay
from fanfare.domain.event import Event
from fanfare.domain.filters import DeadLetterFilter, NotificationFilter
from fanfare.domain.listing import Page
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from fanfare.domain.steering import Steered
from fanfare.domain.sweeping import Overdue


class NotificationStore(Protocol):
    """Notifications, their packed recipients and their chunks."""

    def accept(self, notification: Notification, recipients: Sequence[Recipient], *, events: Sequence[Event] = ()) -> Notification | None:
        """Create a notification with its recipients, and its events, in one commit.

        Returns the one that has its id already instead; None means created.
        """
        ...

    def get(self, tenant: str, notification_id: str) -> Notification | None:
        """Find one notification."""
        ...

    def steer(
        self, key: ChunkKey, decide: Callable[[Notification, Chunk | None], Steered | None], audit: Trail
    ) -> tuple[Notification, Chunk | None] | None:
        """Apply a pure decision (None leaves them) to a notification and its chunk, audited, in one commit; returns their state, None if unknown.

        The events of the decision are stored in the same commit.
        """
        ...

    def update(
        self,
        tenant: str,
        notification_id: str,
        decide: Callable[[Notification], Notification | None],
        audit: Trail | None = None,
        *,
        announce: Announcer | None = None,
    ) -> Notification | None:
        """Apply a pure decision (None leaves it) to a notification of many chunks, audited, in one commit; returns its state, None if unknown.

        What it announces is stored in the same commit.
        Of the notification its status, reason, `paused`, counts, errors, times, next check and refused forms are stored, and nothing else of it.
        """
        ...

    def list(self, tenant: str, filters: NotificationFilter, limit: int, after: str | None) -> Page[Notification]:
        """List notifications as they are stored, the newest first."""
        ...

    def forget_username(self, tenant: str, username: str, limit: int) -> int:
        """Remove an erased person's username from at most `limit` notifications that are found by it; returns from how many, 0 at the end."""
        ...

    def forget_viewer(self, tenant: str, profile_id: str, limit: int) -> int:
        """Remove at most `limit` documents that an erased profile's app could listen to; returns how many, 0 at the end. They never come back."""
        ...

    def get_many(self, tenant: str, notification_ids: Sequence[str]) -> Mapping[str, tuple[Notification, Chunk | None]]:
        """Find notifications, with the chunk of each that has not ended; unknown ids are missing from the answer."""
        ...

    def find_edited_pauses(self, limit: int) -> Sequence[ChunkKey]:
        """Find, in all tenants, notifications whose `paused` was edited by hand and not yet acted on: at most `limit` of each kind."""
        ...

    def get_dead_letter(self, tenant: str, dead_letter_id: str) -> AnyLetter | None:
        """Find one dead letter."""
        ...

    def find_dead_letters(self, tenant: str, notification_id: str, limit: int, after: str | None) -> Page[DeadLetter]:
        """Find the dead letters of a notification, those that were replayed included, in the order of their ids."""
        ...

    def list_dead_letters(self, tenant: str, filters: DeadLetterFilter, limit: int, after: str | None) -> Page[AnyLetter]:
        """List dead letters, the newest first."""
        ...

    def replay(self, letter: DeadLetter, replay: Replay, now: datetime, audit: AuditEntry | None = None) -> DeadLetter | None:
        """Store a replay: chunk, notification and dead letter in one commit. None if something changed meanwhile and nothing was stored."""
        ...

    def find_overdue(self, now: datetime, limit: int) -> Overdue:
        """Find, in all tenants, at most `limit` chunks and notifications whose next check has passed."""
        ...

    def set_next_check(self, key: ChunkKey, at: datetime | None) -> None:
        """Move the next check of a chunk's *notification*; None ends it, because the chunk itself is checked from now on."""
        ...

    def get_with_chunk(self, key: ChunkKey) -> tuple[Notification, Chunk | None] | None:
        """Find a notification and, where its delivery has begun, one of its chunks, in one call."""
        ...
