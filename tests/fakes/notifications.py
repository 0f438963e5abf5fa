"""Notifications, their recipients, their chunks and their dead letters in memory.

What is kept has been through JSON, as the real store's has: a request that could not be stored must not pass a test.
Every write of a chunk goes through `_write_chunk`, which refuses a lost claim; it is the place to build further steps on.
"""

from __future__ import annotations

import builtins
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, ChunkState, Claimed, Finished, Take, decide_claim, is_claim_of, new_claim
from fanfare.domain.dead_letter import AnyLetter, DeadLetter, Replay
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import Event
from fanfare.domain.filters import DeadLetterFilter, NotificationFilter
from fanfare.domain.forgetting import without_username
from fanfare.domain.listing import Page
from fanfare.domain.notification import FINAL_STATUSES, Notification, NotificationStatus
from fanfare.domain.outcome import Result
from fanfare.domain.public_view import PublicView, views_of
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import message_of
from fanfare.domain.steering import Steered
from fanfare.domain.sweeping import Overdue
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.pages import newest_of


class _Revised(dict[tuple[str, str], Notification]):
    """Notifications, each of which gets a new revision with each write."""

    def __init__(self, revisions: Iterator[int]) -> None:
        super().__init__()
        self._revisions = revisions

    def __setitem__(self, place: tuple[str, str], notification: Notification) -> None:
        super().__setitem__(place, replace(notification, revision=next(self._revisions)))


