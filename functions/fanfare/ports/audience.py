"""The audience of a tenant as it is kept: a header and shards, an index of the devices that is brought up to date by compaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.audience import Audience
from fanfare.domain.compaction import Change, PackedShard, StoredShard
from fanfare.domain.shard import Shard


class AudienceStore(Protocol):
    """Audiences. Stores raise `Unavailable` when Firestore does not answer, or what is stored can't be opened."""

    def get(self, tenant: str) -> Audience | None:
        """Find the header; None if the tenant has no audience yet."""
        ...

    def pin(self, tenant: str, notification_id: str, now: datetime) -> Audience:
        """Pin the current generation for a broadcast, which keeps the one that it has pinned already; returns the header (made if there is none)."""
        ...

    def unpin(self, tenant: str, notification_id: str) -> None:
        """Release a broadcast's generation, if it has pinned one."""
        ...

    def read_shards(self, tenant: str, generation: int, numbers: Sequence[int]) -> Sequence[Shard]:
        """Read shards in one call, in the order asked for; one without a document is empty. At most twenty: a shard may have 700 KiB."""
        ...

    def update(self, tenant: str, decide: Callable[[Audience], Audience | None]) -> Audience:
        """Apply a pure decision to the header (None leaves it; a new one has one empty shard); returns its state."""
        ...

    def read_changes(self, tenant: str, bucket: int, since: datetime, limit: int, after: Change | None = None) -> Sequence[Change]:
        """The devices of a bucket written at `since` or later, in the order in which they were; those after `after`, if it is given."""
        ...

    def read_stored(self, tenant: str, generation: int, numbers: Sequence[int]) -> Sequence[StoredShard]:
        """Read shards to be rewritten, in one call and in the order asked for; at most twenty."""
        ...

    def write_shards(self, tenant: str, generation: int, epoch: int, shards: Sequence[PackedShard]) -> Sequence[int]:
        """Write shards under a compactor's epoch, each guarded by the state it was read in. Returns the numbers of those that were not.

        They are written several to a commit, which is refused whole where somebody else has written one of its shards.
        """
        ...

    def count_devices(self, tenant: str, generation: int) -> int:
        """How many rows the shards of a generation have."""
        ...

    def delete_shards(self, tenant: str, generation: int, numbers: Sequence[int]) -> None:
        """Delete shards of a generation that nothing reads any more; at most 500."""
        ...

    def find_to_check(self, now: datetime, limit: int) -> Sequence[str]:
        """Find the tenants of the audiences whose pins and generations somebody must look after by `now`, the longest waiting first."""
        ...

    def find_changed(self, bucket: int, since: datetime, limit: int) -> Sequence[tuple[str, datetime]]:
        """The tenant and the time of each device of a bucket written at `since` or later, of all tenants, in the order in which they were."""
        ...

    def get_positions(self) -> Mapping[int, datetime]:
        """Up to when the changes of each bucket, of all tenants, have been looked at."""
        ...

    def set_positions(self, positions: Mapping[int, datetime]) -> None:
        """Note up to when the changes of each bucket have been looked at."""
        ...
