"""Devices in Firestore: each write is one commit with its locks and its audit entry, guarded by what was read."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP, CollectionReference, DocumentReference, DocumentSnapshot, FieldFilter, WriteBatch
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.blind_index import BlindIndex, KeyedHashes
from fanfare.adapters.cipher import FieldCipher, Undecipherable
from fanfare.adapters.firestore.addressed_devices import find_addressed
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import read_all, run_query
from fanfare.adapters.firestore.commits import TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.device_locks import DeviceLocks, written_by
from fanfare.adapters.firestore.device_mapping import device_of, to_document, tombstone
from fanfare.adapters.firestore.event_documents import add_events
from fanfare.adapters.firestore.leftover_locks import remove_locks
from fanfare.adapters.firestore.pages import read_page
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.replacing import ReplacingBatch
from fanfare.adapters.firestore.revisions import guard_of
from fanfare.adapters.firestore.stats import add_rows
from fanfare.adapters.firestore.told_devices import Told
from fanfare.domain.address import Address
from fanfare.domain.analytics import cleaned_rows
from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.batches import split, split_by_weight
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.device import Device
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import Event
from fanfare.domain.filters import DeviceFilter
from fanfare.domain.listing import Page
from fanfare.domain.profile import Profile
from fanfare.domain.registration import HEAVIEST_COMMIT, Known, Registration, RegistrationPlan, noted, weight_of
from fanfare.domain.target import Target
from fanfare.ports import Identifiers

COMMITS_AT_ONCE = 4
ERASED_PER_COMMIT = 100
"""With the longest targets' locks and a lock for each owner's install, well below Firestore's limits."""


def _is_any(_: Device) -> bool:
    return True


