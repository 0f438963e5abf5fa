"""The keepalive of devices in Firestore: pages of guarded partial updates, each in one commit with the notification that pings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP, DocumentSnapshot, Query
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.cipher import FieldCipher, Undecipherable
from fanfare.adapters.expiring import ExpiringCache
from fanfare.adapters.firestore.client import run_query
from fanfare.adapters.firestore.commits import WRITE_ID, Decided, commit_guarded, update_guarded
from fanfare.adapters.firestore.device_mapping import device_of, keepalive_to_document
from fanfare.adapters.firestore.keepalive_queries import count_fleet, due_devices, new_devices
from fanfare.adapters.firestore.new_notifications import add_notification
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.revisions import guard_of
from fanfare.domain.audit import Trail
from fanfare.domain.device import Device
from fanfare.domain.errors import Unavailable
from fanfare.domain.notification import Notification
from fanfare.domain.pings import FleetCounts
from fanfare.domain.recipient import Recipient
from fanfare.ports import Clock, Identifiers


class FirestoreKeepaliveStore:
    """`keepalive` of `tenants/{t}/devices/{id}`."""

    def __init__(self, firestore: Firestore, clock: Clock, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher
        self._counts: ExpiringCache[tuple[str, datetime], FleetCounts] = ExpiringCache(clock, lambda key: count_fleet(firestore, *key))

    def find_due(self, tenant: str, now: datetime, limit: int) -> list[Device]:
        """Find at most `limit` active devices that are planned for `now` or earlier, the longest due first."""
        return self._devices(tenant, due_devices(self._firestore, tenant, now, limit))

    def find_new(self, tenant: str, limit: int) -> list[Device]:
        """Find at most `limit` active devices for which no time is chosen yet."""
        return self._devices(tenant, new_devices(self._firestore, tenant, limit))

    def save(self, tenant: str, devices: Sequence[Device], ping: Notification | None, recipients: Sequence[Recipient]) -> bool:
        """Store the keepalive of devices as they were read, with the notification that pings some of them, in one commit."""
        write_id, batch, collection = self._identifiers.new_id(), self._firestore.batch(), collection_of(self._firestore, tenant, "devices")
        proof = collection.document(devices[0].id)
        if ping is not None:
            proof = add_notification(batch, self._firestore, self._cipher, ping, recipients, write_id=write_id)
        for device in devices:
            fields = {"keepalive": keepalive_to_document(device.keepalive), WRITE_ID: write_id}
            batch.update(collection.document(device.id), fields, guard_of(self._firestore, device.revision))
        return commit_guarded(batch, proof, write_id) is not None

    def update(self, tenant: str, device_id: str, decide: Callable[[Device], Device | None], audit: Trail | None = None) -> Device | None:
        """Apply a pure decision about its keepalive and when it was seen to a device; None if there is none."""

        def decide_fields(snapshot: DocumentSnapshot[Any]) -> Decided[Device | None]:
            before = self._device(tenant, snapshot)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return Decided(before)
            entry = audit(before, after) if audit is not None else None
            return Decided(after, _changes(before, after), tenant, entry)

        reference = collection_of(self._firestore, tenant, "devices").document(device_id)
        return update_guarded(self._firestore, reference, decide_fields, self._identifiers.new_id)

    def count(self, tenant: str, replied_since: datetime) -> FleetCounts:
        """Count the active devices by how they reply, at most 60 seconds ago."""
        return self._counts.get((tenant, replied_since))

    def _devices(self, tenant: str, query: Query) -> list[Device]:
        return [device for snapshot in run_query(query) if (device := self._device(tenant, snapshot)) is not None]

    def _device(self, tenant: str, snapshot: DocumentSnapshot[Any]) -> Device | None:
        try:
            return device_of(snapshot.id, snapshot.to_dict(), snapshot.update_time, tenant, self._cipher)
        except Undecipherable as error:
            raise Unavailable("The target of a stored device can't be opened.") from error


def _changes(before: Device, after: Device) -> dict[str, Any]:
    changes: dict[str, Any] = {"keepalive": keepalive_to_document(after.keepalive)}
    if after.last_seen_at != before.last_seen_at:
        changes |= {"last_seen_at": after.last_seen_at, "updated_at": SERVER_TIMESTAMP}
    return changes
