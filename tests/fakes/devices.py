"""Devices in memory, with the locks and guards that make a save all or nothing."""

from __future__ import annotations

import builtins
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from fanfare.domain.address import Address
from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.device import Device
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import Event
from fanfare.domain.filters import DeviceFilter
from fanfare.domain.listing import Page
from fanfare.domain.profile import Profile
from fanfare.domain.registration import Known, Registration, RegistrationPlan, noted
from fanfare.domain.target import Target
from fanfare.domain.topic_sync import TopicSync
from fanfare.ports import Clock
from tests.fakes.addresses import address_hash
from tests.fakes.analytics import MemoryAnalyticsStore
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.pages import page_of
from tests.fakes.system import START, FixedClock

_TRIES = 8
_Lock = tuple[str, ...]


class _Refused(Exception):
    """A guard does not hold."""


@dataclass(frozen=True, slots=True)
class _State:
    """All that is stored: devices by (tenant, id), the device that holds each lock, and the tombstones' (tenant, id) and times."""

    devices: dict[tuple[str, str], Device]
    holders: dict[_Lock, str]
    erased: dict[tuple[str, str], datetime] = field(default_factory=dict)


class MemoryDeviceStore:
    """`clock` is the server's, which stamps `updated_at`."""

    def __init__(self, clock: Clock | None = None, audit: MemoryAuditStore | None = None, analytics: MemoryAnalyticsStore | None = None) -> None:
        self._analytics = analytics
        self._audit = audit or MemoryAuditStore()
        self._clock = clock or FixedClock()
        self._lock = threading.Lock()
        self._revisions = itertools.count(1)
        self._state = _State({}, {})

    def get(self, tenant: str, device_ids: Sequence[str]) -> list[Device]:
        return [device for device_id in device_ids if (device := self._state.devices.get((tenant, device_id)))]

    def find_known(self, tenant: str, registrations: Sequence[tuple[Registration, Profile]]) -> list[Known]:
        return [
            Known(
                self._holder(tenant, _target_lock(tenant, registration.target.value)),
                self._holder(tenant, _install_lock(tenant, profile.id, registration.details.device_id or "")),
            )
            for registration, profile in registrations
        ]

    def save(self, tenant: str, plans: Sequence[RegistrationPlan], audit: AuditEntry | None = None) -> bool:
        return self._store(tenant, plans, audit, ())

    def everything(self) -> builtins.list[tuple[str, Device]]:
        """Every (tenant, device), in the order of ids."""
        return [(tenant, device) for (tenant, _), device in sorted(self._state.devices.items())]

    def note(self, tenant: str, device_id: str, decide: Callable[[Device], Device | None]) -> Device | None:
        """What `SubscriptionStore.note` does to one device."""
        while True:
            before = self._state.devices.get((tenant, device_id))
            after = decide(before) if before else None
            if before is None or after is None:
                return before
            with self._lock:
                stored = self._state.devices.get((tenant, device_id))
                if stored is not None and stored.revision == before.revision:
                    noted_device = replace(stored, topic_sync=self._due(after.topic_sync), revision=next(self._revisions))
                    self._state.devices[tenant, device_id] = noted_device
                    return noted_device

    @property
    def lock(self) -> threading.Lock:
        """What every write holds: the store of pings writes in one commit with it."""
        return self._lock

    def is_unchanged(self, tenant: str, device: Device) -> bool:
        """Tell whether a device is as it was when it was read."""
        stored = self._state.devices.get((tenant, device.id))
        return stored is not None and stored.revision == device.revision

    def put_keepalive(self, tenant: str, device: Device) -> Device:
        """Store when a device is pinged and was seen; the server's time moves only with the latter."""
        stored = self._state.devices[tenant, device.id]
        seen = stored.last_seen_at != device.last_seen_at
        kept = {"keepalive": device.keepalive, "last_seen_at": device.last_seen_at}
        updated = replace(stored, **kept, updated_at=self._clock.now() if seen else stored.updated_at, revision=next(self._revisions))
        self._state.devices[tenant, device.id] = updated
        return updated

    def save_all(self, tenant: str, batches: Sequence[tuple[Sequence[RegistrationPlan], AuditEntry | None]]) -> Sequence[bool]:
        return [self.save(tenant, plans, audit) for plans, audit in batches]

    def _store(self, tenant: str, plans: Sequence[RegistrationPlan], audit: AuditEntry | None, events: Sequence[Event]) -> bool:
        plans = [noted(plan) for plan in plans]
        touched = [name for plan in plans for name in _touched(tenant, plan)]
        if len(set(touched)) < len(touched):
            return False
        with self._lock:
            draft = _State(dict(self._state.devices), dict(self._state.holders), dict(self._state.erased))
            try:
                for plan in plans:
                    self._apply(draft, tenant, plan)
            except _Refused:
                return False
            self._state = draft
            if audit is not None:
                self._audit.record(tenant, audit)
            self._audit.events.add(events)
        return True

    def update(
        self, tenant: str, device_id: str, decide: Callable[[Device], Device | None], audit: Trail | None = None, *, announce: Announcer | None = None
    ) -> Device | None:
        for _ in range(_TRIES):
            before = self._state.devices.get((tenant, device_id))
            after = decide(before) if before else None
            if before is None or after is None:
                return before
            events = announce([before], [after]) if announce else ()
            if self._store(tenant, [RegistrationPlan(after, before)], audit(before, after) if audit else None, events):
                return after
        raise Unavailable("Too many writers change this at once.", retry_after_seconds=1)

    def update_many(
        self,
        tenant: str,
        device_ids: Sequence[str],
        decide: Callable[[Device], Device | None],
        audit: AuditEntry | None = None,
        *,
        announce: Announcer | None = None,
    ) -> Sequence[str]:
        plans = [RegistrationPlan(after, before) for before in self.get(tenant, device_ids) if (after := decide(before)) is not None]
        ids = [plan.device.id for plan in plans]
        events = announce([plan.previous for plan in plans], [plan.device for plan in plans]) if plans and announce else ()
        if not plans or self._store(tenant, plans, replace(audit, resource_ids=tuple(ids)) if audit else None, events):
            return ids
        return [device_id for device_id in ids if self._is_changed(tenant, device_id, decide, audit, announce)]

    def erase(
        self,
        tenant: str,
        device_ids: Sequence[str],
        audit: AuditEntry | None = None,
        *,
        only_if: Callable[[Device], bool] = lambda _: True,
        cleaned_on: date | None = None,
        announce: Announcer | None = None,
    ) -> int:
        with self._lock:
            live = [device for device in self.get(tenant, list(dict.fromkeys(device_ids))) if only_if(device)]
            for device in live:
                del self._state.devices[tenant, device.id]
                self._state.erased[tenant, device.id] = self._clock.now()
                for lock in _locks(tenant, device):
                    self._state.holders.pop(lock, None)
            if live and cleaned_on is not None and self._analytics is not None:
                cleaned = Counter(device.platform.value for device in live)
                self._analytics.add_cleaned(tenant, f"erasure-{next(self._revisions)}", cleaned_on, cleaned, self._clock.now())
            if live and audit is not None:
                self._audit.record(tenant, replace(audit, resource_ids=audit.resource_ids or tuple(device.id for device in live)))
            if live and announce is not None:
                self._audit.events.add(announce(live, [None] * len(live)))
        return len({device_id for device_id in device_ids if (tenant, device_id) in self._state.erased})

    def remove_tombstones(self, tenant: str, before: datetime, limit: int) -> int:
        with self._lock:
            doomed = [place for place, at in self._state.erased.items() if place[0] == tenant and at <= before][:limit]
            for place in doomed:
                del self._state.erased[place]
        return len(doomed)

    def written(self, tenant: str) -> builtins.list[tuple[str, datetime, Device | None]]:
        """Every device of a tenant with the time of its last write; a tombstone is no device."""
        living = [(device.id, device.updated_at or START, device) for (owner, _), device in self._state.devices.items() if owner == tenant]
        return [*living, *((device_id, at, None) for (owner, device_id), at in self._state.erased.items() if owner == tenant)]

    def written_everywhere(self) -> builtins.list[tuple[str, str, datetime]]:
        """The tenant, id and time of every device and tombstone."""
        tenants = {tenant for tenant, _ in (*self._state.devices, *self._state.erased)}
        return [(tenant, device_id, at) for tenant in sorted(tenants) for device_id, at, _ in self.written(tenant)]

    def find_by_target(self, tenant: str, target: Target) -> Device | None:
        return self._holder(tenant, _target_lock(tenant, target.value))

    def find_purgeable(self, tenant: str, before: datetime, limit: int) -> Sequence[Device]:
        found = [
            (device.purgeable_since, device)
            for (owner, _), device in self._state.devices.items()
            if owner == tenant and device.purgeable_since is not None and device.purgeable_since <= before
        ]
        return [device for _, device in sorted(found, key=lambda row: (row[0], row[1].id))[:limit]]

    def find_active(self, tenant: str, addresses: Sequence[Address], limit: int) -> list[Device]:
        hashes = {address_hash(tenant, address) for address in addresses}

        def is_named(device: Device) -> bool:
            return device.active and not hashes.isdisjoint(held for owner in device.owners for held in owner.addresses)

        return [device for (owner, _), device in self._state.devices.items() if owner == tenant and is_named(device)][:limit]

    def find_addressed(self, tenant: str, addresses: Sequence[Address], limit: int) -> dict[Address, builtins.list[Device]]:
        kept = {device.id for device in self.find_active(tenant, addresses, limit)}
        found = {address: [device for device in self.find_active(tenant, [address], limit) if device.id in kept] for address in addresses}
        return {address: devices for address, devices in found.items() if devices}

    def list(self, tenant: str, filters: DeviceFilter, limit: int, after: str | None) -> Page[Device]:
        return page_of(self._state.devices, tenant, lambda device: _is_wanted(filters, device), limit, after)

    def list_of_profile(self, tenant: str, profile_id: str, limit: int, after: str | None) -> Page[Device]:
        return page_of(self._state.devices, tenant, lambda device: profile_id in device.profile_ids, limit, after)

    def list_stored(self, tenant: str, limit: int, after: str | None) -> Page[Device]:
        return page_of(self._state.devices, tenant, lambda _: True, limit, after)

    def remove_locks(self, tenant: str, index_key: str, limit: int) -> int:
        return 0  # Here every name has one lock, whatever the index's key is.

    def _is_changed(
        self, tenant: str, device_id: str, decide: Callable[[Device], Device | None], audit: AuditEntry | None, announce: Announcer | None
    ) -> bool:
        decided: builtins.list[Device | None] = [None]

        def noting(device: Device) -> Device | None:
            decided.append(decide(device))
            return decided[-1]

        entry = replace(audit, resource_ids=(device_id,)) if audit else None
        trail = (lambda *_: entry) if entry else None
        return self.update(tenant, device_id, noting, trail, announce=announce) is not None and decided[-1] is not None

    def _holder(self, tenant: str, lock: _Lock) -> Device | None:
        return self._state.devices.get((tenant, self._state.holders.get(lock, "")))

    def _apply(self, draft: _State, tenant: str, plan: RegistrationPlan) -> None:
        self._check(draft, tenant, plan.device.id, plan.previous)
        self._put(draft, tenant, plan.device)
        if plan.displaced is not None:
            self._check(draft, tenant, plan.displaced.after.id, plan.displaced.before)
            self._put(draft, tenant, plan.displaced.after)
        locks = _lock_changes(tenant, plan)
        for lock in locks.released:
            draft.holders.pop(lock, None)
        if any(lock in draft.holders for lock in locks.created):
            raise _Refused
        draft.holders.update(dict.fromkeys(locks.created | locks.inherited, plan.device.id))

    def _check(self, draft: _State, tenant: str, device_id: str, read: Device | None) -> None:
        stored = draft.devices.get((tenant, device_id))
        if (stored and stored.revision) != (read and read.revision) or (tenant, device_id) in draft.erased:
            raise _Refused

    def _put(self, state: _State, tenant: str, device: Device) -> None:
        sync = self._due(device.topic_sync)
        state.devices[tenant, device.id] = replace(device, topic_sync=sync, updated_at=self._clock.now(), revision=next(self._revisions))

    def _due(self, sync: TopicSync) -> TopicSync:
        """What is to be told at once is due by the server's time."""
        return replace(sync, check_at=self._clock.now()) if sync.pending and sync.check_at is None else sync


