"""A tenant which has kept things for long enough and things that it has not, and what is left of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from fanfare.domain.audience import Audience
from fanfare.domain.audit import AuditEntry
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.dead_letter import DeadLetter, dead_letter_id
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.retention import Kind
from fanfare.ports import Deps
from fanfare.services.clean_up import clean_up
from tests.factories import NOW, TENANT_ID, a_device, a_notification, a_profile, a_recipient, a_tenant
from tests.fakes import (
    FixedClock,
    FixedLifecycle,
    MemoryAnalyticsStore,
    MemoryAudienceStore,
    MemoryAuditStore,
    MemoryDeviceStore,
    MemoryEndedStore,
    MemoryNotificationStore,
    MemoryProfileStore,
    MemoryRetentionStore,
    MemoryTenantStore,
    RecordingLog,
    RecordingTaskQueue,
    fake_deps,
)
from tests.unit.services.seeding import add_devices

DAY = timedelta(days=1)
OLD = NOW - 400 * DAY


@dataclass
class Attic:
    """The fakes of one tenant, to be filled and looked into; `deps` may be replaced by one that fails."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    audit: MemoryAuditStore = field(default_factory=MemoryAuditStore)
    tasks: RecordingTaskQueue = field(default_factory=RecordingTaskQueue)
    log: RecordingLog = field(default_factory=RecordingLog)
    lifecycle: FixedLifecycle = field(default_factory=FixedLifecycle)

    def __post_init__(self) -> None:
        self.notifications = MemoryNotificationStore(self.audit)
        self.analytics = MemoryAnalyticsStore(self.notifications)
        self.devices = MemoryDeviceStore(self.clock, self.audit, self.analytics)
        self.profiles, self.tenants = MemoryProfileStore(self.audit), MemoryTenantStore(self.audit)
        self.audience = MemoryAudienceStore(self.devices)
        self.ended = MemoryEndedStore(self.notifications)
        self.retention = MemoryRetentionStore(self.devices, self.profiles, self.audit, self.notifications)
        self.tenants.create(a_tenant())
        names = (
            *("clock", "audit", "tasks", "log", "lifecycle", "notifications", "analytics"),
            *("devices", "profiles", "tenants", "audience", "ended", "retention"),
        )
        self.deps: Deps = fake_deps(**{name: getattr(self, name) for name in names})

    def clean(self) -> dict[Kind, int]:
        return {kind: number for kind, number in clean_up(self.deps, TENANT_ID, "request-1").items() if number}

    def settings(self, **days: int) -> None:
        def change(tenant: Any) -> Any:
            given = {**tenant.settings.retention_days, **days}
            return replace(tenant, settings=replace(tenant.settings, retention_days=given))

        self.tenants.update(TENANT_ID, change)

    def device(self, device_id: str, reason: InactiveReason | None = None, *, days: int = 0, **fields: Any) -> None:
        """A device that has been inactive, or (without a reason) silent, for so many days."""
        usual: dict[str, Any] = {"last_seen_at": NOW - days * DAY, "created_at": OLD}
        if reason is not None:
            usual = {"active": False, "inactive_reason": reason, "inactive_since": NOW - days * DAY}
        add_devices(self.deps, a_device(id=device_id, owners=(), **usual | fields))

    def profile(self, profile_id: str, *, days: int) -> None:
        self.profiles.create(TENANT_ID, a_profile(id=profile_id, deleted_at=NOW - days * DAY))

    def notification(
        self, name: str, days: float | None, *, letters: tuple[int, ...] = (), chunks: int = 1, letters_at: datetime | None = None
    ) -> None:
        """One that ended so many days ago (None: it is under way), with recipients and results of each chunk, and dead letters of some."""
        at = NOW - days * DAY if days is not None else None
        counts = Counts(targeted=chunks, sent=chunks - len(letters), failed=len(letters))
        layout = Layout(Source.RECIPIENTS, stages=(chunks,)) if chunks > 1 else None
        status = NotificationStatus.COMPLETED if at else NotificationStatus.SENDING
        told = a_notification(id=name, status=status, counts=counts, completed_at=at, created_at=OLD, layout=layout, chunk_count=chunks)
        self.notifications.accept(told, [])
        keys = [ChunkKey(TENANT_ID, name, number) for number in range(chunks)]
        self.notifications.create_recipients({key: (a_recipient(),) for key in keys})
        for key in keys:
            self.notifications.create_chunk(Chunk(key, ChunkState.DONE, "owner", OLD, OLD, completed_at=at))
        for number in letters:
            key = keys[number]
            self.notifications.put_dead_letter(DeadLetter(dead_letter_id(key), key, {"UNAVAILABLE": 1}, "UNAVAILABLE", letters_at or at or OLD))

    def entry(self, action: str, *, days: int) -> None:
        self.audit.record(TENANT_ID, AuditEntry(action, Actor(ActorKind.CLIENT, "client-1"), NOW - days * DAY))

    def compacted(self, until: datetime) -> None:
        """An audience which knows of all changes before then."""
        self.audience.update(TENANT_ID, lambda stored: replace(stored or Audience(TENANT_ID), watermarks=(until,) * BUCKETS))

    def stored_devices(self) -> dict[str, Device]:
        return {device.id: device for _, device in self.devices.everything()}

    def tombstones(self) -> set[str]:
        return {device_id for device_id, _, device in self.devices.written(TENANT_ID) if device is None}

    def names(self) -> set[str]:
        return {row.id for row in self.notifications.everything()}

    def recipients(self, name: str) -> list[int]:
        return sorted(key.number for key in self.notifications._recipients if key.notification_id == name)

    def chunks(self, name: str) -> list[int]:
        return sorted(chunk.key.number for chunk in self.notifications.chunks_of(TENANT_ID, name))

    def letters(self) -> set[str]:
        return {letter_id for _, letter_id in self.notifications._dead_letters}

    def actions(self) -> list[str]:
        return [entry.action for _, entry in self.audit.entries]

    def cleaned(self) -> Counter[str | None]:
        """How many devices the days' numbers say were cleaned, by platform."""
        cleaned: Counter[str | None] = Counter()
        for (_, key), amounts in self.analytics.details.items():
            cleaned[key.platform] += amounts.cleaned
        return +cleaned


