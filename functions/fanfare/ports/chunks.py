"""What is kept of chunks, as a Protocol of its own: a delivery's every step is a guarded write of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.chunk import Busy, Chunk, ChunkKey, Finished, Take
from fanfare.domain.chunk_rows import Rows
from fanfare.domain.dead_letter import DeadLetter
from fanfare.domain.event import Event
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient


class ChunkStore(Protocol):
    """The chunks of notifications and their rows."""

    def claim(
        self, key: ChunkKey, owner: str, now: datetime, planned_at: datetime | None = None, *, take: Take = Take.DUE
    ) -> Chunk | Busy | Finished:
        """Take a chunk for `owner`, exclusively until its lease ends. A first claim notes when its messages' life begins, if that is given."""
        ...

    def read_recipients(self, key: ChunkKey) -> Sequence[Recipient]:
        """The rows of one chunk of a notification's own, in their order; empty once cleanup has removed them."""
        ...

    def read_chunk(self, key: ChunkKey, generation: int | None = None) -> tuple[Notification, Rows] | None:
        """Read what a delivery needs; None if there is no such notification or chunk.

        One call, where the task says in which generation of the audience the rows stand, or where they are the notification's own. Else, and where
        that generation is kept no longer, they are looked for in the current one.
        """
        ...

    def save_chunk(self, chunk: Chunk) -> Chunk | None:
        """Store a claimed chunk by itself: a checkpoint, or its cancellation. Returns it with its new revision; None if the claim was lost.

        Another revision is no lost claim as long as the chunk is claimed by the same owner: an earlier checkpoint of this call was stored late, or
        the chunk was told to stop, which it keeps and comes back with.
        """
        ...

    def conclude(self, chunk: Chunk, notification: Notification, dead_letter: DeadLetter | None = None, *, events: Sequence[Event] = ()) -> bool:
        """Store the end of a pass over a notification's only chunk: the chunk, the notification, its dead letter if it has one, and its events.

        With them what the notification's viewers see, of those whose documents are still there.

        False: the claim was lost, or the chunk was told another `stop` than the plan knew; nothing was stored.
        """
        ...

    def get_many(self, keys: Sequence[ChunkKey]) -> Sequence[Chunk | None]:
        """Find chunks in one call, in the order asked for; None for one that nobody has claimed yet."""
        ...

    def find_parked(self, tenant: str, limit: int, after: ChunkKey | None = None) -> Sequence[ChunkKey]:
        """Find parked chunks of a tenant in the order of their names, from the beginning or after one that need not be parked any more."""
        ...
