"""What is due of records, devices, profiles and data keys in Firestore; each query is read by sixteen streams, by bucket."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import CollectionReference, DocumentSnapshot, FieldFilter, Query

from fanfare.adapters.cipher import Undecipherable
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, run_query, translated
from fanfare.adapters.firestore.device_mapping import ERASED
from fanfare.adapters.firestore.devices import FirestoreDeviceStore
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.removal import remove_documents
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.message import Platform
from fanfare.domain.profile import ProfileState
from fanfare.domain.retention import Kind

_EVERY_BUCKET = FieldFilter("bucket", "in", list(range(BUCKETS)))


class FirestoreRetentionStore:
    """Looks over the collections that other stores write."""

    def __init__(self, firestore: Firestore, devices: FirestoreDeviceStore) -> None:
        self._firestore = firestore
        self._devices = devices

    def remove_records(self, tenant: str, kind: Kind, before: datetime, limit: int) -> int:
        """Remove at most `limit` receipts, events or audit entries of `before` or earlier; returns how many."""
        return self._remove(run_query(self._records(tenant, kind, before).limit(limit).select([])))

    def find_idle(self, tenant: str, platform: Platform, before: datetime, limit: int) -> list[Device]:
        """Find active devices of a platform whose apps were heard of last at `before` or earlier, the longest silent first."""
        query = self._bucketed(tenant, "devices").where(filter=FieldFilter("active", "==", value=True))
        query = query.where(filter=FieldFilter("platform", "==", platform.value)).where(filter=FieldFilter("last_seen_at", "<=", before))
        return self._readable(tenant, run_query(query.order_by("last_seen_at").limit(limit)))

    def find_deleted(self, tenant: str, before: datetime, limit: int) -> list[Device]:
        """Find devices that were deleted softly at `before` or earlier, the longest deleted first."""
        query = self._bucketed(tenant, "devices").where(filter=FieldFilter("inactive_reason", "==", InactiveReason.DELETED.value))
        query = query.where(filter=FieldFilter("inactive_since", "<=", before))
        return self._readable(tenant, run_query(query.order_by("inactive_since").limit(limit)))

    def remove_tombstones(self, tenant: str, before: datetime, limit: int) -> int:
        """Remove at most `limit` tombstones of devices erased at `before` or earlier; returns how many. Nobody writes a tombstone again."""
        query = self._bucketed(tenant, "devices").where(filter=FieldFilter("inactive_reason", "==", ERASED))
        query = query.where(filter=FieldFilter("deleted_at", "<=", before))
        return self._remove(run_query(query.order_by("deleted_at").limit(limit).select([])))

    def find_deleted_profiles(self, tenant: str, before: datetime, limit: int) -> list[str]:
        """Find profiles that were deleted softly at `before` or earlier, the longest deleted first."""
        query = self._bucketed(tenant, "profiles").where(filter=FieldFilter("state", "==", ProfileState.DELETED.value))
        query = query.where(filter=FieldFilter("deleted_at", "<=", before))
        return [found.id for found in run_query(query.order_by("deleted_at").limit(limit).select([]))]

    def find_retired_keys(self, tenant: str, before: datetime) -> dict[str, datetime]:
        """Find data keys that were retired at `before` or earlier, and when each was."""
        query = self._collection(tenant, "keys").where(filter=FieldFilter("retired_at", "<=", before))
        return {found.id: found.get("retired_at") for found in run_query(query.select(["retired_at"]))}

    def is_anything_older(self, tenant: str, than: datetime) -> bool:
        """Tell whether a notification, or a shard of an audience, was stored before an instant; of a shard its last writing counts."""
        query = self._bucketed(tenant, "notifications").where(filter=FieldFilter("created_at", "<=", than))
        if run_query(query.order_by("created_at", direction=Query.DESCENDING).limit(1).select([])):
            return True
        shards = run_query(self._collection(tenant, "audience").select([]))
        # Nothing in the header is sealed.
        return any(shard.update_time <= than for shard in shards if shard.id != "header")

    def remove_data_key(self, tenant: str, key_id: str) -> None:
        """Remove a retired data key."""
        with translated():
            self._collection(tenant, "keys").document(key_id).delete(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def _records(self, tenant: str, kind: Kind, before: datetime) -> Query:
        if kind is Kind.AUDIT:
            entries = self._bucketed(tenant, "audit").where(filter=FieldFilter("at", "<=", before))
            return entries.order_by("at", direction=Query.DESCENDING)
        if kind is Kind.EVENTS:
            records = self._bucketed(tenant, "events")
        else:
            # Receipts stand below their notifications, which may be gone already.
            records = self._firestore.collection_group("receipts").where(filter=FieldFilter("tenant", "==", tenant)).where(filter=_EVERY_BUCKET)
        return records.where(filter=FieldFilter("created_at", "<=", before)).order_by("created_at", direction=Query.DESCENDING)

    def _readable(self, tenant: str, snapshots: Iterable[DocumentSnapshot[Any]]) -> list[Device]:
        """The devices that can be opened: one that a hand has broken must not keep the others."""
        return [device for snapshot in snapshots for device in self._opened(tenant, snapshot)]

    def _opened(self, tenant: str, snapshot: DocumentSnapshot[Any]) -> list[Device]:
        try:
            return self._devices.devices_of(tenant, [snapshot])
        except (Undecipherable, KeyError, ValueError, TypeError, AttributeError):
            return []

    def _remove(self, found: Iterable[DocumentSnapshot[Any]]) -> int:
        return remove_documents(self._firestore, [snapshot.reference for snapshot in found])

    def _bucketed(self, tenant: str, name: str) -> Query:
        return self._collection(tenant, name).where(filter=_EVERY_BUCKET)

    def _collection(self, tenant: str, name: str) -> CollectionReference:
        return collection_of(self._firestore, tenant, name)
