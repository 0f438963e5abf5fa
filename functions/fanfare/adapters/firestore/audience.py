"""Audiences in Firestore: `tenants/{t}/audience/header` and `audience/{generation}-{shard}`, and the feed of changed devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, FieldFilter, Query
from google.cloud.firestore_v1.field_path import FieldPath

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.audience_mapping import (
    ROW_FIELDS,
    change_from_snapshot,
    header_from_document,
    header_reference,
    header_to_document,
    shard_from_snapshot,
    shard_reference,
    shard_to_document,
    stored_shard,
)
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, READ_RETRY, READ_SECONDS, fields_of, read, read_all, run_query, translated
from fanfare.adapters.firestore.commits import TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.audience import Audience, pin_generation, release_pins
from fanfare.domain.batches import split_by_weight
from fanfare.domain.compaction import Change, PackedShard, StoredShard
from fanfare.domain.shard import Shard
from fanfare.ports import Identifiers

VERSION = 1
MOST_IN_COMMIT = 500
LARGEST_COMMIT = 2_900_000
"""Bytes of shards in one commit: with its names and other fields it stays below 3 MiB."""


class FirestoreAudienceStore:
    """Every write of a shard is guarded by the state that was read, and carries the epoch of the compactor that makes it."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher

    def get(self, tenant: str) -> Audience | None:
        """Find the header; None if the tenant has no audience yet."""
        return header_from_document(tenant, read(header_reference(self._firestore, tenant)))

    def pin(self, tenant: str, notification_id: str, now: datetime) -> Audience:
        """Pin the current generation for a broadcast, which keeps the one that it has pinned already; returns the header."""
        return self.update(tenant, lambda stored: pin_generation(stored, notification_id, now))

    def unpin(self, tenant: str, notification_id: str) -> None:
        """Release a broadcast's generation, if it has pinned one."""
        self.update(tenant, lambda stored: release_pins(stored, [notification_id]))

    def read_shards(self, tenant: str, generation: int, numbers: Sequence[int]) -> list[Shard]:
        """Read shards in one call, in the order asked for; one without a document is empty."""
        found = self._read(tenant, generation, numbers)
        return [shard_from_snapshot(self._cipher, tenant, generation, number, snapshot) for number, snapshot in zip(numbers, found, strict=True)]

    def read_stored(self, tenant: str, generation: int, numbers: Sequence[int]) -> list[StoredShard]:
        """Read shards to be rewritten, in one call and in the order asked for."""
        found = self._read(tenant, generation, numbers)
        return [stored_shard(self._cipher, tenant, generation, number, snapshot) for number, snapshot in zip(numbers, found, strict=True)]

    def update(self, tenant: str, decide: Callable[[Audience], Audience | None]) -> Audience:
        """Apply a pure decision to the header (None leaves it; a new one has one empty shard); returns its state."""
        reference = header_reference(self._firestore, tenant)
        for _ in range(TRIES):
            stored = header_from_document(tenant, read(reference)) or Audience(tenant)
            decided = decide(stored)
            if decided is None:
                return stored
            revision = self._write_header(reference, decided, stored.revision)
            if revision is not None:
                return replace(decided, revision=revision)
        raise lost_races("this audience")

    def read_changes(self, tenant: str, bucket: int, since: datetime, limit: int, after: Change | None = None) -> list[Change]:
        """The devices of a bucket written at `since` or later, in the order in which they were; those after `after`, if it is given."""
        devices = collection_of(self._firestore, tenant, "devices")
        query = devices.where(filter=FieldFilter("bucket", "==", bucket)).where(filter=FieldFilter("updated_at", ">=", since)).select(ROW_FIELDS)
        query = query.order_by("updated_at").order_by(FieldPath.document_id())
        if after is not None:
            query = query.start_after({"updated_at": after.updated_at, FieldPath.document_id(): devices.document(after.device_id)})
        return [change_from_snapshot(self._cipher, tenant, snapshot) for snapshot in run_query(query.limit(limit))]

    def write_shards(self, tenant: str, generation: int, epoch: int, shards: Sequence[PackedShard]) -> list[int]:
        """Write shards under a compactor's epoch, each guarded by the state it was read in. Returns the numbers of those that were not."""
        refused: list[int] = []
        for group in split_by_weight(shards, lambda shard: len(shard.blob), most=MOST_IN_COMMIT, heaviest=LARGEST_COMMIT):
            if not self._write_group(tenant, generation, epoch, group):
                refused += [shard.stored.number for shard in group]
        return refused

    def count_devices(self, tenant: str, generation: int) -> int:
        """How many rows the shards of a generation have."""
        query = collection_of(self._firestore, tenant, "audience").where(filter=FieldFilter("generation", "==", generation))
        with translated():
            [[counted]] = cast("Any", query.sum("count")).get(retry=READ_RETRY, timeout=READ_SECONDS)
        return int(counted.value)

    def delete_shards(self, tenant: str, generation: int, numbers: Sequence[int]) -> None:
        """Delete shards of a generation that nothing reads any more; at most 500."""
        batch = self._firestore.batch()
        for number in numbers:
            batch.delete(shard_reference(self._firestore, tenant, generation, number))
        with translated():
            batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def find_to_check(self, now: datetime, limit: int) -> list[str]:
        """Find the tenants of the audiences whose pins and generations somebody must look after by `now`, the longest waiting first."""
        query = self._firestore.collection_group("audience").where(filter=FieldFilter("next_check_at", "<=", now))
        return [_tenant_of(snapshot) for snapshot in run_query(query.order_by("next_check_at").limit(limit))]

    def find_changed(self, bucket: int, since: datetime, limit: int) -> list[tuple[str, datetime]]:
        """The tenant and the time of each device of a bucket written at `since` or later, in the order in which they were."""
        devices: Query = self._firestore.collection_group("devices").where(filter=FieldFilter("bucket", "==", bucket))
        query = devices.where(filter=FieldFilter("updated_at", ">=", since)).select(["updated_at"]).order_by("updated_at").limit(limit)
        return [(_tenant_of(snapshot), snapshot.get("updated_at")) for snapshot in run_query(query)]

    def get_positions(self) -> dict[int, datetime]:
        """Up to when the changes of each bucket, of all tenants, have been looked at."""
        fields = fields_of(read(self._positions())) or {}
        return {int(bucket): at for bucket, at in fields.get("positions", {}).items()}

    def set_positions(self, positions: Mapping[int, datetime]) -> None:
        """Note up to when the changes of each bucket have been looked at."""
        fields = {"v": VERSION, "positions": {str(bucket): at for bucket, at in positions.items()}}
        with translated():
            self._positions().set(fields, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)

    def _write_header(self, reference: DocumentReference, audience: Audience, read_at: object) -> object | None:
        write_id = self._identifiers.new_id()
        fields = {**header_to_document(audience), WRITE_ID: write_id}
        batch = self._firestore.batch()
        if read_at is None:
            batch.create(reference, fields)
        else:
            batch.update(reference, fields, self._firestore.write_option(last_update_time=read_at))
        return commit_guarded(batch, reference, write_id)

    def _write_group(self, tenant: str, generation: int, epoch: int, group: Sequence[PackedShard]) -> bool:
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        for shard in group:
            reference = shard_reference(self._firestore, tenant, generation, shard.stored.number)
            fields = {**shard_to_document(self._cipher, tenant, generation, epoch, shard), WRITE_ID: write_id}
            if shard.stored.revision is None:
                batch.create(reference, fields)
            else:
                batch.update(reference, fields, self._firestore.write_option(last_update_time=shard.stored.revision))
        return commit_guarded(batch, shard_reference(self._firestore, tenant, generation, group[0].stored.number), write_id) is not None

    def _read(self, tenant: str, generation: int, numbers: Sequence[int]) -> list[DocumentSnapshot[Any]]:
        return read_all(self._firestore, [shard_reference(self._firestore, tenant, generation, number) for number in numbers])

    def _positions(self) -> DocumentReference:
        reference: DocumentReference = self._firestore.collection("meta").document("rollup")
        return reference


def _tenant_of(snapshot: DocumentSnapshot[Any]) -> str:
    """`tenants/{t}/…`."""
    return cast("str", snapshot.reference.path.split("/")[1])
