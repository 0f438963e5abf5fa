"""What the services need of the outside world: Protocols, and `Deps` with one of each."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.edge import EdgeRules
from fanfare.ports.devices import DeviceStore, ProfileStore
from fanfare.ports.notifications import NotificationStore
from fanfare.ports.outside import (
    AnswerWindow,
    CallAuthenticator,
    Clock,
    CursorKeys,
    HealthProbe,
    Identifiers,
    IndexVersions,
    Lifecycle,
    Log,
    PushSender,
    ReceiptKeys,
    TaskQueue,
    TemplateRenderer,
    UserAuthenticator,
)
from fanfare.ports.stores import (
    AuditStore,
    ClientStore,
    CredentialStore,
    IdempotencyStore,
    OriginStore,
    PoisonStore,
    RateLimiter,
    RefusalCounter,
    TemplateStore,
    TenantStore,
)

__all__ = [
    "AnswerWindow",
    "AuditStore",
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
    "IndexVersions",
    "Lifecycle",
    "Log",
    "NotificationStore",
    "OriginStore",
    "PoisonStore",
    "ProfileStore",
    "PushSender",
    "RateLimiter",
    "ReceiptKeys",
    "RefusalCounter",
    "TaskQueue",
    "TemplateRenderer",
    "TemplateStore",
    "TenantStore",
    "UserAuthenticator",
]


@dataclass(frozen=True, slots=True)
class Deps:
    """One of each port, and what the deployment knows of its edge: what a service is called with."""

    clock: Clock
    identifiers: Identifiers
    clients: ClientStore
    tenants: TenantStore
    origins: OriginStore
    profiles: ProfileStore
    devices: DeviceStore
    templates: TemplateStore
    renderer: TemplateRenderer
    notifications: NotificationStore
    idempotency: IdempotencyStore
    audit: AuditStore
    rates: RateLimiter
    refusals: RefusalCounter
    edge: EdgeRules
    credentials: CredentialStore
    tasks: TaskQueue
    sender: PushSender
    receipt_keys: ReceiptKeys
    cursor_keys: CursorKeys
    index_versions: IndexVersions
    call_authenticator: CallAuthenticator
    users: UserAuthenticator
    poison: PoisonStore
    answers: AnswerWindow
    lifecycle: Lifecycle
    health: HealthProbe
    log: Log
