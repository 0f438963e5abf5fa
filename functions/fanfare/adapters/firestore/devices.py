"""Devices in Firestore, with lock documents for targets and installs, so that two simultaneous registrations of one make one device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from google.cloud.firestore import (
    SERVER_TIMESTAMP,
    CollectionReference,
    DocumentReference,
    DocumentSnapshot,
    FieldFilter,
    WriteBatch,
    WriteOption,
)
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.blind_index import BlindIndex
from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.client import fields_of, read_all, run_query
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded, update_guarded
from fanfare.adapters.firestore.device_mapping import from_document, to_document
from fanfare.adapters.firestore.pages import read_page
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.profiles import ALTERNATIVES
from fanfare.domain.address import Address
from fanfare.domain.batches import split
from fanfare.domain.device import Device
from fanfare.domain.listing import DeviceFilter, Page
from fanfare.domain.profile import Profile
from fanfare.domain.registration import Known, Registration, RegistrationPlan
from fanfare.ports import Identifiers

VERSION = 1


@dataclass(frozen=True, slots=True)
class _LockChanges:
    """Lock ids that a plan deletes, those that it creates, and those that pass from the displaced device to the new one."""

    deleted: set[str]
    created: set[str]
    inherited: set[str]


class FirestoreDeviceStore:
    """`tenants/{t}/devices/{id}` and `tenants/{t}/targets/{keyed hash}`, the locks of targets and installs."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, index: BlindIndex, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._index = index
        self._cipher = cipher

    def get(self, tenant: str, device_ids: Sequence[str]) -> list[Device]:
        """Find devices by id, in one call; unknown ids are missing from the answer."""
        snapshots = read_all(self._firestore, [self._reference(tenant, device_id) for device_id in device_ids])
        return [self._device(tenant, snapshot) for snapshot in snapshots if snapshot.exists]

    def find_known(self, tenant: str, registrations: Sequence[tuple[Registration, Profile]]) -> list[Known]:
        """Find what is stored about each registration's target and install: one call for the locks, one for the devices they name."""
        wanted = [self._lock_ids(tenant, registration, profile) for registration, profile in registrations]
        named = self._read_locks(tenant, {lock for locks in wanted for lock in locks if lock})
        devices = {device.id: device for device in self.get(tenant, sorted(set(named.values())))}
        return [Known(devices.get(named.get(target, "")), devices.get(named.get(install or "", ""))) for target, install in wanted]

    def save(self, tenant: str, plans: Sequence[RegistrationPlan]) -> bool:
        """Store plans in one commit, guarded by what they were made from. False: something changed meanwhile and nothing was stored.

        Plans that write the same document are refused too: Firestore holds both guards to be met, and the later would undo half of the earlier.
        """
        changes = [(plan, self._lock_changes(tenant, plan)) for plan in plans]
        written = [name for plan, locks in changes for name in _written(plan, locks)]
        if len(set(written)) < len(written):
            return False
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        for plan, locks in changes:
            self._add(batch, tenant, plan, write_id)
            self._add_locks(batch, tenant, plan.device.id, locks)
        return commit_guarded(batch, self._reference(tenant, plans[0].device.id), write_id) is not None

    def update(self, tenant: str, device_id: str, decide: Callable[[Device], Device | None]) -> Device | None:
        """Apply a pure decision to a stored device (None leaves it) and return its state; None if there is no such device."""

        def decide_fields(snapshot: DocumentSnapshot[Any]) -> tuple[dict[str, Any] | None, Device]:
            before = self._device(tenant, snapshot)
            after = decide(before)
            return (self._fields(tenant, after), after) if after is not None else (None, before)

        return update_guarded(self._firestore, self._reference(tenant, device_id), decide_fields, self._identifiers.new_id)

    def update_many(self, tenant: str, device_ids: Sequence[str], decide: Callable[[Device], Device | None]) -> None:
        """Apply a pure decision to many devices: one call to read them, one commit; unknown ids are passed over.

        If another writer changed one of them meanwhile, each is updated by itself.
        """
        changed = [(before, after) for before in self.get(tenant, device_ids) if (after := decide(before)) is not None]
        if changed and not self.save(tenant, [RegistrationPlan(after, before) for before, after in changed]):
            for before, _ in changed:
                self.update(tenant, before.id, decide)

    def find_active(self, tenant: str, addresses: Sequence[Address], limit: int) -> list[Device]:
        """Find the active devices of the named profiles, at most `limit`."""
        hashes = [self._index.hash_address(tenant, address) for address in addresses]
        found: dict[str, Device] = {}
        for piece in split(hashes, ALTERNATIVES):
            query = self._collection(tenant).where(filter=FieldFilter("addresses", "array_contains_any", list(piece)))
            for snapshot in run_query(query.where(filter=FieldFilter("active", "==", value=True)).limit(limit)):
                found[snapshot.id] = self._device(tenant, snapshot)
        return list(found.values())[:limit]

    def list(self, tenant: str, filters: DeviceFilter, limit: int, after: str | None) -> Page[Device]:
        """List devices that are not deleted, in the order of their ids."""
        platform = filters.platform.value if filters.platform else None
        given = (
            ("listed", "==", True),
            ("profile_ids", "array_contains", filters.profile_id),
            ("platform", "==", platform),
            ("active", "==", filters.active),
            ("device_id", "==", filters.device_id),
        )
        wanted = [row for row in given if row[2] is not None]
        return read_page(self._collection(tenant), wanted, limit, after, lambda snapshot: self._device(tenant, snapshot))

    def _add(self, batch: WriteBatch, tenant: str, plan: RegistrationPlan, write_id: str) -> None:
        fields = {**self._fields(tenant, plan.device), WRITE_ID: write_id}
        reference = self._reference(tenant, plan.device.id)
        if plan.previous is None:
            batch.create(reference, fields)
        else:
            batch.update(reference, fields, self._guard(plan.previous))
        if plan.displaced is not None:
            displaced = plan.displaced.after
            batch.update(self._reference(tenant, displaced.id), self._fields(tenant, displaced), self._guard(displaced))

    def _add_locks(self, batch: WriteBatch, tenant: str, device_id: str, locks: _LockChanges) -> None:
        """Keep the locks in step with the device. A new target's lock is *created*, so a simultaneous registration of it is refused."""
        held = {"v": VERSION, "device": device_id}
        for lock in locks.deleted:
            batch.delete(self._lock(tenant, lock))
        for lock in locks.created:
            batch.create(self._lock(tenant, lock), held)
        for lock in locks.inherited:
            batch.set(self._lock(tenant, lock), held)

    def _lock_changes(self, tenant: str, plan: RegistrationPlan) -> _LockChanges:
        lost = self._locks(tenant, plan.displaced.before) - self._locks(tenant, plan.displaced.after) if plan.displaced else set()
        before = self._locks(tenant, plan.previous) if plan.previous else set()
        after = self._locks(tenant, plan.device)
        return _LockChanges(deleted=(before | lost) - after, created=after - before - lost, inherited=(after - before) & lost)

    def _locks(self, tenant: str, device: Device) -> set[str]:
        locks = {self._index.hash_target(tenant, device.target)}
        installs = ((owner.profile_id, owner.installed_as) for owner in device.owners if owner.installed_as is not None)
        return locks | {self._index.hash_install(tenant, profile_id, device_id) for profile_id, device_id in installs}

    def _lock_ids(self, tenant: str, registration: Registration, profile: Profile) -> tuple[str, str | None]:
        device_id = registration.details.device_id
        install = self._index.hash_install(tenant, profile.id, device_id) if device_id else None
        return self._index.hash_target(tenant, registration.target), install

    def _read_locks(self, tenant: str, locks: Iterable[str]) -> dict[str, str]:
        snapshots = read_all(self._firestore, [self._lock(tenant, lock) for lock in sorted(locks)])
        return {snapshot.id: fields["device"] for snapshot in snapshots if (fields := fields_of(snapshot))}

    def _fields(self, tenant: str, device: Device) -> dict[str, Any]:
        return {**to_document(device, tenant, self._index.hash_target(tenant, device.target), self._cipher), "updated_at": SERVER_TIMESTAMP}

    def _guard(self, device: Device) -> WriteOption:
        option: WriteOption = self._firestore.write_option(last_update_time=device.revision)
        return option

    def _device(self, tenant: str, snapshot: DocumentSnapshot[Any]) -> Device:
        return from_document(snapshot.id, snapshot.to_dict() or {}, snapshot.update_time, tenant, self._cipher)

    def _collection(self, tenant: str) -> CollectionReference:
        return collection_of(self._firestore, tenant, "devices")

    def _reference(self, tenant: str, device_id: str) -> DocumentReference:
        reference: DocumentReference = self._collection(tenant).document(device_id)
        return reference

    def _lock(self, tenant: str, lock: str) -> DocumentReference:
        return collection_of(self._firestore, tenant, "targets").document(lock)


def _written(plan: RegistrationPlan, locks: _LockChanges) -> list[str]:
    """Name every document that a plan writes; the id of a lock has a dot, that of a device has none."""
    displaced = [plan.displaced.after.id] if plan.displaced else []
    return [plan.device.id, *displaced, *locks.deleted, *locks.created, *locks.inherited]
