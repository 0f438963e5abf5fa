"""What the services need of the outside world: Protocols, and `Deps` with one of each."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.ports.outside import (
    AnswerWindow,
    CallAuthenticator,
    Clock,
    CursorKeys,
    HealthProbe,
    Identifiers,
    Lifecycle,
    Log,
    PushSender,
    ReceiptKeys,
    TaskQueue,
)
from fanfare.ports.stores import (
    ClientStore,
    CredentialStore,
    DeviceStore,
    IdempotencyStore,
    NotificationStore,
    PoisonStore,
    ProfileStore,
    TenantStore,
)

__all__ = [
    "AnswerWindow",
    "CallAuthenticator",
    "ClientStore",
    "Clock",
    "CredentialStore",
    "CursorKeys",
    "Deps",
    "DeviceStore",
    "HealthProbe",
    "IdempotencyStore",
    "Identifiers",
    "Lifecycle",
    "Log",
    "NotificationStore",
    "PoisonStore",
    "ProfileStore",
    "PushSender",
    "ReceiptKeys",
    "TaskQueue",
    "TenantStore",
]


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
    call_authenticator: CallAuthenticator
    poison: PoisonStore
    answers: AnswerWindow
    lifecycle: Lifecycle
    health: HealthProbe
    log: Log
