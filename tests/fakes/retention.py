"""What is due of records, devices, profiles and keys in memory, over the fakes that keep them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fanfare.domain.device import Device
from fanfare.domain.expiry import is_deleted_since
from fanfare.domain.message import Platform
from fanfare.domain.profile import ProfileState
from fanfare.domain.retention import Kind
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.notifications import MemoryNotificationStore
from tests.fakes.profiles import MemoryProfileStore
from tests.fakes.receipts import MemoryReceiptStore


class MemoryRetentionStore:
    """`retired_keys` by tenant and id, `oldest_shards` by tenant: nothing is sealed in memory, so a test says which there are."""

    def __init__(
        self,
        devices: MemoryDeviceStore,
        profiles: MemoryProfileStore,
        audit: MemoryAuditStore,
        notifications: MemoryNotificationStore,
        receipts: MemoryReceiptStore | None = None,
    ) -> None:
        self.retired_keys: dict[tuple[str, str], datetime] = {}
        self.oldest_shards: dict[str, datetime] = {}
        self._receipts = receipts
        self._devices, self._profiles, self._audit, self._notifications = devices, profiles, audit, notifications

    def remove_records(self, tenant: str, kind: Kind, before: datetime, limit: int) -> int:
        if kind is Kind.RECEIPTS and self._receipts is not None:
            return self._receipts.remove(tenant, before, limit)
        if kind is not Kind.AUDIT:
            return 0  # Nobody writes these yet.
        due = [row for row in self._audit.entries if row[0] == tenant and row[1].at <= before][:limit]
        for row in due:
            self._audit.entries.remove(row)
        return len(due)

    def find_idle(self, tenant: str, platform: Platform, before: datetime, limit: int) -> list[Device]:
        found = [device for device in self._of(tenant) if device.active and device.platform is platform and device.last_seen_at <= before]
        return sorted(found, key=lambda device: device.last_seen_at)[:limit]

    def find_deleted(self, tenant: str, before: datetime, limit: int) -> list[Device]:
        found = [(device.inactive_since, device.id, device) for device in self._of(tenant) if is_deleted_since(device, before)]
        return [device for *_, device in sorted(found, key=lambda row: row[:2])[:limit]]

    def remove_tombstones(self, tenant: str, before: datetime, limit: int) -> int:
        return self._devices.remove_tombstones(tenant, before, limit)

    def find_deleted_profiles(self, tenant: str, before: datetime, limit: int) -> list[str]:
        stored = [profile for (owner, _), profile in self._profiles._profiles.items() if owner == tenant]
        deleted = [profile for profile in stored if profile.state is ProfileState.DELETED]
        found = sorted((profile.deleted_at, profile.id) for profile in deleted if profile.deleted_at is not None and profile.deleted_at <= before)
        return [profile_id for _, profile_id in found[:limit]]

    def find_retired_keys(self, tenant: str, before: datetime) -> Mapping[str, datetime]:
        return {key_id: at for (owner, key_id), at in self.retired_keys.items() if owner == tenant and at <= before}

    def is_anything_older(self, tenant: str, than: datetime) -> bool:
        notifications = [row for row in self._notifications.everything() if row.tenant == tenant and row.created_at <= than]
        return bool(notifications) or (tenant in self.oldest_shards and self.oldest_shards[tenant] <= than)

    def remove_data_key(self, tenant: str, key_id: str) -> None:
        self.retired_keys.pop((tenant, key_id), None)

    def _of(self, tenant: str) -> list[Device]:
        return [device for owner, device in self._devices.everything() if owner == tenant]
