"""One fake of each port: what a service's test runs on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fanfare.adapters.answer_window import MemoryAnswerWindow
from fanfare.adapters.cron_table import CronsimTable
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
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.ended import MemoryEndedStore
from tests.fakes.health import FixedHealth
from tests.fakes.idempotency import MemoryIdempotencyStore
from tests.fakes.instance import FixedInstance
from tests.fakes.keepalive import MemoryKeepaliveStore
from tests.fakes.keys import FixedCursorKeys, FixedIndexVersions, FixedReceiptKeys
from tests.fakes.lifecycle import FixedLifecycle
from tests.fakes.limits import MemoryRateLimiter
from tests.fakes.log import RecordingLog
from tests.fakes.notifications import MemoryNotificationStore
from tests.fakes.origins import MemoryOriginStore
from tests.fakes.pacing import MemoryPacingStore
from tests.fakes.poison import MemoryPoisonStore
from tests.fakes.profiles import MemoryProfileStore
from tests.fakes.progress import MemoryProgressStore
from tests.fakes.recipients import MemoryRecipientStore
from tests.fakes.retention import MemoryRetentionStore
from tests.fakes.schedules import MemoryScheduleStore
from tests.fakes.segments import MemorySegmentStore
from tests.fakes.sender import ScriptedPushSender
from tests.fakes.system import FixedClock, SequentialIdentifiers
from tests.fakes.tasks import RecordingTaskQueue
from tests.fakes.templates import MemoryTemplateStore
from tests.fakes.tenants import MemoryTenantStore
from tests.fakes.topics import MemorySubscriptionStore, MemoryTopicStore, ScriptedTopicSubscriber


def fake_deps(**overrides: Any) -> Deps:
    """Build fresh fakes; a test passes those that it wants to set up or look into."""
    clock = overrides.get("clock") or FixedClock()
    audit = overrides.get("audit") or MemoryAuditStore(overrides.get("events"))
    tenants = overrides.get("tenants") or MemoryTenantStore(audit)
    notifications = overrides.get("notifications") or MemoryNotificationStore(audit)
    analytics = overrides.get("analytics") or MemoryAnalyticsStore(notifications)
    devices = overrides.get("devices") or MemoryDeviceStore(clock, audit, analytics)
    audience = overrides.get("audience") or MemoryAudienceStore(devices)
    profiles = overrides.get("profiles") or MemoryProfileStore(audit)
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
        notifications=notifications,
        chunks=MemoryChunkStore(notifications, audience),
        progress=MemoryProgressStore(notifications, audit),
        recipients=MemoryRecipientStore(notifications),
        broadcasts=MemoryBroadcastStore(notifications, audit),
        pacing=MemoryPacingStore(),
        idempotency=MemoryIdempotencyStore(),
        audit=audit,
        events=audit.events,
        rates=MemoryRateLimiter(clock),
        refusals=MemoryRefusalCounter(),
        edge=EdgeRules(),
        credentials=MemoryCredentialStore(),
        tasks=RecordingTaskQueue(),
        sender=ScriptedPushSender(),
        subscriber=ScriptedTopicSubscriber(),
        receipt_keys=FixedReceiptKeys(),
        cursor_keys=FixedCursorKeys(),
        index_versions=FixedIndexVersions(),
        call_authenticator=ScriptedCallAuthenticator(),
        users=ScriptedUserAuthenticator(),
        poison=MemoryPoisonStore(),
        answers=MemoryAnswerWindow(),
        lifecycle=FixedLifecycle(),
        health=FixedHealth(),
        ended=MemoryEndedStore(notifications),
        retention=MemoryRetentionStore(devices, profiles, audit, notifications),
        instance=FixedInstance(),
        log=RecordingLog(),
    )
    return replace(deps, **overrides)
