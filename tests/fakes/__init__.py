"""Fakes of every port. The contract suites in `tests/contract/stores/` hold the stores to what the real ones do."""

from __future__ import annotations

from tests.fakes.analytics import MemoryAnalyticsStore
from tests.fakes.audience import MemoryAudienceStore
from tests.fakes.audit import MemoryAuditStore, MemoryRefusalCounter
from tests.fakes.authenticator import ScriptedCallAuthenticator, ScriptedUserAuthenticator
from tests.fakes.broadcasts import MemoryBroadcastStore
from tests.fakes.chunks import MemoryChunkStore
from tests.fakes.clients import MemoryClientStore
from tests.fakes.credentials import MemoryCredentialStore
from tests.fakes.deps import fake_deps
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.ended import MemoryEndedStore
from tests.fakes.health import FixedHealth
from tests.fakes.idempotency import MemoryIdempotencyStore
from tests.fakes.instance import FixedInstance
from tests.fakes.keepalive import MemoryKeepaliveStore
from tests.fakes.keys import FixedCursorKeys, FixedIndexVersions, FixedReceiptKeys
from tests.fakes.lifecycle import FixedLifecycle
from tests.fakes.limits import MemoryRateLimiter
from tests.fakes.log import LogRecord, RecordingLog
from tests.fakes.notifications import MemoryNotificationStore
from tests.fakes.origins import MemoryOriginStore
from tests.fakes.pacing import MemoryPacingStore
from tests.fakes.poison import MemoryPoisonStore, Poison
from tests.fakes.profiles import MemoryProfileStore
from tests.fakes.progress import MemoryProgressStore
from tests.fakes.recipients import MemoryRecipientStore
from tests.fakes.retention import MemoryRetentionStore
from tests.fakes.schedules import MemoryScheduleStore
from tests.fakes.segments import MemorySegmentStore
from tests.fakes.sender import ScriptedPushSender
from tests.fakes.system import START, FixedClock, SequentialIdentifiers
from tests.fakes.tasks import RecordingTaskQueue, SendTask
from tests.fakes.telemetry import RecordingTelemetry
from tests.fakes.templates import MemoryTemplateStore
from tests.fakes.tenants import MemoryTenantStore
from tests.fakes.topics import MemorySubscriptionStore, MemoryTopicStore, ScriptedTopicSubscriber
from tests.fakes.webhook_deliveries import MemoryWebhookDeliveryStore
from tests.fakes.webhook_poster import ScriptedWebhookPoster

__all__ = [
    "START",
    "FixedClock",
    "FixedCursorKeys",
    "FixedHealth",
    "FixedIndexVersions",
    "FixedInstance",
    "FixedLifecycle",
    "FixedReceiptKeys",
    "LogRecord",
    "MemoryAnalyticsStore",
    "MemoryAudienceStore",
    "MemoryAuditStore",
    "MemoryBroadcastStore",
    "MemoryChunkStore",
    "MemoryClientStore",
    "MemoryCredentialStore",
    "MemoryDeviceStore",
    "MemoryEndedStore",
    "MemoryIdempotencyStore",
    "MemoryKeepaliveStore",
    "MemoryNotificationStore",
    "MemoryOriginStore",
    "MemoryPacingStore",
    "MemoryPoisonStore",
    "MemoryProfileStore",
    "MemoryProgressStore",
    "MemoryRateLimiter",
    "MemoryRecipientStore",
    "MemoryRefusalCounter",
    "MemoryRetentionStore",
    "MemoryScheduleStore",
    "MemorySegmentStore",
    "MemorySubscriptionStore",
    "MemoryTemplateStore",
    "MemoryTenantStore",
    "MemoryTopicStore",
    "MemoryWebhookDeliveryStore",
    "Poison",
    "RecordingLog",
    "RecordingTaskQueue",
    "RecordingTelemetry",
    "ScriptedCallAuthenticator",
    "ScriptedPushSender",
    "ScriptedTopicSubscriber",
    "ScriptedUserAuthenticator",
    "ScriptedWebhookPoster",
    "SendTask",
    "SequentialIdentifiers",
    "fake_deps",
]
