"""The sums of notifications of many chunks in memory, beside the chunks of the notification store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry
from fanfare.domain.broadcast_progress import NOTHING, Part, Progress, Sums, add_sums, part_of, parts_of
from fanfare.domain.chunk import Chunk, ChunkKey, count_chunk
from fanfare.domain.dead_letter import DeadLetter
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import Event
from fanfare.domain.notification import Notification
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.notifications import MemoryNotificationStore

_TRIES = 8


class MemoryProgressStore:
    """`sums` by tenant, notification and part."""

    def __init__(self, notifications: MemoryNotificationStore, audit: MemoryAuditStore | None = None) -> None:
        self.sums: dict[tuple[str, str, Part], Sums] = {}
        self._ended: Counter[tuple[str, str, int]] = Counter()
        self._notifications = notifications
        self._audit = audit or MemoryAuditStore()

    def conclude(self, chunk: Chunk, part: Part, dead_letter: DeadLetter | None = None, *, events: Sequence[Event] = ()) -> int | None:
        with self._notifications.lock:
            counted, change = count_chunk(chunk)
            if self._notifications.save_chunk(counted) is None:
                return None
            if dead_letter is not None:
                self._notifications.put_dead_letter(dead_letter)
            self._audit.events.add(events)
            return self._add(chunk.key, part, change)

    def create_ended(self, chunk: Chunk, part: Part) -> int | None:
        with self._notifications.lock:
            counted, change = count_chunk(chunk)
            return self._add(chunk.key, part, change) if self._notifications.create_chunk(counted) else None

    def note_ended(self, tenant: str, notification_id: str, stage: int) -> int:
        with self._notifications.lock:
            self._ended[tenant, notification_id, stage] += 1
            return self._ended[tenant, notification_id, stage]

    def read_progress(self, notification: Notification) -> Progress:
        layout = notification.layout
        stages = [parts_of(layout, stage) for stage in range(len(layout.stages))] if layout else []
        found = [[self.sums.get((notification.tenant, notification.id, part), NOTHING) for part in parts] for parts in stages]
        return Progress(tuple(map(add_sums, found)))

    def recent_progress(self, notifications: Sequence[Notification]) -> list[Progress]:
        return [self.read_progress(notification) for notification in notifications]

    def settle(
        self,
        tenant: str,
        notification_id: str,
        decide: Callable[[Notification, Progress], Notification | None],
        *,
        announce: Announcer | None = None,
    ) -> Notification | None:
        for _ in range(_TRIES):
            stored = self._notifications.get(tenant, notification_id)
            if stored is None:
                return None
            decided = decide(stored, self.read_progress(stored))
            if decided is None:
                return stored
            events = announce(stored, decided) if announce is not None else ()
            with self._notifications.lock:
                if self._notifications.put_if_unchanged(decided):
                    self._audit.events.add(events)
                    return decided
        raise Unavailable("Too many writers change this at once.", retry_after_seconds=1)

    def replay(self, notification: Notification, chunks: Sequence[Chunk], letters: Sequence[DeadLetter], audit: AuditEntry) -> bool:
        with self._notifications.lock:
            stored = [self._notifications.chunk(chunk.key) for chunk in chunks]
            if any(found is None or found.revision != chunk.revision for found, chunk in zip(stored, chunks, strict=True)):
                return False
            if not self._notifications.put_if_unchanged(notification):
                return False
            for chunk in chunks:
                counted, change = count_chunk(chunk)
                self._notifications.save_chunk(counted)
                assert notification.layout is not None
                self._add(chunk.key, part_of(notification.layout, chunk.key.number), change)
            for letter in letters:
                self._notifications.put_dead_letter(letter)
            self._audit.record(notification.tenant, audit)
        return True

    def _add(self, key: ChunkKey, part: Part, change: Sums) -> int:
        place = (key.tenant, key.notification_id, part)
        self.sums[place] = add_sums([self.sums.get(place, NOTHING), change])
        return self.sums[place].done
