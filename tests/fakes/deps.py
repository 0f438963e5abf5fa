"""One fake of each port: what a service's test runs on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fanfare.adapters.answer_window import MemoryAnswerWindow
from fanfare.adapters.cron_table import CronsimTable
from fanfare.adapters.endpoint_slots import MemoryEndpointSlots
from fanfare.adapters.instance_limits import InstanceRateLimiter
from fanfare.adapters.reading_window import MemoryReadingWindow
from fanfare.adapters.template_engine import MinijinjaRenderer
from fanfare.domain.edge import EdgeRules
from fanfare.ports import Deps
from tests.fakes.analytics import MemoryAnalyticsStore
from tests.fakes.audience import MemoryAudienceStore
from tests.fakes.audit import MemoryAuditStore, MemoryRefusalCounter
from tests.fakes.authenticator import ScriptedCallAuthenticator, ScriptedUserAuthenticator
from tests.fakes.broadcasts import MemoryBroadcastStore
from tests.fakes.chunks import MemoryChunkStore
from tests.fakes.clients import MemoryClientStore
from tests.fakes.credentials import MemoryCredentialStore
from tests.fakes.custom_tokens import ReadableCustomTokens
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.ended import MemoryEndedStore
from tests.fakes.event_feed import MemoryEventFeed
from tests.fakes.events import MemoryEventStore
from tests.fakes.health import FixedHealth
from tests.fakes.idempotency import MemoryIdempotencyStore
from tests.fakes.instance import FixedInstance
from tests.fakes.keepalive import MemoryKeepaliveStore
from tests.fakes.keys import FixedCursorKeys, FixedIndexVersions, FixedReceiptKeys
from tests.fakes.lifecycle import FixedLifecycle
from tests.fakes.limits import MemoryRateLimiter
from tests.fakes.log import RecordingLog
from tests.fakes.metrics import MemoryMetricsStore
from tests.fakes.notifications import MemoryNotificationStore
from tests.fakes.origins import MemoryOriginStore
from tests.fakes.pacing import MemoryPacingStore
from tests.fakes.poison import MemoryPoisonStore
from tests.fakes.profiles import MemoryProfileStore
from tests.fakes.progress import MemoryProgressStore
from tests.fakes.receipts import MemoryReceiptStore, MemoryReceiptSumStore
from tests.fakes.recipients import MemoryRecipientStore
from tests.fakes.retention import MemoryRetentionStore
from tests.fakes.schedules import MemoryScheduleStore
from tests.fakes.segments import MemorySegmentStore
from tests.fakes.sender import ScriptedPushSender
from tests.fakes.system import FixedClock, SequentialIdentifiers
from tests.fakes.tasks import RecordingTaskQueue
from tests.fakes.telemetry import RecordingTelemetry
from tests.fakes.templates import MemoryTemplateStore
from tests.fakes.tenants import MemoryTenantStore
from tests.fakes.topics import MemorySubscriptionStore, MemoryTopicStore, ScriptedTopicSubscriber
from tests.fakes.webhook_deliveries import MemoryWebhookDeliveryStore
from tests.fakes.webhook_poster import ScriptedWebhookPoster
from tests.fakes.webhooks import MemoryWebhookStore


def fake_deps(**overrides: Any) -> Deps:
    """Build fresh fakes; a test passes those that it wants to set up or look into."""
    clock = overrides.get("clock") or FixedClock()
    audit = overrides.get("audit") or MemoryAuditStore(overrides.get("events"))
    # The real audit log of a test keeps its events in the database.
    ledger = overrides.get("events") or getattr(audit, "events", None) or MemoryEventStore()
    tenants = overrides.get("tenants") or MemoryTenantStore(audit)
    notifications = overrides.get("notifications") or MemoryNotificationStore(audit)
    analytics = overrides.get("analytics") or MemoryAnalyticsStore(notifications)
    devices = overrides.get("devices") or MemoryDeviceStore(clock, audit, analytics)
    audience = overrides.get("audience") or MemoryAudienceStore(devices)
    receipts = overrides.get("receipts") or MemoryReceiptStore(notifications, ledger, clock)
    profiles = overrides.get("profiles") or MemoryProfileStore(audit)
    webhooks = overrides.get("webhooks") or MemoryWebhookStore(tenants, audit)
    deps = Deps(
        clock=clock,
        identifiers=SequentialIdentifiers(),
        clients=MemoryClientStore(audit),
        tenants=tenants,
        origins=MemoryOriginStore(tenants),
        profiles=profiles,
        devices=devices,
        keepalive=MemoryKeepaliveStore(devices, notifications, audit),
        topics=MemoryTopicStore(audit),
        subscriptions=MemorySubscriptionStore(devices, profiles),
        templates=MemoryTemplateStore(audit),
        renderer=MinijinjaRenderer(),
        cron=CronsimTable(),
        segments=MemorySegmentStore(audit),
        schedules=MemoryScheduleStore(notifications, audit),
        audience=audience,
        analytics=analytics,
        metrics=MemoryMetricsStore(analytics, devices, ledger, notifications),
        notifications=notifications,
        chunks=MemoryChunkStore(notifications, audience),
        progress=MemoryProgressStore(notifications, audit),
        recipients=MemoryRecipientStore(notifications),
        receipts=receipts,
        receipt_sums=MemoryReceiptSumStore(receipts, notifications, devices, analytics),
        broadcasts=MemoryBroadcastStore(notifications, audit),
        pacing=MemoryPacingStore(),
        idempotency=MemoryIdempotencyStore(),
        audit=audit,
        events=ledger,
        feed=MemoryEventFeed(ledger, clock),
        webhooks=webhooks,
        deliveries=MemoryWebhookDeliveryStore(ledger, webhooks, notifications, audit),
        rates=MemoryRateLimiter(clock),
        refusals=MemoryRefusalCounter(),
        edge=EdgeRules(),
        credentials=MemoryCredentialStore(),
        tasks=RecordingTaskQueue(),
        bearer_rates=InstanceRateLimiter(clock),
        sender=ScriptedPushSender(),
        subscriber=ScriptedTopicSubscriber(),
        poster=ScriptedWebhookPoster(),
        slots=MemoryEndpointSlots(),
        receipt_keys=FixedReceiptKeys(),
        cursor_keys=FixedCursorKeys(),
        index_versions=FixedIndexVersions(),
        call_authenticator=ScriptedCallAuthenticator(),
        users=ScriptedUserAuthenticator(),
        custom_tokens=ReadableCustomTokens(),
        poison=MemoryPoisonStore(),
        answers=MemoryAnswerWindow(),
        readings=MemoryReadingWindow(),
        lifecycle=FixedLifecycle(),
        health=FixedHealth(),
        ended=MemoryEndedStore(notifications),
        retention=MemoryRetentionStore(devices, profiles, audit, notifications, receipts),
        instance=FixedInstance(),
        log=RecordingLog(),
        telemetry=RecordingTelemetry(),
    )
    return replace(deps, **overrides)
