"""What the services need of the outside world, as Protocols; `Deps` holds one of each.

Stores raise `Unavailable` when Firestore does not answer; nothing else of a vendor's reaches a service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fanfare.domain.address import Address
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, Finished
from fanfare.domain.classification import Answer
from fanfare.domain.client import Client
from fanfare.domain.device import Device
from fanfare.domain.idempotency import Attempt, StoredAnswer
from fanfare.domain.listing import DeviceFilter, Page, ProfileFilter
from fanfare.domain.notification import Notification
from fanfare.domain.profile import Profile
from fanfare.domain.recipient import Recipient
from fanfare.domain.registration import Known, Registration, RegistrationPlan
from fanfare.domain.tenant import Tenant


class Clock(Protocol):
    """The only source of the time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class Identifiers(Protocol):
    """The only source of randomness."""

    def new_id(self) -> str:
        """An id of 22 base64url characters (128 random bits)."""
        ...

    def new_secret(self) -> str:
        """A secret of 43 base64url characters (256 random bits)."""
        ...


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

    def create(self, tenant: Tenant) -> None:
        """Store a new tenant together with a fresh data key."""
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

    def conclude(self, chunk: Chunk, notification: Notification) -> bool:
        """Store a chunk's end together with its notification. False: the claim was lost to another call and nothing was stored."""
        ...

    def cancel_chunk(self, chunk: Chunk) -> None:
        """Store a claimed chunk as cancelled, with its reason; without effect if the claim was lost."""
        ...

    def get_with_chunk(self, tenant: str, notification_id: str) -> tuple[Notification, Chunk | None] | None:
        """Find a notification and, where its delivery has begun, its first chunk, in one call."""
        ...


class IdempotencyStore(Protocol):
    """Answers given under an Idempotency-Key."""

    def begin(self, tenant: str, attempt: Attempt) -> StoredAnswer | None:
        """Reserve a key. Returns what is stored under it instead; None means that the request is ours to perform."""
        ...

    def finish(self, tenant: str, key_hash: str, answer: StoredAnswer) -> None:
        """Keep the answer for replays."""
        ...

    def abandon(self, tenant: str, key_hash: str) -> None:
        """Release a key whose request changed nothing, so that it may be used again."""
        ...


class CredentialStore(Protocol):
    """The tenants' FCM credentials, which are written and never read back by a service."""

    def store(self, name: str, value: bytes) -> None:
        """Add a version of a secret, creating it first where it does not exist."""
        ...


class TaskQueue(Protocol):
    """Cloud Tasks: nudges that carry an id."""

    def enqueue_send(self, key: ChunkKey, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `send`. False: the queue refused or did not answer; the sweep will find the chunk."""
        ...


class PushSender(Protocol):
    """FCM."""

    def send(self, tenant: Tenant, bodies: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Answer]]:
        """Post messages (key, JSON body) over one multiplexed connection and yield (key, answer) in the order in which answers arrive.

        Raises Unavailable if no access token for the tenant's project can be had.
        """
        ...


class ReceiptKeys(Protocol):
    """The keys that receipts are signed with."""

    def receipt_key(self, tenant: str) -> bytes:
        """The tenant's key; Unavailable if the secret can't be read."""
        ...


class CursorKeys(Protocol):
    """The key that list cursors are signed with."""

    def cursor_key(self) -> bytes:
        """The deployment's key; Unavailable if the secret can't be read."""
        ...


class TaskAuthenticator(Protocol):
    """Who may call the internal functions."""

    def authenticate(self, bearer: str) -> None:
        """Raise Unauthenticated unless the token is a valid one for this function, Forbidden unless its account may call it."""
        ...


class HealthProbe(Protocol):
    """How the things that we depend on are."""

    def check(self) -> Mapping[str, str]:
        """The last known state of each component, `ok` or `down`; at most ten seconds old where the component answers."""
        ...


class Log(Protocol):
    """Structured logging; a value logged here is never a target, a token or a body."""

    def info(self, event: str, **fields: object) -> None:
        """Record something that happened as it should."""
        ...

    def warning(self, event: str, **fields: object) -> None:
        """Record something that an operator may want to look at."""
        ...

    def error(self, event: str, error: BaseException) -> None:
        """Record what nobody foresaw: its type and where it was raised, never its text, which may hold a body."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """One of each port: what a service is called with."""

    clock: Clock
    identifiers: Identifiers
    clients: ClientStore
    tenants: TenantStore
    profiles: ProfileStore
    devices: DeviceStore
    notifications: NotificationStore
    idempotency: IdempotencyStore
    credentials: CredentialStore
    tasks: TaskQueue
    sender: PushSender
    receipt_keys: ReceiptKeys
    cursor_keys: CursorKeys
    task_authenticator: TaskAuthenticator
    health: HealthProbe
    log: Log
