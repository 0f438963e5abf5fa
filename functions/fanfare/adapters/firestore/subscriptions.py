"""Who is subscribed to what, as it stands in devices and profiles; and what FCM may not know of it yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import FieldFilter

from fanfare.adapters.expiring import ExpiringCache
from fanfare.adapters.firestore.client import count_found, run_query
from fanfare.adapters.firestore.commits import TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.device_mapping import sync_to_document
from fanfare.adapters.firestore.devices import FirestoreDeviceStore
from fanfare.adapters.firestore.pages import read_page
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.revisions import guard_of
from fanfare.domain.batches import split_by_weight
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.device import Device
from fanfare.domain.listing import Page
from fanfare.domain.registration import HEAVIEST_COMMIT, RegistrationPlan, weight_of
from fanfare.ports import Clock, Identifiers

COUNTED_AT_ONCE = 16
NOTED_PER_COMMIT = 100
_EVERY_BUCKET = FieldFilter("bucket", "in", list(range(BUCKETS)))


class FirestoreSubscriptionStore:
    """`topics` and what belongs to it in `tenants/{t}/devices/{id}` and `tenants/{t}/profiles/{id}`."""

    def __init__(self, firestore: Firestore, clock: Clock, identifiers: Identifiers, devices: FirestoreDeviceStore) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._devices = devices
        self._counts: ExpiringCache[tuple[str, str], int] = ExpiringCache(clock, self._count)

    def count(self, tenant: str, topics: Sequence[str]) -> Mapping[str, int]:
        """Count each topic's active devices, up to 60 seconds ago; sixteen topics are counted at once."""
        if len(topics) == 1:
            return {topics[0]: self._counts.get((tenant, topics[0]))}
        with ThreadPoolExecutor(COUNTED_AT_ONCE) as pool:
            numbers = pool.map(self._counts.get, [(tenant, topic) for topic in topics])
            return dict(zip(topics, numbers, strict=True))

    def find_devices(self, tenant: str, topic: str, limit: int) -> list[str]:
        """Find devices, active or not, that are subscribed to a topic."""
        return self._subscribed(tenant, "devices", topic, limit)

    def find_profiles(self, tenant: str, topic: str, limit: int) -> list[str]:
        """Find profiles, in whatever state, that are subscribed to a topic."""
        return self._subscribed(tenant, "profiles", topic, limit)

    def list_of_profiles(self, tenant: str, profile_ids: Sequence[str], limit: int, after: str | None) -> Page[Device]:
        """List every device of at most 30 profiles in the order of their ids, softly deleted ones too."""
        wanted = [("profile_ids", "array_contains_any", list(profile_ids))]
        page = read_page(collection_of(self._firestore, tenant, "devices"), wanted, limit, after, lambda snapshot: snapshot)
        return Page(self._devices.devices_of(tenant, page.items), page.next_after)

    def note(self, tenant: str, device_ids: Sequence[str], decide: Callable[[Device], Device | None]) -> list[Device]:
        """Apply a decision to what FCM may not know of devices, and to nothing else; returns each device that there is as it is then."""
        waiting, noted = list(dict.fromkeys(device_ids)), []
        for _ in range(TRIES):
            refused: list[str] = []
            plans = [RegistrationPlan(decide(device) or device, device) for device in self._devices.get(tenant, waiting)]
            for piece in split_by_weight(plans, weight_of, most=NOTED_PER_COMMIT, heaviest=HEAVIEST_COMMIT):
                if self._note(tenant, [plan for plan in piece if plan.device is not plan.previous]):
                    noted += [plan.device for plan in piece]
                else:
                    refused += [plan.device.id for plan in piece]
            if not refused:
                return noted
            waiting = refused
        raise lost_races("these devices")

    def find_unsynced(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Find, in all tenants, devices of which FCM must be told by `now`, the longest overdue first."""
        return self._overdue("devices", now, limit)

    def find_untold(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Find, in all tenants, profiles whose devices must be told of its topics by `now`, the longest overdue first."""
        return self._overdue("profiles", now, limit)

    def _note(self, tenant: str, plans: Sequence[RegistrationPlan]) -> bool:
        if not plans:
            return True
        write_id, batch, collection = self._identifiers.new_id(), self._firestore.batch(), collection_of(self._firestore, tenant, "devices")
        for plan in plans:
            fields = {**sync_to_document(plan.device.topic_sync), WRITE_ID: write_id}
            batch.update(collection.document(plan.device.id), fields, guard_of(self._firestore, plan.device.revision))
        return commit_guarded(batch, collection.document(plans[0].device.id), write_id) is not None

    def _count(self, key: tuple[str, str]) -> int:
        tenant, topic = key
        # Whatever is active is listed; said nevertheless, because the index of listed devices by topic serves it.
        query = collection_of(self._firestore, tenant, "devices").where(filter=FieldFilter("listed", "==", value=True))
        query = query.where(filter=FieldFilter("active", "==", value=True)).where(filter=FieldFilter("topics", "array_contains", topic))
        return count_found(query)

    def _subscribed(self, tenant: str, collection: str, topic: str, limit: int) -> list[str]:
        query = collection_of(self._firestore, tenant, collection).where(filter=FieldFilter("topics", "array_contains", topic))
        return [snapshot.id for snapshot in run_query(query.limit(limit).select([]))]

    def _overdue(self, collection: str, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Read by sixteen streams: times that grow would cap the collection at 500 writes a second, were they indexed alone."""
        query = self._firestore.collection_group(collection).where(filter=_EVERY_BUCKET)
        query = query.where(filter=FieldFilter("topics_check_at", "<=", now)).order_by("topics_check_at")
        found: list[Any] = run_query(query.limit(limit).select(["topics_check_at"]))
        return [(snapshot.reference.path.split("/")[1], snapshot.id) for snapshot in found]