class MemoryNotificationStore:
    def __init__(self, audit: MemoryAuditStore | None = None) -> None:
        self._audit = audit or MemoryAuditStore()
        self._lock = threading.RLock()
        self._revisions = itertools.count(1)
        self._notifications = _Revised(self._revisions)
        self._recipients: dict[ChunkKey, tuple[Recipient, ...]] = {}
        self._chunks: dict[ChunkKey, Chunk] = {}
        self._dead_letters: dict[tuple[str, str], AnyLetter] = {}
        self.views: dict[tuple[str, str, str], PublicView] = {}

    def accept(self, notification: Notification, recipients: Sequence[Recipient], *, events: Sequence[Event] = ()) -> Notification | None:
        place = (notification.tenant, notification.id)
        with self._lock:
            if place in self._notifications:
                return self._notifications[place]
            request = json.loads(json.dumps(notification.request))
            self._notifications[place] = replace(notification, request=request, message=message_of(request))
            if recipients:
                self._recipients[ChunkKey(notification.tenant, notification.id, 0)] = tuple(recipients)
            self.views.update(_views(notification, {}))
            self._audit.events.add(events)
        return None

    def get(self, tenant: str, notification_id: str) -> Notification | None:
        return self._notifications.get((tenant, notification_id))

    def get_with_chunk(self, key: ChunkKey) -> tuple[Notification, Chunk | None] | None:
        notification = self.get(key.tenant, key.notification_id)
        return (notification, self._chunks.get(key)) if notification is not None else None

    def read_recipients(self, key: ChunkKey) -> tuple[Recipient, ...]:
        return self._recipients.get(key, ())

    def create_recipients(self, rows: Mapping[ChunkKey, tuple[Recipient, ...]]) -> bool:
        with self._lock:
            if not self._recipients.keys().isdisjoint(rows):
                return False
            self._recipients.update(rows)
        return True

    def recipients_of(self, tenant: str, notification_id: str) -> builtins.list[tuple[Recipient, ...]]:
        stored = [key for key in self._recipients if (key.tenant, key.notification_id) == (tenant, notification_id)]
        return [self._recipients[key] for key in sorted(stored, key=lambda key: key.number)]

    def queue(self, notification: Notification) -> tuple[Notification, bool] | None:
        place = (notification.tenant, notification.id)
        with self._lock:
            stored = self._notifications.get(place)
            if stored is None or stored.status is not NotificationStatus.ACCEPTING:
                return (stored, False) if stored is not None else None
            request = json.loads(json.dumps(notification.request))
            kept = {"created_at": stored.created_at, "paused": stored.paused}
            self._notifications[place] = replace(notification, request=request, message=message_of(request), **kept)
            return self._notifications[place], True

    def read_chunk(self, key: ChunkKey) -> tuple[Notification, tuple[Recipient, ...]] | None:
        notification, recipients = self.get(key.tenant, key.notification_id), self._recipients.get(key)
        return (notification, recipients) if notification is not None and recipients is not None else None

    def claim(
        self, key: ChunkKey, owner: str, now: datetime, planned_at: datetime | None = None, *, take: Take = Take.DUE
    ) -> Chunk | Busy | Finished:
        with self._lock:
            stored = self._chunks.get(key)
            if stored is None:
                return self._put_chunk(new_claim(key, owner, now, planned_at))
            decision = decide_claim(stored, owner, now, take)
            return self._put_chunk(decision.chunk) if isinstance(decision, Claimed) else decision

    def save_chunk(self, chunk: Chunk) -> Chunk | None:
        with self._lock:
            return self._write_chunk(chunk)

    def conclude(
        self,
        chunk: Chunk,
        notification: Notification,
        dead_letter: DeadLetter | None = None,
        audit: AuditEntry | None = None,
        events: Sequence[Event] = (),
    ) -> bool:
        with self._lock:
            stored = self._chunks.get(chunk.key)
            if stored is not None and stored.revision != chunk.revision and stored.stop is not chunk.stop:
                return False
            if self.get(notification.tenant, notification.id) is None or self._write_chunk(chunk) is None:
                return False
            self._put_progress(notification)
            self._put_views(notification, chunk.results)
            if dead_letter is not None:
                self._dead_letters[chunk.key.tenant, dead_letter.id] = dead_letter
            if audit is not None:
                self._audit.record(chunk.key.tenant, audit)
            self._audit.events.add(events)
        return True

    def get_dead_letter(self, tenant: str, dead_letter_id: str) -> AnyLetter | None:
        return self._dead_letters.get((tenant, dead_letter_id))

    def find_dead_letters(self, tenant: str, notification_id: str, limit: int, after: str | None) -> Page[DeadLetter]:
        chunks = [row for row in self._dead_letters.values() if isinstance(row, DeadLetter)]
        found = sorted(
            (row for row in chunks if (row.key.tenant, row.key.notification_id) == (tenant, notification_id)),
            key=lambda row: row.id,
        )
        following = [row for row in found if after is None or row.id > after]
        return Page(following[:limit], following[limit - 1].id if len(following) > limit else None)

    def list_dead_letters(self, tenant: str, filters: DeadLetterFilter, limit: int, after: str | None) -> Page[AnyLetter]:
        wanted = [row for row in self._dead_letters.values() if row.key.tenant == tenant and _is_wanted_letter(filters, row)]
        return newest_of(wanted, limit, after)

    def list(self, tenant: str, filters: NotificationFilter, limit: int, after: str | None) -> Page[Notification]:
        return newest_of([row for row in self._notifications.values() if row.tenant == tenant and _is_wanted(filters, row)], limit, after)

    def get_many(self, tenant: str, notification_ids: Sequence[str]) -> dict[str, tuple[Notification, Chunk | None]]:
        found = {name: self.get_with_chunk(ChunkKey(tenant, name, 0)) for name in notification_ids}
        return {name: (row[0], None if row[0].status in FINAL_STATUSES else row[1]) for name, row in found.items() if row is not None}

    def steer(
        self, key: ChunkKey, decide: Callable[[Notification, Chunk | None], Steered | None], audit: Trail
    ) -> tuple[Notification, Chunk | None] | None:
        with self._lock:
            found = self.get_with_chunk(key)
            steered = decide(*found) if found is not None else None
            if found is None or steered is None:
                return found
            entry = audit(found[0], steered.notification)
            self._put_chunk(steered.chunk)
            self._put_progress(steered.notification)
            self._put_views(steered.notification, steered.chunk.results)
            self.edit_paused(key.tenant, key.notification_id, steered.notification.paused)
            self._audit.record(key.tenant, entry)
            self._audit.events.add(steered.events)
            return steered.notification, steered.chunk

    @property
    def lock(self) -> threading.RLock:
        """What every write holds: the stores beside this one write in one commit with it."""
        return self._lock

    def chunk(self, key: ChunkKey) -> Chunk | None:
        return self._chunks.get(key)

    def chunks_of(self, tenant: str, notification_id: str) -> builtins.list[Chunk]:
        return [chunk for key, chunk in self._chunks.items() if (key.tenant, key.notification_id) == (tenant, notification_id)]

    def everything(self) -> builtins.list[Notification]:
        """Every notification of every tenant."""
        return builtins.list(self._notifications.values())

    def create_chunk(self, chunk: Chunk) -> bool:
        with self._lock:
            if chunk.key in self._chunks:
                return False
            self._put_chunk(chunk)
        return True

    def put_dead_letter(self, letter: AnyLetter) -> None:
        self._dead_letters[letter.key.tenant, letter.id] = letter

    def mark_replayed(self, tenant: str, letter_id: str, at: datetime) -> None:
        """Note that what a dead letter is about was sent again, if there is one that says nothing of it yet."""
        letter = self._dead_letters.get((tenant, letter_id))
        if letter is not None and letter.replayed_at is None:
            self._dead_letters[tenant, letter_id] = replace(letter, replayed_at=at)

    def put(self, notification: Notification) -> None:
        self._notifications[notification.tenant, notification.id] = notification

    def put_if_unchanged(self, notification: Notification) -> bool:
        """Store it unless somebody has since it was read."""
        with self._lock:
            stored = self.get(notification.tenant, notification.id)
            if stored is None or stored.revision != notification.revision:
                return False
            self.put(notification)
        return True

    def update(
        self,
        tenant: str,
        notification_id: str,
        decide: Callable[[Notification], Notification | None],
        audit: Trail | None = None,
        *,
        announce: Announcer | None = None,
    ) -> Notification | None:
        with self._lock:
            stored = self.get(tenant, notification_id)
            decided = decide(stored) if stored is not None else None
            if stored is None or decided is None:
                return stored
            entry = audit(stored, decided) if audit is not None else None
            events = announce(stored, decided) if announce is not None else ()
            self.put(decided)
            if entry is not None:
                self._audit.record(tenant, entry)
            self._audit.events.add(events)
        return decided

    def edit_paused(self, tenant: str, notification_id: str, paused: bool) -> None:  # noqa: FBT001 - the value that is stored
        """Change `paused` as an operator does in the database."""
        with self._lock:
            self._notifications[tenant, notification_id] = replace(self._notifications[tenant, notification_id], paused=paused)

    def find_edited_pauses(self, limit: int) -> Sequence[ChunkKey]:
        under_way = {NotificationStatus.QUEUED, NotificationStatus.SENDING}
        asked = [place for place, row in self._notifications.items() if row.paused and row.status in under_way]
        released = [place for place, row in self._notifications.items() if not row.paused and row.status is NotificationStatus.PAUSED]
        return [ChunkKey(*place, 0) for place in (*asked[:limit], *released[:limit])]

    def replay(self, letter: DeadLetter, replay: Replay, now: datetime, audit: AuditEntry | None = None) -> DeadLetter | None:
        replayed = replace(letter, replayed_at=now)
        return replayed if self.conclude(replay.chunk, replay.notification, replayed, audit) else None

    def forget_username(self, tenant: str, username: str, limit: int) -> int:
        with self._lock:
            found = [place for place, stored in self._notifications.items() if place[0] == tenant and username in stored.usernames][:limit]
            for place in found:
                stored = self._notifications[place]
                left = tuple(name for name in stored.usernames if name != username)
                self._notifications[place] = replace(stored, usernames=left, request=without_username(stored.request, username))
        return len(found)

    def forget_viewer(self, tenant: str, profile_id: str, limit: int) -> int:
        with self._lock:
            found = [place for place in self.views if (place[0], place[2]) == (tenant, profile_id)][:limit]
            for place in found:
                del self.views[place]
        return len(found)

    def find_overdue(self, now: datetime, limit: int) -> Overdue:
        chunks = [(chunk.next_check_at, key) for key, chunk in self._chunks.items()]
        notifications = [(found.next_check_at, ChunkKey(*place, 0)) for place, found in self._notifications.items()]
        return Overdue(_overdue(chunks, now, limit), _overdue(notifications, now, limit))

    def set_next_check(self, key: ChunkKey, at: datetime | None) -> None:
        place = (key.tenant, key.notification_id)
        with self._lock:
            if place not in self._notifications:
                raise Unavailable("There is no such notification.")
            self._notifications[place] = replace(self._notifications[place], next_check_at=at)

    def find_parked(self, tenant: str, limit: int, after: ChunkKey | None = None) -> Sequence[ChunkKey]:
        parked = [key for key, chunk in self._chunks.items() if key.tenant == tenant and chunk.state is ChunkState.PARKED]
        return sorted((key for key in parked if after is None or _name(key) > _name(after)), key=_name)[:limit]

    def _write_chunk(self, chunk: Chunk) -> Chunk | None:
        """Store a chunk if nobody else has since the caller read or wrote it, or if what was written since was by its own claim."""
        stored = self._chunks.get(chunk.key)
        if stored is None or (stored.revision != chunk.revision and not is_claim_of(stored, chunk.owner)):
            return None
        return self._put_chunk(chunk if stored.revision == chunk.revision else replace(chunk, stop=stored.stop))

    def _put_chunk(self, chunk: Chunk) -> Chunk:
        self._chunks[chunk.key] = replace(chunk, revision=next(self._revisions))
        return self._chunks[chunk.key]

    def _put_views(self, notification: Notification, results: Mapping[str, Result]) -> None:
        """Change what viewers see; whose document is gone gets none again."""
        self.views.update({place: view for place, view in _views(notification, results).items() if place in self.views})

    def add_received(self, tenant: str, notification_id: str, delivered: int, read: int) -> None:
        """Add what receipts come to, as part of another store's write."""
        stored = self._notifications[tenant, notification_id]
        counts = replace(stored.counts, delivered=stored.counts.delivered + delivered, read=stored.counts.read + read)
        self._notifications[tenant, notification_id] = replace(stored, counts=counts)

    def put_fanned(self, notification: Notification) -> None:
        """Store what a fan-out changes of a notification."""
        place = (notification.tenant, notification.id)
        with self._lock:
            self._put_progress(notification)
            self._notifications[place] = replace(
                self._notifications[place],
                layout=notification.layout,
                chunk_count=notification.chunk_count,
                judgement=notification.judgement,
                paused=notification.paused,
            )

    def _put_progress(self, notification: Notification) -> None:
        """Store what a delivery changes of a notification; the rest of it never changes."""
        place = (notification.tenant, notification.id)
        received = self._notifications[place].counts
        self._notifications[place] = replace(
            self._notifications[place],
            status=notification.status,
            status_reason=notification.status_reason,
            counts=replace(notification.counts, delivered=received.delivered, read=received.read),
            errors=notification.errors,
            platforms=notification.platforms,
            started_at=notification.started_at,
            completed_at=notification.completed_at,
            next_check_at=notification.next_check_at,
        )
        if notification.status in FINAL_STATUSES:
            self.edit_paused(*place, paused=False)


