"""What cleanup finds and removes of what a tenant has kept for long enough, but for notifications (`EndedStore`): a Protocol.

Every method may be called again after it was broken off, and by two callers at once: what is gone stays gone, and what is not due is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.device import Device
from fanfare.domain.message import Platform
from fanfare.domain.retention import Kind


class RetentionStore(Protocol):
    """What is due: records with a time, devices, profiles and data keys."""

    def remove_records(self, tenant: str, kind: Kind, before: datetime, limit: int) -> int:
        """Remove at most `limit` receipts, events or audit entries of `before` or earlier; returns how many."""
        ...

    def find_idle(self, tenant: str, platform: Platform, before: datetime, limit: int) -> Sequence[Device]:
        """Find active devices of a platform whose apps were heard of last at `before` or earlier, the longest silent first."""
        ...

    def find_deleted(self, tenant: str, before: datetime, limit: int) -> Sequence[Device]:
        """Find devices that were deleted softly at `before` or earlier, the longest deleted first."""
        ...

    def remove_tombstones(self, tenant: str, before: datetime, limit: int) -> int:
        """Remove at most `limit` tombstones of devices erased at `before` or earlier; returns how many."""
        ...

    def find_deleted_profiles(self, tenant: str, before: datetime, limit: int) -> Sequence[str]:
        """Find profiles that were deleted softly at `before` or earlier, the longest deleted first."""
        ...

    def find_retired_keys(self, tenant: str, before: datetime) -> Mapping[str, datetime]:
        """Find data keys that were retired at `before` or earlier, and when each was."""
        ...

    def is_anything_older(self, tenant: str, than: datetime) -> bool:
        """Tell whether a notification, or a shard of an audience, was stored before an instant, and may be sealed with a key of that time."""
        ...

    def remove_data_key(self, tenant: str, key_id: str) -> None:
        """Remove a retired data key: what is sealed with it can't be opened any more."""
        ...