class FirestoreDeviceStore:
    """`tenants/{t}/devices/{id}`, and the locks of `device_locks`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, index: BlindIndex, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._index = index
        self._cipher = cipher
        self._locks = DeviceLocks(firestore, index)

    def get(self, tenant: str, device_ids: Sequence[str]) -> list[Device]:
        """Find devices by id, in one call; unknown ids are missing from the answer."""
        snapshots = read_all(self._firestore, [self._reference(tenant, device_id) for device_id in device_ids])
        return self.devices_of(tenant, snapshots)

    def find_known(self, tenant: str, registrations: Sequence[tuple[Registration, Profile]]) -> list[Known]:
        """Find what is stored about each registration's target and install: one call for the locks, one for the devices they name."""
        wanted = [self._locks.of_registration(tenant, registration, profile) for registration, profile in registrations]
        named = self._locks.read(tenant, {lock for locks in wanted for lock in locks if lock})
        devices = {device.id: device for device in self.get(tenant, sorted(set(named.values())))}
        return [Known(devices.get(named.get(target, "")), devices.get(named.get(install or "", ""))) for target, install in wanted]

    def find_by_target(self, tenant: str, target: Target) -> Device | None:
        """Find the device that has a target, a softly deleted one too."""
        holders = list(self._locks.read(tenant, [self._locks.of_target(tenant, target)]).values())
        return next(iter(self.get(tenant, holders)), None)

    def save(self, tenant: str, plans: Sequence[RegistrationPlan], audit: AuditEntry | None = None) -> bool:
        """Store plans in one commit, guarded by what they were made from. False: something changed meanwhile and nothing was stored.

        Plans that write the same document are refused too: Firestore holds both guards to be met, and the later would undo half of the earlier.
        """
        return self._save(tenant, plans, audit, ())

    def _save(self, tenant: str, plans: Sequence[RegistrationPlan], audit: AuditEntry | None, events: Sequence[Event]) -> bool:
        plans = [noted(plan) for plan in plans]
        hashes = self._index.for_writing(tenant)
        changes = [(plan, self._locks.changes(tenant, plan, hashes)) for plan in plans]
        written = [name for plan, locks in changes for name in written_by(plan, locks)]
        if len(set(written)) < len(written):
            return False
        write_id = self._identifiers.new_id()
        batch = ReplacingBatch(self._firestore)
        for plan, locks in changes:
            self._add(batch, tenant, plan, hashes, write_id)
            self._locks.change(batch, tenant, locks)
        if audit is not None:
            add_audit(batch, self._firestore, tenant, audit, write_id)
        add_events(batch, self._firestore, events, write_id)
        return commit_guarded(batch, self._reference(tenant, plans[0].device.id), write_id) is not None

    def save_all(self, tenant: str, batches: Sequence[tuple[Sequence[RegistrationPlan], AuditEntry | None]]) -> Sequence[bool]:
        """Store batches of plans, each in a commit of its own: while the database works on some, the next are prepared."""
        if len(batches) <= 1:
            return [self.save(tenant, plans, audit) for plans, audit in batches]
        with ThreadPoolExecutor(COMMITS_AT_ONCE) as pool:
            return list(pool.map(lambda batch: self.save(tenant, *batch), batches))

    def update(
        self, tenant: str, device_id: str, decide: Callable[[Device], Device | None], audit: Trail | None = None, *, announce: Announcer | None = None
    ) -> Device | None:
        """Apply a pure decision to a stored device (None leaves it) and return its state; None if there is no such device.

        Unavailable after eight lost races, and also if the decision wants a target or install that another device has.
        """
        for _ in range(TRIES):
            before = next(iter(self.get(tenant, [device_id])), None)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            events = announce([before], [after]) if announce else ()
            if self._save(tenant, [RegistrationPlan(after, before)], audit(before, after) if audit else None, events):
                return after
        raise lost_races()

    def update_many(
        self,
        tenant: str,
        device_ids: Sequence[str],
        decide: Callable[[Device], Device | None],
        audit: AuditEntry | None = None,
        *,
        announce: Announcer | None = None,
    ) -> list[str]:
        """Apply a pure decision to many devices: one call to read them, one commit; unknown ids are passed over. Returns who was changed.

        Devices with very many topics need several commits. If another writer changed one of a commit's devices meanwhile, each is updated by itself.
        """
        changed = [RegistrationPlan(after, before) for before in self.get(tenant, device_ids) if (after := decide(before)) is not None]
        pieces = split_by_weight(changed, weight_of, most=len(changed) or 1, heaviest=HEAVIEST_COMMIT)
        told = Told(audit, announce)
        return [device_id for piece in pieces for device_id in self._update_piece(tenant, piece, decide, told)]

    def erase(
        self,
        tenant: str,
        device_ids: Sequence[str],
        audit: AuditEntry | None = None,
        *,
        only_if: Callable[[Device], bool] = _is_any,
        cleaned_on: date | None = None,
        announce: Announcer | None = None,
    ) -> int:
        """Wipe devices at once, targets, names, locks and all, and leave tombstones; returns how many are tombstones now."""
        told = Told(audit, announce, cleaned_on)
        return sum(self._erase(tenant, piece, told, only_if) for piece in split(list(dict.fromkeys(device_ids)), ERASED_PER_COMMIT))

    def find_active(self, tenant: str, addresses: Sequence[Address], limit: int) -> list[Device]:
        """Find the active devices of the named profiles, at most `limit`."""
        index = self._index.for_lookup(tenant)
        snapshots = find_addressed(self._collection(tenant), [index.of_address(address) for address in addresses], limit)
        return self.devices_of(tenant, snapshots.values())[:limit]

    def find_addressed(self, tenant: str, addresses: Sequence[Address], limit: int) -> dict[Address, Sequence[Device]]:
        """Find the active devices of the named profiles, at most `limit` of them, and say whose they are."""
        index = self._index.for_lookup(tenant)
        by_hash = {index.of_address(address): address for address in addresses}
        snapshots = find_addressed(self._collection(tenant), list(by_hash), limit)
        found: dict[Address, list[Device]] = {}
        for device in self.devices_of(tenant, snapshots.values())[:limit]:
            for held in {held for owner in device.owners for held in owner.addresses} & by_hash.keys():
                found.setdefault(by_hash[held], []).append(device)
        return {address: found[address] for address in addresses if address in found}

    def find_purgeable(self, tenant: str, before: datetime, limit: int) -> list[Device]:
        """Find devices that have been purgeable since `before` or longer, the longest inactive ones first."""
        query = self._collection(tenant).where(filter=FieldFilter("bucket", "in", list(range(BUCKETS))))
        query = query.where(filter=FieldFilter("purgeable_since", "<=", before))
        return self.devices_of(tenant, run_query(query.order_by("purgeable_since").limit(limit)))

    def list(self, tenant: str, filters: DeviceFilter, limit: int, after: str | None) -> Page[Device]:
        """List devices that are not deleted, in the order of their ids."""
        platform = filters.platform.value if filters.platform else None
        wanted = (
            ("listed", "==", True),
            ("profile_ids", "array_contains", filters.profile_id),
            ("topics", "array_contains", filters.topic),
            ("tags", "array_contains", filters.tag),
            ("platform", "==", platform),
            ("active", "==", filters.active),
            ("device_id", "==", filters.device_id),
        )
        return _living(read_page(self._collection(tenant), wanted, limit, after, lambda snapshot: self._device(tenant, snapshot)))

    def list_of_profile(self, tenant: str, profile_id: str, limit: int, after: str | None) -> Page[Device]:
        """List every device of a profile in the order of their ids, softly deleted ones too."""
        wanted = [("profile_ids", "array_contains", profile_id)]
        return _living(read_page(self._collection(tenant), wanted, limit, after, lambda snapshot: self._device(tenant, snapshot)))

    def list_stored(self, tenant: str, limit: int, after: str | None) -> Page[Device]:
        """List every device in the order of their ids, softly deleted ones too; Unavailable while one of them can't be opened."""
        try:
            return _living(read_page(self._collection(tenant), [], limit, after, lambda snapshot: self._device(tenant, snapshot)))
        except Undecipherable as error:
            raise Unavailable("The target of a stored device can't be opened.") from error

    def remove_locks(self, tenant: str, index_key: str, limit: int) -> int:
        """Remove at most `limit` locks of an index key that nobody uses any more; returns how many."""
        return remove_locks(self._firestore, tenant, "targets", key_id=index_key, limit=limit)

    def _update_piece(
        self, tenant: str, plans: Sequence[RegistrationPlan], decide: Callable[[Device], Device | None], told: Told
    ) -> builtins.list[str]:
        ids = [plan.device.id for plan in plans]
        if self._save(tenant, plans, told.entry(ids), told.events([plan.previous for plan in plans], [plan.device for plan in plans])):
            return ids
        return [device_id for device_id in ids if self._update_one(tenant, device_id, decide, told)]

    def _update_one(self, tenant: str, device_id: str, decide: Callable[[Device], Device | None], told: Told) -> bool:
        decided: Device | None = None

        def noting(device: Device) -> Device | None:
            nonlocal decided
            decided = decide(device)
            return decided

        entry = told.entry([device_id])
        trail = (lambda *_: entry) if entry else None
        return self.update(tenant, device_id, noting, trail, announce=told.announce) is not None and decided is not None

    def _erase(self, tenant: str, device_ids: Sequence[str], told: Told, only_if: Callable[[Device], bool]) -> int:
        for _ in range(TRIES):
            snapshots = read_all(self._firestore, [self._reference(tenant, device_id) for device_id in device_ids])
            stored = [snapshot for snapshot in snapshots if snapshot.exists]
            devices = self.devices_of(tenant, stored)
            doomed = [device for device in devices if only_if(device)]
            if not doomed or self._bury(tenant, doomed, told):
                return len(stored) - len(devices) + len(doomed)
        raise lost_races("these devices")

    def _bury(self, tenant: str, devices: Sequence[Device], told: Told) -> bool:
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        for device in devices:
            fields = {**tombstone(device.id), "deleted_at": SERVER_TIMESTAMP, "updated_at": SERVER_TIMESTAMP, WRITE_ID: write_id}
            batch.update(self._reference(tenant, device.id), fields, guard_of(self._firestore, device.revision))
            self._locks.delete(batch, tenant, self._locks.held_by(tenant, device))
        named = told.audit is not None and told.audit.resource_ids
        if (entry := told.entry(named or [device.id for device in devices])) is not None:
            add_audit(batch, self._firestore, tenant, entry, write_id)
        if told.day is not None:
            add_rows(batch, self._firestore, tenant, cleaned_rows(told.day, Counter(device.platform.value for device in devices)))
        add_events(batch, self._firestore, told.events(devices, [None] * len(devices)), write_id)
        return commit_guarded(batch, self._reference(tenant, devices[0].id), write_id) is not None

    def _add(self, batch: WriteBatch, tenant: str, plan: RegistrationPlan, hashes: Sequence[KeyedHashes], write_id: str) -> None:
        fields = {**self._fields(tenant, plan.device, hashes), WRITE_ID: write_id}
        reference = self._reference(tenant, plan.device.id)
        if plan.previous is None:
            batch.create(reference, fields)
        else:
            batch.update(reference, fields, guard_of(self._firestore, plan.previous.revision))
        if plan.displaced is not None:
            displaced = plan.displaced.after
            guard = guard_of(self._firestore, displaced.revision)
            batch.update(self._reference(tenant, displaced.id), self._fields(tenant, displaced, hashes), guard)

    def _fields(self, tenant: str, device: Device, hashes: Sequence[KeyedHashes]) -> dict[str, Any]:
        return {**to_document(device, tenant, hashes, self._cipher), "updated_at": SERVER_TIMESTAMP}

    def _device(self, tenant: str, snapshot: DocumentSnapshot[Any]) -> Device | None:
        return device_of(snapshot.id, snapshot.to_dict(), snapshot.update_time, tenant, self._cipher)

    def devices_of(self, tenant: str, snapshots: Iterable[DocumentSnapshot[Any]]) -> builtins.list[Device]:
        """Map documents that another query found; those of erased devices are left out."""
        return [device for snapshot in snapshots if (device := self._device(tenant, snapshot)) is not None]

    def _collection(self, tenant: str) -> CollectionReference:
        return collection_of(self._firestore, tenant, "devices")

    def _reference(self, tenant: str, device_id: str) -> DocumentReference:
        reference: DocumentReference = self._collection(tenant).document(device_id)
        return reference


def _living(page: Page[Device | None]) -> Page[Device]:
    """A page without tombstones, which no filter lets in that a device has to meet."""
    return Page([device for device in page.items if device is not None], page.next_after)
