"""What the services need of the outside world: Protocols, and `Deps` with one of each."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.edge import EdgeRules
from fanfare.ports.analytics import AnalyticsStore
from fanfare.ports.audience import AudienceStore
from fanfare.ports.broadcasts import BroadcastStore
from fanfare.ports.chunks import ChunkStore
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
from fanfare.ports.pacing import PacingStore
from fanfare.ports.progress import ProgressStore
from fanfare.ports.recipients import RecipientStore
from fanfare.ports.segments import SegmentStore
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
from fanfare.ports.topics import SubscriptionStore, TopicStore, TopicSubscriber

__all__ = [
    "AnalyticsStore",
    "AnswerWindow",
    "AudienceStore",
    "AuditStore",
    "BroadcastStore",
    "CallAuthenticator",
    "ChunkStore",
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
    "PacingStore",
    "PoisonStore",
    "ProfileStore",
    "ProgressStore",
    "PushSender",
    "RateLimiter",
    "ReceiptKeys",
    "RecipientStore",
    "RefusalCounter",
    "SegmentStore",
    "Stores",
    "SubscriptionStore",
    "TaskQueue",
    "TemplateRenderer",
    "TemplateStore",
    "TenantStore",
    "TopicStore",
    "TopicSubscriber",
    "UserAuthenticator",
]


@dataclass(frozen=True, slots=True)
class Stores:
    """One of each port of what is kept."""

    clients: ClientStore
    tenants: TenantStore
    origins: OriginStore
    profiles: ProfileStore
    devices: DeviceStore
    topics: TopicStore
    subscriptions: SubscriptionStore
    templates: TemplateStore
    segments: SegmentStore
    audience: AudienceStore
    analytics: AnalyticsStore
    notifications: NotificationStore
    chunks: ChunkStore
    progress: ProgressStore
    recipients: RecipientStore
    broadcasts: BroadcastStore
    pacing: PacingStore
    idempotency: IdempotencyStore
    audit: AuditStore
    rates: RateLimiter
    refusals: RefusalCounter
    poison: PoisonStore


@dataclass(frozen=True, slots=True)
class Deps(Stores):
    """One of each port, and what the deployment knows of its edge: what a service is called with."""

    clock: Clock
    identifiers: Identifiers
    renderer: TemplateRenderer
    edge: EdgeRules
    credentials: CredentialStore
    tasks: TaskQueue
    sender: PushSender
    subscriber: TopicSubscriber
    receipt_keys: ReceiptKeys
    cursor_keys: CursorKeys
    index_versions: IndexVersions
    call_authenticator: CallAuthenticator
    users: UserAuthenticator
    answers: AnswerWindow
    lifecycle: Lifecycle
    health: HealthProbe
    log: Log
