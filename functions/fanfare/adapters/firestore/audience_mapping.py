"""An audience's header and shards and their documents, and a device's document as the row that a shard has of it."""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import Client, DocumentReference, DocumentSnapshot

from fanfare.adapters.cipher import FieldCipher, Undecipherable
from fanfare.adapters.firestore.client import fields_of
from fanfare.adapters.firestore.device_mapping import place_of
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.audience import Audience, Lease
from fanfare.domain.compaction import Change, PackedShard, StoredShard
from fanfare.domain.errors import Unavailable
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.packing import UnknownFormat
from fanfare.domain.shard import Shard, ShardRow, unpack_shard
from fanfare.domain.target import Target

VERSION = 1
ROW_FIELDS = (
    "active", "target", "target_kind", "platform", "profiles", "app_version", "os_version", "locale", "timezone", "tags", "topics", "last_seen_at",
    "updated_at",
)  # fmt: skip
"""All that is read of a device's document: half of the client's work is the other half of its fields."""
_BROKEN = (Undecipherable, ValueError, KeyError, TypeError, AttributeError)


def header_reference(client: Client, tenant: str) -> DocumentReference:
    """`tenants/{t}/audience/header`."""
    return collection_of(client, tenant, "audience").document("header")


def shard_reference(client: Client, tenant: str, generation: int, number: int) -> DocumentReference:
    """`tenants/{t}/audience/{generation}-{number}`."""
    return collection_of(client, tenant, "audience").document(f"{generation}-{number}")


def place_of_shard(generation: int, number: int) -> str:
    """Where a shard's encrypted rows stand."""
    return f"audience/{generation}-{number}/rows"


def header_to_document(audience: Audience) -> dict[str, Any]:
    """Map a header to its document."""
    lease = audience.lease
    return {
        "v": VERSION,
        "generation": audience.generation,
        "shards": audience.shards,
        "newest": audience.newest,
        "epoch": audience.epoch,
        "devices": audience.devices,
        "is_counted": audience.is_counted,
        "watermarks": list(audience.watermarks),
        "generations": {str(number): shards for number, shards in audience.generations.items()},
        "pins": dict(audience.pins),
        "superseded": {str(number): at for number, at in audience.superseded.items()},
        "lease": {"owner": lease.owner, "until": lease.until} if lease else None,
        "began_at": audience.began_at,
        "compacted_at": audience.compacted_at,
        "next_check_at": audience.next_check_at,
    }


def header_from_document(tenant: str, snapshot: DocumentSnapshot[Any]) -> Audience | None:
    """Map a header's document; None if there is none. Unavailable if a hand has broken it."""
    fields = fields_of(snapshot)
    if fields is None:
        return None
    try:
        return Audience(
            tenant=tenant,
            generation=fields["generation"],
            shards=fields["shards"],
            newest=fields["newest"],
            epoch=fields["epoch"],
            devices=fields["devices"],
            is_counted=fields["is_counted"],
            watermarks=tuple(fields["watermarks"]),
            generations={int(number): shards for number, shards in fields["generations"].items()},
            pins=fields["pins"],
            superseded={int(number): at for number, at in fields["superseded"].items()},
            lease=Lease(fields["lease"]["owner"], fields["lease"]["until"]) if fields["lease"] else None,
            began_at=fields["began_at"],
            compacted_at=fields["compacted_at"],
            next_check_at=fields["next_check_at"],
            revision=snapshot.update_time,
        )
    except _BROKEN as error:
        raise Unavailable("The header of an audience can't be read.") from error


def shard_to_document(cipher: FieldCipher, tenant: str, generation: int, epoch: int, shard: PackedShard) -> dict[str, Any]:
    """Map a packed shard to its document."""
    place = place_of_shard(generation, shard.stored.number)
    return {"v": VERSION, "generation": generation, "epoch": epoch, "count": shard.rows, "rows": cipher.encrypt(tenant, place, shard.blob)}


def shard_from_snapshot(cipher: FieldCipher, tenant: str, generation: int, number: int, snapshot: DocumentSnapshot[Any]) -> Shard:
    """Map a shard's document; one that does not exist is an empty shard. Unavailable if it can't be opened."""
    return stored_shard(cipher, tenant, generation, number, snapshot).shard


def stored_shard(cipher: FieldCipher, tenant: str, generation: int, number: int, snapshot: DocumentSnapshot[Any]) -> StoredShard:
    """Map a shard's document with what its next write is guarded by."""
    fields = fields_of(snapshot)
    if fields is None:
        return StoredShard(number)
    try:
        shard = unpack_shard(cipher.decrypt(tenant, place_of_shard(generation, number), fields["rows"]))
        return StoredShard(number, shard, fields["epoch"], snapshot.update_time)
    except (*_BROKEN, UnknownFormat) as error:
        raise Unavailable("A shard of an audience can't be opened.") from error


def change_from_snapshot(cipher: FieldCipher, tenant: str, snapshot: DocumentSnapshot[Any]) -> Change:
    """Map a device's document, of which only `ROW_FIELDS` were read, to what a shard has of it.

    A document that a hand has broken is no row: nobody can send to it, and it must not stop the others.
    """
    fields = snapshot.to_dict() or {}
    try:
        return Change(snapshot.id, fields["updated_at"], _row(cipher, tenant, snapshot.id, fields) if _is_reached(fields) else None)
    except _BROKEN:
        return Change(snapshot.id, fields["updated_at"], None, is_readable=False)


def _is_reached(fields: dict[str, Any]) -> bool:
    return fields["active"] is True and fields["target"] is not None


def _row(cipher: FieldCipher, tenant: str, device_id: str, fields: dict[str, Any]) -> ShardRow:
    """The same as `row_of` makes of the device (tested), without making the device: there may be a million of them."""
    value = cipher.decrypt(tenant, place_of(device_id), fields["target"]).decode("ascii")
    # Documents of an older version do not know the suspension of an owner.
    owners = [owner for owner in fields["profiles"] if not owner.get("suspended", False)]
    return ShardRow(
        device_id=device_id,
        target=Target(TargetKind(fields["target_kind"]), value),
        platform=Platform(fields["platform"]),
        locale=fields["locale"],
        username=next((owner["username"] for owner in owners if owner["username"]), None),
        app_version=fields["app_version"],
        os_version=fields["os_version"],
        timezone=fields["timezone"],
        last_seen_at=fields["last_seen_at"],
        tags=tuple(fields["tags"]),
        topics=tuple(fields["topics"]),
        profile_ids=tuple(owner["id"] for owner in owners),
    )
