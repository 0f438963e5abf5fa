"""A device and its document: the target encrypted, everything that an operator asks about in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP

from fanfare.adapters.blind_index import KeyedHashes, is_under
from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.revisions import IndexedRevision
from fanfare.domain.buckets import bucket_of
from fanfare.domain.device import Device, InactiveReason, Owner, Retirement, target_hint
from fanfare.domain.keepalive import UNPLANNED, Keepalive, KeepaliveState
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.target import Target
from fanfare.domain.topic_sync import TopicSync

VERSION = 1
ERASED = "erased"
"""The reason that stands in a tombstone, for whoever reads it in the console."""


def to_document(device: Device, tenant: str, hashes: Sequence[KeyedHashes], cipher: FieldCipher) -> dict[str, Any]:
    """Map a device to its document, except for the server's own `updated_at`; `hashes` are those of the index keys that are written now."""
    owners = [replace(owner, addresses=tuple(held for held in owner.addresses if is_under(held, hashes))) for owner in device.owners]
    return {
        "v": VERSION,
        "target": cipher.encrypt(tenant, place_of(device.id), device.target.value.encode("ascii")),
        "target_kind": device.target.kind.value,
        "target_hash": hashes[0].of_target(device.target),
        "index_keys": [each.key_id for each in hashes],
        "target_hint": target_hint(device.target),
        "platform": device.platform.value,
        "profiles": [_owner_document(owner) for owner in owners],
        "profile_ids": list(device.profile_ids),
        "addresses": sorted({address for owner in owners for address in owner.addresses}),
        "device_id": device.device_id,
        "app_version": device.app_version,
        "os_version": device.os_version,
        "model": device.model,
        "locale": device.locale,
        "timezone": device.timezone,
        "tags": list(device.tags),
        "topics": list(device.topics),
        **sync_to_document(device.topic_sync),
        "active": device.active,
        "inactive_reason": device.inactive_reason.value if device.inactive_reason else None,
        "inactive_since": device.inactive_since,
        "purgeable_since": device.purgeable_since,
        "retirement": _retirement_document(device.retirement),
        "listed": not device.is_deleted,
        "bucket": bucket_of(device.id),
        "keepalive": keepalive_to_document(device.keepalive),
        "created_at": device.created_at,
        "last_seen_at": device.last_seen_at,
    }


def keepalive_to_document(keepalive: Keepalive) -> dict[str, Any]:
    """Map when a device is pinged."""
    return {"state": keepalive.state.value, "last": keepalive.last, "next": keepalive.next, "reply": keepalive.reply}


def sync_to_document(sync: TopicSync) -> dict[str, Any]:
    """Map what FCM may not know yet of a device; what is due at once is due by the server's time."""
    return {
        "unsynced_topics": list(sync.pending),
        "contested_topics": list(sync.contested),
        "topics_check_at": SERVER_TIMESTAMP if sync.pending and sync.check_at is None else sync.check_at,
        "topics_attempt": sync.attempt,
        "topic_errors": [{"topic": topic, "code": code} for topic, code in sync.errors],
    }


def tombstone(device_id: str) -> dict[str, Any]:
    """What is left of an erased device, except for the server's own times: enough for the audience and cleanup to know that it is gone."""
    return {
        "v": VERSION,
        "target": None,
        "target_kind": None,
        "target_hash": None,
        "index_keys": [],
        "target_hint": None,
        "platform": None,
        "profiles": [],
        "profile_ids": [],
        "addresses": [],
        "device_id": None,
        "app_version": None,
        "os_version": None,
        "model": None,
        "locale": None,
        "timezone": None,
        "tags": [],
        "topics": [],
        **sync_to_document(TopicSync()),
        "topics_attempt": None,
        "active": False,
        "inactive_reason": ERASED,
        "inactive_since": None,
        "purgeable_since": None,
        "retirement": None,
        "listed": False,
        "bucket": bucket_of(device_id),
        "keepalive": None,
        "created_at": None,
        "last_seen_at": None,
    }


def device_of(device_id: str, fields: dict[str, Any] | None, updated_at: object, tenant: str, cipher: FieldCipher) -> Device | None:
    """Map a document, written at `updated_at`, to a device; None if there is no document, or only a tombstone."""
    return _from_document(device_id, fields, updated_at, tenant, cipher) if fields and fields["target"] is not None else None


def _from_document(device_id: str, fields: dict[str, Any], updated_at: object, tenant: str, cipher: FieldCipher) -> Device:
    value = cipher.decrypt(tenant, place_of(device_id), fields["target"]).decode("ascii")
    return Device(
        id=device_id,
        target=Target(TargetKind(fields["target_kind"]), value),
        platform=Platform(fields["platform"]),
        owners=tuple(_owner(owner) for owner in fields["profiles"]),
        created_at=fields["created_at"],
        last_seen_at=fields["last_seen_at"],
        updated_at=fields["updated_at"],
        device_id=fields["device_id"],
        app_version=fields["app_version"],
        os_version=fields["os_version"],
        model=fields["model"],
        locale=fields["locale"],
        timezone=fields["timezone"],
        tags=tuple(fields["tags"]),
        topics=tuple(fields["topics"]),
        active=fields["active"],
        inactive_reason=InactiveReason(fields["inactive_reason"]) if fields["inactive_reason"] else None,
        # Documents of the version before this one do not have it.
        inactive_since=fields.get("inactive_since"),
        retirement=_retirement(fields["retirement"]),
        topic_sync=_sync(fields),
        keepalive=_keepalive(fields.get("keepalive")),
        revision=IndexedRevision(updated_at, tuple(fields["index_keys"])),
    )


def place_of(device_id: str) -> str:
    """Where the encrypted target stands."""
    return f"devices/{device_id}/target"


def _owner_document(owner: Owner) -> dict[str, Any]:
    return {
        "id": owner.profile_id,
        "username": owner.username,
        "addresses": list(owner.addresses),
        "installed_as": owner.installed_as,
        "version": owner.version,
        "suspended": owner.suspended,
        "topics": list(owner.topics),
    }


def _owner(fields: dict[str, Any]) -> Owner:
    # Documents of the versions before this one know neither the version nor the suspension of an owner, nor its topics.
    version, suspended, topics = fields.get("version", 0), fields.get("suspended", False), fields.get("topics", ())
    return Owner(fields["id"], fields["username"], tuple(fields["addresses"]), fields["installed_as"], version, suspended, tuple(topics))


def _sync(fields: dict[str, Any]) -> TopicSync:
    # Documents of the version before this one know nothing of what FCM knows; they have no topics either.
    errors = tuple((error["topic"], error["code"]) for error in fields.get("topic_errors", ()))
    pending, contested = tuple(fields.get("unsynced_topics", ())), tuple(fields.get("contested_topics", ()))
    return TopicSync(pending, contested, fields.get("topics_check_at"), fields.get("topics_attempt", 0), errors)


def _keepalive(fields: dict[str, Any] | None) -> Keepalive:
    # Documents of the version before this one know nothing of pings; they are found once their app has registered again.
    return Keepalive(KeepaliveState(fields["state"]), fields["last"], fields["next"], fields["reply"]) if fields else UNPLANNED


def _retirement_document(retirement: Retirement | None) -> dict[str, Any] | None:
    if retirement is None:
        return None
    return {"code": retirement.code, "at": retirement.at, "notification_id": retirement.notification_id}


def _retirement(fields: dict[str, Any] | None) -> Retirement | None:
    return Retirement(fields["code"], fields["at"], fields["notification_id"]) if fields else None