@dataclass(frozen=True, slots=True)
class _LockChanges:
    """Locks that nobody holds afterwards, that must be nobody's before, and that pass from the displaced device to the new one."""

    released: set[_Lock]
    created: set[_Lock]
    inherited: set[_Lock]


def _lock_changes(tenant: str, plan: RegistrationPlan) -> _LockChanges:
    lost = _locks(tenant, plan.displaced.before) - _locks(tenant, plan.displaced.after) if plan.displaced else set()
    held = _locks(tenant, plan.previous) if plan.previous else set()
    wanted = _locks(tenant, plan.device)
    return _LockChanges((held | lost) - wanted, wanted - held - lost, (wanted - held) & lost)


def _touched(tenant: str, plan: RegistrationPlan) -> list[_Lock]:
    devices = [plan.device, *([plan.displaced.after] if plan.displaced else [])]
    locks = _lock_changes(tenant, plan)
    return [*(("device", device.id) for device in devices), *locks.released, *locks.created, *locks.inherited]


def _is_wanted(filters: DeviceFilter, device: Device) -> bool:
    return (
        not device.is_deleted
        and (filters.profile_id is None or filters.profile_id in device.profile_ids)
        and (filters.platform is None or filters.platform is device.platform)
        and (filters.active is None or filters.active is device.active)
        and (filters.device_id is None or filters.device_id == device.device_id)
        and (filters.topic is None or filters.topic in device.topics)
        and (filters.tag is None or filters.tag in device.tags)
    )


def _locks(tenant: str, device: Device) -> set[_Lock]:
    installs = {_install_lock(tenant, owner.profile_id, owner.installed_as) for owner in device.owners if owner.installed_as is not None}
    return {_target_lock(tenant, device.target.value), *installs}


def _target_lock(tenant: str, value: str) -> _Lock:
    return ("target", tenant, value)


def _install_lock(tenant: str, profile_id: str, device_id: str) -> _Lock:
    return ("install", tenant, profile_id, device_id)
