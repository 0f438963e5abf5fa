"""The real stores, built as `wiring` builds them, on the Firestore emulator and with secrets that a test knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, cast

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.blind_index import BlindIndex
from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.deployment_keys import DeploymentKeys
from fanfare.adapters.firestore.analytics import FirestoreAnalyticsStore
from fanfare.adapters.firestore.audience import FirestoreAudienceStore
from fanfare.adapters.firestore.audit import FirestoreAuditStore
from fanfare.adapters.firestore.broadcasts import FirestoreBroadcastStore
from fanfare.adapters.firestore.chunks import FirestoreChunkStore
from fanfare.adapters.firestore.client import open_client
from fanfare.adapters.firestore.clients import FirestoreClientStore
from fanfare.adapters.firestore.devices import FirestoreDeviceStore
from fanfare.adapters.firestore.ended import FirestoreEndedStore
from fanfare.adapters.firestore.idempotency import FirestoreIdempotencyStore
from fanfare.adapters.firestore.keepalive import FirestoreKeepaliveStore
from fanfare.adapters.firestore.limits import FirestoreRateLimiter
from fanfare.adapters.firestore.notifications import FirestoreNotificationStore
from fanfare.adapters.firestore.pacing import FirestorePacingStore
from fanfare.adapters.firestore.profiles import FirestoreProfileStore
from fanfare.adapters.firestore.progress import FirestoreProgressStore
from fanfare.adapters.firestore.recipients import FirestoreRecipientStore
from fanfare.adapters.firestore.retention import FirestoreRetentionStore
from fanfare.adapters.firestore.schedules import FirestoreScheduleStore
from fanfare.adapters.firestore.segments import FirestoreSegmentStore
from fanfare.adapters.firestore.subscriptions import FirestoreSubscriptionStore
from fanfare.adapters.firestore.templates import FirestoreTemplateStore
from fanfare.adapters.firestore.tenants import FirestoreTenantStore
from fanfare.adapters.firestore.topics import FirestoreTopicStore
from fanfare.adapters.secret_manager import SecretValue
from fanfare.adapters.system import SystemIdentifiers, random_bytes
from fanfare.config import Settings
from fanfare.domain.identifiers import encode_base64url
from fanfare.ports import (
    AnalyticsStore,
    AudienceStore,
    AuditStore,
    BroadcastStore,
    ChunkStore,
    ClientStore,
    DeviceStore,
    EndedStore,
    IdempotencyStore,
    IndexVersions,
    KeepaliveStore,
    NotificationStore,
    PacingStore,
    ProfileStore,
    ProgressStore,
    RateLimiter,
    RecipientStore,
    RetentionStore,
    ScheduleStore,
    SegmentStore,
    SubscriptionStore,
    TemplateStore,
    TenantStore,
    TopicStore,
)
from tests.fakes import FixedClock

# Settings must be complete; no store looks at these.
_ELSEWHERE = {
    "SEND_URL": "http://send.invalid/",
    "SCHEDULE_URL": "http://schedule.invalid/",
    "FANOUT_URL": "http://fanout.invalid/",
    "ROLLUP_URL": "http://rollup.invalid/",
    "CLEANUP_URL": "http://cleanup.invalid/",
    "KEEPALIVE_URL": "http://keepalive.invalid/",
    "TASKS_SERVICE_ACCOUNT": "tasks@accounts.invalid",
    "SCHEDULER_SERVICE_ACCOUNT": "scheduler@accounts.invalid",
}


@dataclass(frozen=True, slots=True)
class Stores:
    """One of each store, over the same data."""

    clock: FixedClock
    clients: ClientStore
    tenants: TenantStore
    profiles: ProfileStore
    devices: DeviceStore
    keepalive: KeepaliveStore
    topics: TopicStore
    subscriptions: SubscriptionStore
    templates: TemplateStore
    audience: AudienceStore
    analytics: AnalyticsStore
    segments: SegmentStore
    schedules: ScheduleStore
    notifications: NotificationStore
    chunks: ChunkStore
    progress: ProgressStore
    recipients: RecipientStore
    broadcasts: BroadcastStore
    pacing: PacingStore
    idempotency: IdempotencyStore
    audit: AuditStore
    rates: RateLimiter
    ended: EndedStore
    retention: RetentionStore
    index_versions: IndexVersions


class FixedSecrets:
    """Secret Manager with values that follow from a secret's name and version; `newest` is the version that somebody added last."""

    def __init__(self, newest: str = "1") -> None:
        self.newest = newest

    def access(self, name: str, version: str = "latest") -> SecretValue:
        found = self.newest if version == "latest" else version
        return SecretValue(found, encode_base64url(hashlib.sha256(f"{name}/{found}".encode()).digest()).encode())


def open_firestore(host: str, project: str) -> Firestore:
    """Open a database of the emulator: the client finds it by the environment, and only while it is made."""
    settings = Settings.from_env({**_ELSEWHERE, "GOOGLE_CLOUD_PROJECT": project})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", host)
        return open_client(settings)


def real_stores(firestore: Firestore, clock: FixedClock | None = None, secrets: FixedSecrets | None = None) -> Stores:
    """Build the stores of one instance; several of them may share a clock and secrets."""
    clock, identifiers, keys = clock or FixedClock(), SystemIdentifiers(), DeploymentKeys(cast("Any", secrets or FixedSecrets()))
    tenants = FirestoreTenantStore(firestore, clock, identifiers, keys, random_bytes)
    cipher, index = FieldCipher(tenants, random_bytes), BlindIndex(keys, tenants)
    devices = FirestoreDeviceStore(firestore, identifiers, index, cipher)
    return Stores(
        clock=clock,
        clients=FirestoreClientStore(firestore, clock, identifiers),
        tenants=tenants,
        profiles=FirestoreProfileStore(firestore, identifiers, index),
        devices=devices,
        keepalive=FirestoreKeepaliveStore(firestore, clock, identifiers, cipher),
        topics=FirestoreTopicStore(firestore, identifiers),
        subscriptions=FirestoreSubscriptionStore(firestore, clock, identifiers, devices),
        templates=FirestoreTemplateStore(firestore, clock, identifiers, tenants.config_version),
        segments=FirestoreSegmentStore(firestore, identifiers),
        schedules=FirestoreScheduleStore(firestore, identifiers, cipher),
        audience=FirestoreAudienceStore(firestore, identifiers, cipher),
        analytics=FirestoreAnalyticsStore(firestore, identifiers),
        notifications=FirestoreNotificationStore(firestore, identifiers, cipher),
        chunks=FirestoreChunkStore(firestore, identifiers, cipher),
        progress=FirestoreProgressStore(firestore, clock, identifiers, cipher),
        recipients=FirestoreRecipientStore(firestore, identifiers, cipher),
        broadcasts=FirestoreBroadcastStore(firestore, identifiers),
        pacing=FirestorePacingStore(firestore, identifiers),
        idempotency=FirestoreIdempotencyStore(firestore, identifiers, cipher),
        audit=FirestoreAuditStore(firestore, identifiers),
        rates=FirestoreRateLimiter(firestore, clock),
        ended=FirestoreEndedStore(firestore, identifiers),
        retention=FirestoreRetentionStore(firestore, devices),
        index_versions=keys,
    )
