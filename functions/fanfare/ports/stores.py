"""What is kept, as Protocols. Stores raise `Unavailable` when Firestore does not answer; nothing else of a vendor's reaches a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.address import Address
from fanfare.domain.audit import AuditEntry
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, Finished
from fanfare.domain.client import Client
from fanfare.domain.dead_letter import DeadLetter, Replay
from fanfare.domain.device import Device
from fanfare.domain.idempotency import Attempt, StoredAnswer
from fanfare.domain.listing import DeviceFilter, Page, ProfileFilter
from fanfare.domain.notification import Notification
from fanfare.domain.profile import Profile
from fanfare.domain.recipient import Recipient
from fanfare.domain.registration import Known, Registration, RegistrationPlan
from fanfare.domain.sweeping import Overdue
from fanfare.domain.tenant import Tenant


class ClientStore(Protocol):
    """API clients."""

    def get(self, client_id: str) -> Client | None:
        """Find a client; answers may be up to 60 seconds old."""
        ...

    def create(self, client: Client) -> None:
        """Store a new client."""
        ...


class TenantStore(Protocol):
    """Tenants and their data keys."""

    def get(self, tenant: str) -> Tenant | None:
        """Find a tenant; answers may be up to 60 seconds old."""
        ...

    def get_fresh(self, tenant: str) -> Tenant | None:
        """Find a tenant as it is stored now."""
        ...

    def create(self, tenant: Tenant) -> None:
        """Store a new tenant together with a fresh data key."""
        ...

    def update(self, tenant: str, decide: Callable[[Tenant], Tenant | None], audit: AuditEntry | None = None) -> Tenant | None:
        """Apply a pure decision to the stored tenant (None leaves it), with an audit entry in the same commit; returns its state."""
        ...

    def find_needing_attention(self, now: datetime, limit: int) -> Sequence[Tenant]:
        """Find the tenants that the schedule tick must look at by `now`."""
        ...


class ProfileStore(Protocol):
    """Profiles. Each username, phone number and external id belongs to one profile of a tenant."""

    def get(self, tenant: str, profile_id: str) -> Profile | None:
        """Find one profile."""
        ...

    def find(self, tenant: str, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
        """Find profiles by what they are named by; an unknown address is missing from the answer."""
        ...

    def create(self, tenant: str, profile: Profile) -> tuple[Profile, bool]:
        """Store a new profile and return it with True, or the one that holds one of its names already with False, nothing stored."""
        ...

    def list(self, tenant: str, filters: ProfileFilter, limit: int, after: str | None) -> Page[Profile]:
        """List profiles in the order of their ids."""
        ...


class DeviceStore(Protocol):
    """Devices. A target belongs to one device of a tenant, and so does an app's device_id within a profile."""

    def get(self, tenant: str, device_ids: Sequence[str]) -> Sequence[Device]:
        """Find devices by id, in one call; unknown ids are missing from the answer."""
        ...

    def find_known(self, tenant: str, registrations: Sequence[tuple[Registration, Profile]]) -> Sequence[Known]:
        """Find what is stored about each registration's target and install."""
        ...

    def save(self, tenant: str, plans: Sequence[RegistrationPlan]) -> bool:
        """Store plans in one commit, guarded by what they were made from. False: something changed meanwhile and nothing was stored."""
        ...

    def update(self, tenant: str, device_id: str, decide: Callable[[Device], Device | None]) -> Device | None:
        """Apply a pure decision to a stored device (None leaves it) and return its state; None if there is no such device."""
        ...

    def update_many(self, tenant: str, device_ids: Sequence[str], decide: Callable[[Device], Device | None]) -> None:
        """Apply a pure decision to many devices: one call to read them, one commit; unknown ids are passed over."""
        ...

    def find_active(self, tenant: str, addresses: Sequence[Address], limit: int) -> Sequence[Device]:
        """Find the active devices of the named profiles, at most `limit`."""
        ...

    def list(self, tenant: str, filters: DeviceFilter, limit: int, after: str | None) -> Page[Device]:
        """List devices that are not deleted, in the order of their ids."""
        ...


