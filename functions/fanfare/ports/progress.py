"""What became of notifications of many chunks, as a Protocol of its own: sums that each chunk adds to, spread over parts of each stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry
from fanfare.domain.broadcast_progress import Part, Progress
from fanfare.domain.chunk import Chunk
from fanfare.domain.dead_letter import DeadLetter
from fanfare.domain.event import Event
from fanfare.domain.notification import Notification


class ProgressStore(Protocol):
    """The sums of notifications of many chunks. Whatever changes a chunk's state for longer than a lease changes them in the same commit."""

    def conclude(self, chunk: Chunk, part: Part, dead_letter: DeadLetter | None = None, *, events: Sequence[Event] = ()) -> int | None:
        """Store the end of a pass over one chunk of many, its dead letter if it has one, its events, and what it changes of the sums.

        Returns how many chunks of the part are final then; None: the claim was lost, nothing was stored.
        """
        ...

    def create_ended(self, chunk: Chunk, part: Part) -> int | None:
        """Store a chunk that nobody has claimed and that nothing is sent of, and what it adds to the sums; None if it has been claimed."""
        ...

    def note_ended(self, tenant: str, notification_id: str, stage: int) -> int:
        """Note that all chunks of one of a stage's parts are final; returns how often that was noted: more often than needed is possible, too."""
        ...

    def read_progress(self, notification: Notification) -> Progress:
        """The sums of each stage: at most sixteen documents of each."""
        ...

    def recent_progress(self, notifications: Sequence[Notification]) -> Sequence[Progress]:
        """The same of several notifications, in their order; answers may be a second old."""
        ...

    def settle(
        self,
        tenant: str,
        notification_id: str,
        decide: Callable[[Notification, Progress], Notification | None],
        *,
        announce: Announcer | None = None,
    ) -> Notification | None:
        """Apply a pure decision (None leaves it) to a notification and its sums, which are read after it; returns its state, None if unknown.

        What it announces is stored in the same commit.
        """
        ...

    def replay(self, notification: Notification, chunks: Sequence[Chunk], letters: Sequence[DeadLetter], audit: AuditEntry) -> bool:
        """Store that chunks, with their dead letters, are to be sent again: at most 20 of them, with the notification and its sums in one commit.

        False: one of them, or the notification, has changed since it was read; nothing was stored.
        """
        ...
