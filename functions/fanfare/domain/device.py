"""An app on a device that can be reached through FCM."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fanfare.domain.keepalive import UNPLANNED, Keepalive
from fanfare.domain.message import Platform
from fanfare.domain.target import Target
from fanfare.domain.topic_sync import IN_SYNC, TopicSync

HINT_LENGTH = 6


class InactiveReason(StrEnum):
    """Why a device receives nothing."""

    UNREGISTERED = "unregistered"
    SENDER_ID_MISMATCH = "sender_id_mismatch"
    INVALID_TARGET = "invalid_target"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"
    REPLACED = "replaced"
    PROFILE_DELETED = "profile_deleted"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Owner:
    """A profile that owns a device, as the device remembers it.

    `addresses` are the keyed hashes of the profile's names, `installed_as` the app's own device id, unique within the profile. `version` says which
    state of the profile this is; an owner is `suspended` while its profile is deleted, and then has no addresses and no `topics`.
    """

    profile_id: str
    username: str | None = None
    addresses: tuple[str, ...] = ()
    installed_as: str | None = None
    version: int = 0
    suspended: bool = False
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retirement:
    """The evidence for which FCM's answer a target was retired: its error code, when, and in which notification."""

    code: str
    at: datetime
    notification_id: str


@dataclass(frozen=True, slots=True)
class Device:
    """One install of the app. `device_id` is the app's own name for it, `id` is ours.

    `inactive_since` is when its present `inactive_reason` came to be. `revision` is the store's mark of the state that was read, by which a write is
    guarded. `keepalive` never moves `updated_at`: the packed audience has no need of it.
    """

    id: str
    target: Target
    platform: Platform
    owners: tuple[Owner, ...]
    created_at: datetime
    last_seen_at: datetime
    updated_at: datetime | None = None
    device_id: str | None = None
    app_version: str | None = None
    os_version: str | None = None
    model: str | None = None
    locale: str | None = None
    timezone: str | None = None
    tags: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    active: bool = True
    inactive_reason: InactiveReason | None = None
    inactive_since: datetime | None = None
    retirement: Retirement | None = None
    topic_sync: TopicSync = IN_SYNC
    keepalive: Keepalive = UNPLANNED
    revision: object = field(default=None, compare=False, repr=False)

    @property
    def profile_ids(self) -> tuple[str, ...]:
        """The ids of the profiles that own this device."""
        return tuple(owner.profile_id for owner in self.owners)

    @property
    def is_deleted(self) -> bool:
        """Whether it was deleted softly: hidden, its target kept until cleanup."""
        return self.inactive_reason is InactiveReason.DELETED

    @property
    def purgeable_since(self) -> datetime | None:
        """Since when it could have been deleted for receiving nothing; None if it is deleted, or only waits for its profile to be restored."""
        return None if self.inactive_reason in {InactiveReason.DELETED, InactiveReason.PROFILE_DELETED} else self.inactive_since


def target_hint(target: Target) -> str:
    """The last six characters of a target: enough for a person to recognise it, nothing to send with."""
    return target.value[-HINT_LENGTH:]
