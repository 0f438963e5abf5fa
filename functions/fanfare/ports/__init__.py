"""What the services need of the outside world: Protocols, and `Deps` with one of each."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.edge import EdgeRules
from fanfare.ports.analytics import AnalyticsStore
from fanfare.ports.audience import AudienceStore
from fanfare.ports.broadcasts import BroadcastStore
from fanfare.ports.chunks import ChunkStore
from fanfare.ports.devices import DeviceStore, ProfileStore
from fanfare.ports.ended import EndedStore
from fanfare.ports.events import EventStore
from fanfare.ports.keepalive import KeepaliveStore
from fanfare.ports.notifications import NotificationStore
from fanfare.ports.outside import (
    AnswerWindow,
    CallAuthenticator,
    Clock,
    CursorKeys,
    HealthProbe,
    Identifiers,
    IndexVersions,
    Instance,
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
from fanfare.ports.retention import RetentionStore
from fanfare.ports.schedules import CronTable, ScheduleStore
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
    "CronTable",
    "CursorKeys",
    "Deps",
    "DeviceStore",
    "EndedStore",
    "EventStore",
    "HealthProbe",
    "IdempotencyStore",
    "Identifiers",
    "IndexVersions",
    "Instance",
    "KeepaliveStore",
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
    "RetentionStore",
    "ScheduleStore",
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
    keepalive: KeepaliveStore
    topics: TopicStore
    subscriptions: SubscriptionStore
    templates: TemplateStore
    segments: SegmentStore
    schedules: ScheduleStore
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
    events: EventStore
    rates: RateLimiter
    refusals: RefusalCounter
    poison: PoisonStore
    ended: EndedStore
    retention: RetentionStore


@dataclass(frozen=True, slots=True)
class Deps(Stores):
    """One of each port, and what the deployment knows of its edge: what a service is called with."""

    clock: Clock
    identifiers: Identifiers
    renderer: TemplateRenderer
    cron: CronTable
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
    instance: Instance
    log: Log
