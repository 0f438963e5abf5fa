"""Devices in memory, with the locks and guards that make a save all or nothing."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fanfare.domain.address import Address
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.errors import Unavailable
from fanfare.domain.listing import DeviceFilter, Page
from fanfare.domain.profile import Profile
from fanfare.domain.registration import Known, Registration, RegistrationPlan
from fanfare.ports import Clock
from tests.fakes.addresses import address_hash
from tests.fakes.pages import page_of
from tests.fakes.system import FixedClock

_TRIES = 8
_Lock = tuple[str, ...]


class _Refused(Exception):
    """A guard does not hold."""


@dataclass(frozen=True, slots=True)
class _State:
    """All that is stored: devices by (tenant, id), and the device that holds each lock."""

    devices: dict[tuple[str, str], Device]
    holders: dict[_Lock, str]


class MemoryDeviceStore:
    """`clock` is the server's, which stamps `updated_at`."""

    def __init__(self, clock: Clock | None = None) -> None:
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

    def save(self, tenant: str, plans: Sequence[RegistrationPlan]) -> bool:
        touched = [name for plan in plans for name in _touched(tenant, plan)]
        if len(set(touched)) < len(touched):
            return False
        with self._lock:
            draft = _State(dict(self._state.devices), dict(self._state.holders))
            try:
                for plan in plans:
                    self._apply(draft, tenant, plan)
            except _Refused:
                return False
            self._state = draft
        return True

    def update(self, tenant: str, device_id: str, decide: Callable[[Device], Device | None]) -> Device | None:
        for _ in range(_TRIES):
            before = self._state.devices.get((tenant, device_id))
            after = decide(before) if before else None
            if before is None or after is None:
                return before
            with self._lock:
                if self._state.devices[tenant, device_id].revision == before.revision:
                    self._put(self._state, tenant, after)
                    return after
        raise Unavailable("Too many writers change this at once.", retry_after_seconds=1)

    def update_many(self, tenant: str, device_ids: Sequence[str], decide: Callable[[Device], Device | None]) -> None:
        for device_id in device_ids:
            self.update(tenant, device_id, decide)

    def find_active(self, tenant: str, addresses: Sequence[Address], limit: int) -> list[Device]:
        hashes = {address_hash(tenant, address) for address in addresses}

        def is_named(device: Device) -> bool:
            return device.active and not hashes.isdisjoint(held for owner in device.owners for held in owner.addresses)

        return [device for (owner, _), device in self._state.devices.items() if owner == tenant and is_named(device)][:limit]

    def list(self, tenant: str, filters: DeviceFilter, limit: int, after: str | None) -> Page[Device]:
        return page_of(self._state.devices, tenant, lambda device: _is_wanted(filters, device), limit, after)

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
        if (stored and stored.revision) != (read and read.revision):
            raise _Refused

    def _put(self, state: _State, tenant: str, device: Device) -> None:
        state.devices[tenant, device.id] = replace(device, updated_at=self._clock.now(), revision=next(self._revisions))


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
        device.inactive_reason is not InactiveReason.DELETED
        and (filters.profile_id is None or filters.profile_id in device.profile_ids)
        and (filters.platform is None or filters.platform is device.platform)
        and (filters.active is None or filters.active is device.active)
        and (filters.device_id is None or filters.device_id == device.device_id)
    )


def _locks(tenant: str, device: Device) -> set[_Lock]:
    installs = {_install_lock(tenant, owner.profile_id, owner.installed_as) for owner in device.owners if owner.installed_as is not None}
    return {_target_lock(tenant, device.target.value), *installs}


def _target_lock(tenant: str, value: str) -> _Lock:
    return ("target", tenant, value)


def _install_lock(tenant: str, profile_id: str, device_id: str) -> _Lock:
    return ("install", tenant, profile_id, device_id)
