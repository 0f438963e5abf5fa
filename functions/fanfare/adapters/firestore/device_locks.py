"""The locks of devices: a document for each target and each install, so that two simultaneous registrations of one make one device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, WriteBatch

from fanfare.adapters.blind_index import BlindIndex, KeyedHashes
from fanfare.adapters.firestore.client import fields_of, read_all
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.revisions import IndexedRevision
from fanfare.domain.device import Device
from fanfare.domain.profile import Profile
from fanfare.domain.registration import Registration, RegistrationPlan
from fanfare.domain.target import Target

VERSION = 1


@dataclass(frozen=True, slots=True)
class LockChanges:
    """Lock ids that a plan deletes, and the devices that locks are created for or pass to, from the displaced device to the new one."""

    deleted: set[str]
    created: dict[str, str]
    inherited: dict[str, str]


class DeviceLocks:
    """`tenants/{t}/targets/{keyed hash}`: which device has a target, or an app's device id within a profile.

    While the index's key is rotated there is a lock under each of two keys. A device knows under which keys its locks are held.
    """

    def __init__(self, firestore: Firestore, index: BlindIndex) -> None:
        self._firestore = firestore
        self._index = index

    def of_target(self, tenant: str, target: Target) -> str:
        """Name the lock that a target is looked up by."""
        return self._index.for_lookup(tenant).of_target(target)

    def of_registration(self, tenant: str, registration: Registration, profile: Profile) -> tuple[str, str | None]:
        """Name the locks that a registration's target and its install, if it says one, are looked up by."""
        device_id, hashes = registration.details.device_id, self._index.for_lookup(tenant)
        return hashes.of_target(registration.target), hashes.of_install(profile.id, device_id) if device_id else None

    def held_by(self, tenant: str, device: Device) -> set[str]:
        """Name every lock that a stored device holds."""
        return _locks(device, self._index.under(tenant, _keys_of(device)))

    def read(self, tenant: str, locks: Iterable[str]) -> dict[str, str]:
        """Find which device holds each lock, in one call; a free lock is missing from the answer."""
        snapshots = read_all(self._firestore, [self._reference(tenant, lock) for lock in sorted(locks)])
        return {snapshot.id: fields["device"] for snapshot in snapshots if (fields := fields_of(snapshot))}

    def changes(self, tenant: str, plan: RegistrationPlan, hashes: Sequence[KeyedHashes]) -> LockChanges:
        """Compare what a plan's devices hold with what they will hold, under the keys that are written now."""
        held: dict[str, str] = {}
        wanted: dict[str, str] = {}
        for before, after in _steps(plan):
            held.update(dict.fromkeys(self.held_by(tenant, before) if before else (), after.id))
            wanted.update(dict.fromkeys(_locks(after, hashes), after.id))
        created = {lock: device_id for lock, device_id in wanted.items() if lock not in held}
        inherited = {lock: device_id for lock, device_id in wanted.items() if lock in held and held[lock] != device_id}
        return LockChanges(held.keys() - wanted.keys(), created, inherited)

    def change(self, batch: WriteBatch, tenant: str, changes: LockChanges) -> None:
        """Keep the locks in step with the device. A new target's lock is *created*, so a simultaneous registration of it is refused."""
        self.delete(batch, tenant, changes.deleted)
        for lock, device_id in changes.created.items():
            batch.create(self._reference(tenant, lock), {"v": VERSION, "device": device_id})
        for lock, device_id in changes.inherited.items():
            batch.set(self._reference(tenant, lock), {"v": VERSION, "device": device_id})

    def delete(self, batch: WriteBatch, tenant: str, locks: Iterable[str]) -> None:
        """Free locks."""
        for lock in locks:
            batch.delete(self._reference(tenant, lock))

    def _reference(self, tenant: str, lock: str) -> DocumentReference:
        return collection_of(self._firestore, tenant, "targets").document(lock)


def written_by(plan: RegistrationPlan, changes: LockChanges) -> list[str]:
    """Name every document that a plan writes; the id of a lock has a dot, that of a device has none."""
    displaced = [plan.displaced.after.id] if plan.displaced else []
    return [plan.device.id, *displaced, *changes.deleted, *changes.created, *changes.inherited]


def _steps(plan: RegistrationPlan) -> Iterator[tuple[Device | None, Device]]:
    """What a plan makes of which device; the displaced one first, because what it loses the other one takes."""
    if plan.displaced is not None:
        yield plan.displaced.before, plan.displaced.after
    yield plan.previous, plan.device


def _locks(device: Device, hashes: Iterable[KeyedHashes]) -> set[str]:
    installs = [(owner.profile_id, owner.installed_as) for owner in device.owners if owner.installed_as is not None]
    return {lock for each in hashes for lock in (each.of_target(device.target), *(each.of_install(*install) for install in installs))}


def _keys_of(device: Device) -> tuple[str, ...]:
    return device.revision.index_keys if isinstance(device.revision, IndexedRevision) else ()