class NotificationStore(Protocol):
    """Notifications, their packed recipients and their chunks."""

    def accept(self, notification: Notification, recipients: Sequence[Recipient]) -> Notification | None:
        """Create a notification with its recipients in one commit. Returns the one that has its id already instead; None means created."""
        ...

    def get(self, tenant: str, notification_id: str) -> Notification | None:
        """Find one notification."""
        ...

    def claim(self, key: ChunkKey, owner: str, now: datetime) -> Chunk | Busy | Finished:
        """Take a chunk for `owner`, exclusively until its lease ends."""
        ...

    def read_recipients(self, key: ChunkKey) -> Sequence[Recipient]:
        """The rows of one chunk in their order; empty once cleanup has removed them."""
        ...

    def read_chunk(self, key: ChunkKey) -> tuple[Notification, Sequence[Recipient]] | None:
        """Read in one call what a delivery needs; None if there is no such notification or chunk."""
        ...

    def save_chunk(self, chunk: Chunk) -> Chunk | None:
        """Store a claimed chunk by itself: a checkpoint, or its cancellation. Returns it with its new revision; None if the claim was lost."""
        ...

    def conclude(self, chunk: Chunk, notification: Notification, dead_letter: DeadLetter | None = None) -> bool:
        """Store a pass's end: the chunk, its notification, and its dead letter if it has one. False: the claim was lost, nothing was stored."""
        ...

    def get_dead_letter(self, tenant: str, dead_letter_id: str) -> DeadLetter | None:
        """Find one dead letter."""
        ...

    def list_dead_letters(self, tenant: str, limit: int, after: str | None) -> Page[DeadLetter]:
        """List dead letters in the order of their ids."""
        ...

    def replay(self, letter: DeadLetter, replay: Replay, now: datetime) -> DeadLetter | None:
        """Store a replay: chunk, notification and dead letter in one commit. None if something changed meanwhile and nothing was stored."""
        ...

    def find_overdue(self, now: datetime, limit: int) -> Overdue:
        """Find, in all tenants, at most `limit` chunks and notifications whose next check has passed."""
        ...

    def set_next_check(self, key: ChunkKey, at: datetime | None) -> None:
        """Move the next check of a chunk's *notification*; None ends it, because the chunk itself is checked from now on."""
        ...

    def find_parked(self, tenant: str, limit: int) -> Sequence[ChunkKey]:
        """Find parked chunks of a tenant."""
        ...

    def get_with_chunk(self, key: ChunkKey) -> tuple[Notification, Chunk | None] | None:
        """Find a notification and, where its delivery has begun, one of its chunks, in one call."""
        ...


class IdempotencyStore(Protocol):
    """Answers given under an Idempotency-Key."""

    def begin(self, tenant: str, attempt: Attempt) -> StoredAnswer | None:
        """Reserve a key. Returns what is stored under it instead; None means that the request is ours to perform."""
        ...

    def finish(self, tenant: str, key_hash: str, answer: StoredAnswer) -> None:
        """Keep the answer for replays."""
        ...

    def abandon(self, tenant: str, attempt: Attempt) -> None:
        """Release a key whose request changed nothing, so that it may be used again."""
        ...


class PoisonStore(Protocol):
    """Tasks that can't be performed, because nothing in them names a piece of work."""

    def record(self, function: str, task: str, reason: str, at: datetime) -> None:
        """Keep that a task was refused, and why; its body is not kept."""
        ...


class CredentialStore(Protocol):
    """The tenants' FCM credentials, which are written and never read back by a service."""

    def store(self, name: str, value: bytes) -> None:
        """Add a version of a secret, creating it first where it does not exist."""
        ...
