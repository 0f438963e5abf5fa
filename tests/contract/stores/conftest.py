"""Every store suite runs twice: on the fakes in memory and on the real stores with the Firestore emulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import a_tenant
from tests.fakes import (
    FixedClock,
    FixedIndexVersions,
    MemoryAnalyticsStore,
    MemoryAudienceStore,
    MemoryAuditStore,
    MemoryBroadcastStore,
    MemoryChunkStore,
    MemoryClientStore,
    MemoryDeviceStore,
    MemoryEndedStore,
    MemoryIdempotencyStore,
    MemoryKeepaliveStore,
    MemoryNotificationStore,
    MemoryPacingStore,
    MemoryProfileStore,
    MemoryProgressStore,
    MemoryRateLimiter,
    MemoryRecipientStore,
    MemoryRetentionStore,
    MemoryScheduleStore,
    MemorySegmentStore,
    MemorySubscriptionStore,
    MemoryTemplateStore,
    MemoryTenantStore,
    MemoryTopicStore,
)


def _memory_stores() -> Stores:
    clock, audit = FixedClock(), MemoryAuditStore()
    notifications = MemoryNotificationStore(audit)
    analytics = MemoryAnalyticsStore(notifications)
    devices = MemoryDeviceStore(clock, audit, analytics)
    audience = MemoryAudienceStore(devices)
    profiles = MemoryProfileStore(audit)
    return Stores(
        clock=clock,
        clients=MemoryClientStore(audit),
        tenants=MemoryTenantStore(audit),
        profiles=profiles,
        devices=devices,
        keepalive=MemoryKeepaliveStore(devices, notifications, audit),
        topics=MemoryTopicStore(audit),
        subscriptions=MemorySubscriptionStore(devices, profiles),
        templates=MemoryTemplateStore(audit),
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
        rates=MemoryRateLimiter(clock),
        ended=MemoryEndedStore(notifications),
        retention=MemoryRetentionStore(devices, profiles, audit, notifications),
        index_versions=FixedIndexVersions(),
    )


@pytest.fixture(params=["memory", "firestore"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """One of each store, empty."""
    if request.param == "memory":
        yield _memory_stores()
        return
    firestore = open_firestore(request.getfixturevalue("emulator"), request.getfixturevalue("project_id"))
    yield real_stores(firestore)
    firestore.close()


@pytest.fixture
def tenant(stores: Stores) -> str:
    """A tenant with its data key."""
    stores.tenants.create(a_tenant(id="acme"))
    return "acme"


@pytest.fixture
def other_tenant(stores: Stores) -> str:
    """Another one, to be kept apart from the first."""
    stores.tenants.create(a_tenant(id="globex"))
    return "globex"
