"""What the services need of the outside world: Protocols, and `Deps` with one of each."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.edge import EdgeRules
from fanfare.ports.analytics import AnalyticsStore
from fanfare.ports.audience import AudienceStore
from fanfare.ports.broadcasts import BroadcastStore
from fanfare.ports.chunks import ChunkStore
from fanfare.ports.custom_tokens import CustomTokens
from fanfare.ports.devices import DeviceStore, ProfileStore
from fanfare.ports.ended import EndedStore
from fanfare.ports.events import EventFeed, EventStore
from fanfare.ports.keepalive import KeepaliveStore
from fanfare.ports.metrics import MetricsStore, ReadingWindow
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
from fanfare.ports.receipts import ReceiptStore, ReceiptSumStore
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
from fanfare.ports.telemetry import Telemetry
from fanfare.ports.topics import SubscriptionStore, TopicStore, TopicSubscriber
from fanfare.ports.webhooks import EndpointSlots, WebhookDeliveryStore, WebhookPoster, WebhookStore

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
    "CustomTokens",
    "Deps",
    "DeviceStore",
    "EndedStore",
    "EndpointSlots",
    "EventFeed",
    "EventStore",
    "HealthProbe",
    "IdempotencyStore",
    "Identifiers",
    "IndexVersions",
    "Instance",
    "KeepaliveStore",
    "Lifecycle",
    "Log",
    "MetricsStore",
    "NotificationStore",
    "OriginStore",
    "PacingStore",
    "PoisonStore",
    "ProfileStore",
    "ProgressStore",
    "PushSender",
    "RateLimiter",
    "ReadingWindow",
    "ReceiptKeys",
    "ReceiptStore",
    "ReceiptSumStore",
    "RecipientStore",
    "RefusalCounter",
    "RetentionStore",
    "ScheduleStore",
    "SegmentStore",
    "Stores",
    "SubscriptionStore",
    "TaskQueue",
    "Telemetry",
    "TemplateRenderer",
    "TemplateStore",
    "TenantStore",
    "TopicStore",
    "TopicSubscriber",
    "UserAuthenticator",
    "WebhookDeliveryStore",
    "WebhookPoster",
    "WebhookStore",
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
    metrics: MetricsStore
    notifications: NotificationStore
    chunks: ChunkStore
    progress: ProgressStore
    recipients: RecipientStore
    receipts: ReceiptStore
    receipt_sums: ReceiptSumStore
    broadcasts: BroadcastStore
    pacing: PacingStore
    idempotency: IdempotencyStore
    audit: AuditStore
    events: EventStore
    feed: EventFeed
    webhooks: WebhookStore
    deliveries: WebhookDeliveryStore
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
    bearer_rates: RateLimiter
    sender: PushSender
    subscriber: TopicSubscriber
    poster: WebhookPoster
    slots: EndpointSlots
    receipt_keys: ReceiptKeys
    cursor_keys: CursorKeys
    index_versions: IndexVersions
    call_authenticator: CallAuthenticator
    users: UserAuthenticator
    custom_tokens: CustomTokens
    answers: AnswerWindow
    readings: ReadingWindow
    lifecycle: Lifecycle
    health: HealthProbe
    instance: Instance
    log: Log
    telemetry: Telemetry