def _views(notification: Notification, results: Mapping[str, Result]) -> dict[tuple[str, str, str], PublicView]:
    return {(notification.tenant, notification.id, view.profile_id): view for view in views_of(notification, results)}


def _is_wanted(filters: NotificationFilter, row: Notification) -> bool:
    named = ("status", "template", "type", "caller", "client_id", "topic", "schedule_id")
    return (
        all(getattr(filters, name) in (None, getattr(row, name)) for name in named)
        and (filters.username is None or filters.username in row.usernames)
        and (filters.profile_id is None or filters.profile_id in row.profile_ids)
        and _is_within(filters, row.created_at)
    )


def _is_wanted_letter(filters: DeadLetterFilter, row: AnyLetter) -> bool:
    return filters.kind in (None, row.kind) and _is_within(filters, row.created_at)


def _is_within(filters: NotificationFilter | DeadLetterFilter, at: datetime) -> bool:
    return (filters.created_after is None or at >= filters.created_after) and (filters.created_before is None or at <= filters.created_before)


def _name(key: ChunkKey) -> tuple[str, str]:
    """What Firestore orders documents by: the parts of the path, numbers as text."""
    return key.notification_id, str(key.number)


def _overdue(checks: Sequence[tuple[datetime | None, ChunkKey]], now: datetime, limit: int) -> Sequence[ChunkKey]:
    """The longest overdue first."""
    due = sorted(((at, key) for at, key in checks if at is not None and at <= now), key=lambda row: row[0])
    return [key for _, key in due[:limit]]
