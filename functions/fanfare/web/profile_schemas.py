"""Profiles as the API takes and shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self, cast

from pydantic import ConfigDict, Field, model_validator

from fanfare.domain.listing import ProfileFilter
from fanfare.domain.profile import Profile
from fanfare.domain.spreading import ProfileChanges
from fanfare.services.export_profile import Addressed, Export
from fanfare.services.profiles import NewProfile
from fanfare.web.audit import EntryOut, show_entry
from fanfare.web.delivery_schemas import DeliveryOut, show_delivery
from fanfare.web.device_schemas import DeviceOut, show_device, show_time
from fanfare.web.notification_schemas import NotificationOut, show_notification
from fanfare.web.paging import PageQuery
from fanfare.web.schema import Identifier, In, Locale, Name, Out, PhoneNumber, Tag, Tags, Timezone

_NAMES = ("username", "phone_number", "external_id")


class ProfilePath(In):
    """Which profile."""

    id: Identifier


class ProfileIn(In):
    """A profile to create; each of its names is unique within the tenant."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [name]} for name in _NAMES]})

    username: Name | None = None
    phone_number: PhoneNumber | None = None
    external_id: Name | None = None
    tags: Tags = Field(default_factory=list)
    locale: Locale | None = None
    timezone: Timezone | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if all(getattr(self, name) is None for name in _NAMES):
            raise ValueError(f"give at least one of {', '.join(_NAMES)}")
        return self

    def new_profile(self) -> NewProfile:
        """The profile as the services take it."""
        fields = self.model_dump()
        return NewProfile(**{**fields, "tags": tuple(fields["tags"])})


class ProfileUpdate(In):
    """What is to change of a profile: what is left out stays, null takes a value away. One of the names must be left."""

    username: Name | None = None
    phone_number: PhoneNumber | None = None
    external_id: Name | None = None
    tags: Tags = Field(default_factory=list)
    locale: Locale | None = None
    timezone: Timezone | None = None

    def changes(self) -> ProfileChanges:
        """What is given, and nothing else."""
        given = self.model_dump(exclude_unset=True)
        return cast("ProfileChanges", {name: tuple(value) if name == "tags" else value for name, value in given.items()})


class ProfileOut(Out):
    """A profile. With a `deleted_at` it receives nothing; it can be restored until cleanup."""

    id: str
    username: str | None
    phone_number: str | None
    external_id: str | None
    tags: list[str]
    locale: str | None
    timezone: str | None
    created_at: datetime
    deleted_at: datetime | None


class ProfilePage(Out):
    """A page of profiles."""

    items: list[ProfileOut]
    next_cursor: str | None


class ProfileQuery(PageQuery):
    """Filters of the list of profiles; each that is given must be met.

    The second and later of the tags are looked for among what the first finds: a page may then hold fewer than `limit`, even none, and go on all
    the same by its `next_cursor`.
    """

    username: Name | None = None
    phone_number: PhoneNumber | None = None
    external_id: Name | None = None
    tags: Annotated[list[Tag], Field(max_length=50, description="The profile has all of them.")] = Field(default_factory=list)
    deleted: bool = Field(default=False, description="List those that were deleted and can be restored, instead of the others.")

    def filters(self) -> ProfileFilter:
        """The filters as the domain has them."""
        return ProfileFilter(self.username, self.phone_number, self.external_id, tuple(dict.fromkeys(self.tags)), self.deleted)


class AddressedOut(Out):
    """A notification that the person was addressed by, and what became of it on the person's devices."""

    notification: NotificationOut
    deliveries: list[DeliveryOut]


class ExportOut(Out):
    """A page of everything held about a profile: its devices (their topics with them), its notifications, the audit log about it, in this order."""

    profile: ProfileOut
    devices: list[DeviceOut]
    notifications: list[AddressedOut]
    audit: list[EntryOut]
    next_cursor: str | None


def show_profile(profile: Profile) -> dict[str, Any]:
    """A profile as the API shows it."""
    return {
        "id": profile.id,
        "username": profile.username,
        "phone_number": profile.phone_number,
        "external_id": profile.external_id,
        "tags": list(profile.tags),
        "locale": profile.locale,
        "timezone": profile.timezone,
        "created_at": show_time(profile.created_at),
        "deleted_at": show_time(profile.deleted_at),
    }


def show_export(export: Export) -> dict[str, Any]:
    """A page of an export."""
    return {
        "profile": show_profile(export.profile),
        "devices": [show_device(device) for device in export.devices],
        "notifications": [_show_addressed(addressed) for addressed in export.notifications],
        "audit": [show_entry(stored) for stored in export.audit],
        "next_cursor": export.next_cursor,
    }


def _show_addressed(addressed: Addressed) -> dict[str, Any]:
    return {
        "notification": show_notification(addressed.notification),
        "deliveries": [show_delivery(device_id, result) for device_id, result in addressed.deliveries],
    }
