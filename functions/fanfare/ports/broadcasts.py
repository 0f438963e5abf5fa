"""Notifications of many chunks, as Protocols: how far they were fanned out, and what became of their chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from fanfare.domain.chunk import ChunkState
from fanfare.domain.fanning import Advanced, Fanout
from fanfare.domain.notification import Notification


class BroadcastStore(Protocol):
    """`…/notifications/{id}/progress/fanout`, and what a fan-out writes of its notification."""

    def advance(
        self, tenant: str, notification_id: str, decide: Callable[[Notification, Fanout | None], Advanced | None]
    ) -> tuple[Notification, Fanout | None] | None:
        """Apply a pure decision (None leaves both) to a notification and its fan-out; returns their state, None if there is no such notification.

        Both are stored in one commit, with the events and the audit entry if there is one, guarded by what was read; a lost race decides anew. Of the
        notification its layout, chunk count, status, reason, counts, judgement, `paused`, times and next check are stored, and nothing else of it.
        """
        ...

    def chunk_states(self, tenant: str, notification_id: str, numbers: range) -> Mapping[int, ChunkState]:
        """The states of the chunks with these numbers; one that nobody has begun is missing from the answer."""
        ...

    def count_held(self, tenant: str, notification_id: str) -> int:
        """How many chunks are held; costs one read."""
        ...
