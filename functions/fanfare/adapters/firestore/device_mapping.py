"""A device and its document: the target encrypted, everything that an operator asks about in plain words."""

from __future__ import annotations

from typing import Any

from fanfare.adapters.cipher import FieldCipher
from fanfare.domain.device import Device, InactiveReason, Owner, Retirement, bucket_of, target_hint
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.target import Target

VERSION = 1


def to_document(device: Device, tenant: str, target_hash: str, cipher: FieldCipher) -> dict[str, Any]:
    """Map a device to its document, except for the server's own `updated_at`."""
    return {
        "v": VERSION,
        "target": cipher.encrypt(tenant, place_of(device.id), device.target.value.encode("ascii")),
        "target_kind": device.target.kind.value,
        "target_hash": target_hash,
        "target_hint": target_hint(device.target),
        "platform": device.platform.value,
        "profiles": [_owner_document(owner) for owner in device.owners],
        "profile_ids": list(device.profile_ids),
        "addresses": sorted({address for owner in device.owners for address in owner.addresses}),
        "device_id": device.device_id,
        "app_version": device.app_version,
        "os_version": device.os_version,
        "model": device.model,
        "locale": device.locale,
        "timezone": device.timezone,
        "tags": list(device.tags),
        "topics": list(device.topics),
        "active": device.active,
        "inactive_reason": device.inactive_reason.value if device.inactive_reason else None,
        "retirement": _retirement_document(device.retirement),
        "listed": device.inactive_reason is not InactiveReason.DELETED,
        "bucket": bucket_of(device.id),
        "created_at": device.created_at,
        "last_seen_at": device.last_seen_at,
    }


def from_document(device_id: str, fields: dict[str, Any], revision: object, tenant: str, cipher: FieldCipher) -> Device:
    """Map a document, read at `revision`, to a device."""
    value = cipher.decrypt(tenant, place_of(device_id), fields["target"]).decode("ascii")
    return Device(
        id=device_id,
        target=Target(TargetKind(fields["target_kind"]), value),
        platform=Platform(fields["platform"]),
        owners=tuple(Owner(owner["id"], owner["username"], tuple(owner["addresses"]), owner["installed_as"]) for owner in fields["profiles"]),
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
        retirement=_retirement(fields["retirement"]),
        revision=revision,
    )


def place_of(device_id: str) -> str:
    """Where the encrypted target stands."""
    return f"devices/{device_id}/target"


def _owner_document(owner: Owner) -> dict[str, Any]:
    return {"id": owner.profile_id, "username": owner.username, "addresses": list(owner.addresses), "installed_as": owner.installed_as}


def _retirement_document(retirement: Retirement | None) -> dict[str, Any] | None:
    if retirement is None:
        return None
    return {"code": retirement.code, "at": retirement.at, "notification_id": retirement.notification_id}


def _retirement(fields: dict[str, Any] | None) -> Retirement | None:
    return Retirement(fields["code"], fields["at"], fields["notification_id"]) if fields else None