def full_attic() -> Attic:
    """Of everything something that is due and something that is not."""
    attic = Attic()
    for platform, limit in ((Platform.ANDROID, 270), (Platform.IOS, 365), (Platform.WEB, 365)):
        attic.device(f"idle-{platform}", days=limit + 1, platform=platform)
        attic.device(f"seen-{platform}", days=limit - 1, platform=platform)
    attic.device("gone-31", InactiveReason.UNREGISTERED, days=31)
    attic.device("gone-29", InactiveReason.UNREGISTERED, days=29)
    attic.device("deleted-31", InactiveReason.DELETED, days=31, platform=Platform.IOS)
    attic.device("deleted-29", InactiveReason.DELETED, days=29)
    attic.device("waiting-99", InactiveReason.PROFILE_DELETED, days=99)
    attic.profile("profile-31", days=31)
    attic.profile("profile-29", days=29)
    attic.notification("under-way", None)
    attic.notification("ended-6", 6)
    attic.notification("ended-8", 8)
    attic.notification("failed-8", 8, letters=(0,))
    attic.notification("many-8", 8, chunks=3, letters=(1,))
    attic.notification("letter-95", 40, letters=(0,), letters_at=NOW - 95 * DAY)
    attic.notification("ended-91", 91)
    attic.notification("failed-91", 91, letters=(0,), letters_at=NOW)
    attic.notification("many-91", 91, chunks=3, letters=(2,), letters_at=NOW)
    attic.entry("device.registered", days=91)
    attic.entry("device.updated", days=89)
    return attic


def assert_cleaned(attic: Attic) -> None:
    """Everything that was due is gone, nothing else is touched, and each device was counted once."""
    devices = attic.stored_devices()
    kept = {"gone-29", "deleted-29", "waiting-99"} | {f"{state}-{platform}" for state in ("idle", "seen") for platform in Platform}
    assert devices.keys() == kept
    retired = {name for name, device in devices.items() if device.inactive_reason is InactiveReason.IDLE}
    assert retired == {f"idle-{platform}" for platform in Platform}
    assert all(devices[f"seen-{platform}"].active for platform in Platform)
    assert attic.tombstones() == {"gone-31", "deleted-31"}
    assert attic.cleaned() == {"android": 1, "ios": 1}
    assert {row.id for row in attic.profiles.list_stored(TENANT_ID, 10, None).items if row.erased_at is None} == {"profile-29"}
    assert attic.names() == {"under-way", "ended-6", "ended-8", "failed-8", "many-8", "letter-95"}
    numbers = {name: (attic.recipients(name), attic.chunks(name)) for name in sorted(attic.names())}
    assert numbers == {
        "ended-6": ([0], [0]),
        "ended-8": ([], [0]),
        "failed-8": ([0], [0]),
        "letter-95": ([], [0]),
        "many-8": ([1], [0, 1, 2]),
        "under-way": ([0], [0]),
    }
    gone = {"ended-91", "failed-91", "many-91"}
    assert not [key for key in (*attic.notifications._recipients, *attic.notifications._chunks) if key.notification_id in gone]
    assert attic.letters() == {"failed-8-0", "many-8-1"}
    assert "device.registered" not in attic.actions()
    assert "device.updated" in attic.actions()
