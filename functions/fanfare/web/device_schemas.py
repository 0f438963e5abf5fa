"""Devices as the API takes them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.registration import Details, Registration
from fanfare.domain.target import Target, check_registered_target
from fanfare.web.schema import DeviceTarget, Identifier, In, Locale, Name, PhoneNumber, PlatformName, ShortText, Tags, Timezone, exactly_one

_OWNERS = ("profile_id", "username", "phone_number")
_Fid = Annotated[
    DeviceTarget, Field(description="A Firebase installation id.", json_schema_extra={"pattern": "^[c-f][A-Za-z0-9_-]{21}$", "maxLength": 22})
]
_EXAMPLE: Any = {
    "token": "fMEP0vJqS0:APA91bHqX", "platform": "android", "username": "alice", "app_version": "3.4.1", "os_version": "15",
    "model": "Pixel 9", "locale": "sw-TZ", "timezone": "Africa/Dar_es_Salaam", "tags": ["beta"],
}  # fmt: skip


class DeviceFields(In):
    """What an app tells of its device; what it leaves out stays as it was."""

    device_id: Name | None = Field(None, description="The app's own name for this install, unique within the profile.")
    app_version: ShortText | None = None
    os_version: ShortText | None = None
    model: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    locale: Locale | None = None
    timezone: Timezone | None = None
    tags: Tags | None = None

    def details(self) -> Details:
        """The fields as the domain has them."""
        return Details(
            device_id=self.device_id,
            app_version=self.app_version,
            os_version=self.os_version,
            model=self.model,
            locale=self.locale,
            timezone=self.timezone,
            tags=None if self.tags is None else tuple(self.tags),
        )


class DeviceIn(DeviceFields):
    """A device to register: `token` or `fid`, and whose it is. A username or phone number that is unknown makes a profile.

    A user of the app, who comes with a Firebase ID token, need not say whose it is, and can register for nobody else.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"oneOf": [{"required": [name]} for name in ("token", "fid")]},
                {"oneOf": [{"required": [name]} for name in _OWNERS]},
            ],
            "examples": [_EXAMPLE],
        }
    )

    token: DeviceTarget | None = Field(None, description="An FCM registration token.")
    fid: _Fid | None = None
    platform: PlatformName | None = Field(None, description="Of a new device `android` unless it is said; a known one keeps its own.")
    profile_id: Identifier | None = None
    username: Name | None = None
    phone_number: PhoneNumber | None = None
    shared: bool = Field(default=False, description="Add this owner beside the present ones, instead of moving the device to it.")
    checked: bool = Field(
        default=False,
        alias="validate",
        description="Ask FCM first whether it knows the target, by a message that is not delivered (it counts in the quota). "
        "400 names the target if FCM refuses it; 503 if FCM can't be asked now. Nothing is registered then.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one("token", "fid")(self)
        _check_one_owner(self)
        return self

    def named(self) -> Address | None:
        """The profile that it names, if it names one."""
        return address_of(self.profile_id, self.username, self.phone_number)

    def registration(self, owner: Address) -> Registration:
        """The request as the domain has it; InvalidRequest if its target has no known shape."""
        target = target_of(self.token, self.fid)
        if target is None:
            raise ValueError("a validated registration has a target")
        return Registration(
            target, Platform(self.platform) if self.platform else None, owner, self.details(), shared=self.shared, checked=self.checked
        )


class DeviceUpdate(DeviceFields):
    """What is to change of a device; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"app_version": "3.4.2", "tags": ["beta"]}]})

    token: DeviceTarget | None = None
    fid: _Fid | None = None
    platform: PlatformName | None = None
    profile_id: Identifier | None = None
    username: Name | None = None
    phone_number: PhoneNumber | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.token is not None and self.fid is not None:
            raise ValueError("give token or fid, not both")
        _check_one_owner(self)
        return self


class DevicesIn(In):
    """Devices to register in one call."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "devices": [
                        {"token": "dGhlIHRva2Vu:APA91b", "username": "alice"},
                        {"fid": "cDemoInstallationIdIos", "platform": "ios", "username": "bob"},
                    ]
                }
            ]
        }
    )

    devices: list[dict[str, Any]] = Field(
        min_length=1, max_length=1000, description="Each as in a single registration; each succeeds or fails alone."
    )


def _check_one_owner(model: DeviceIn | DeviceUpdate) -> None:
    if sum(getattr(model, name) is not None for name in _OWNERS) > 1:
        raise ValueError(f"give one of {', '.join(_OWNERS)}")


def target_of(token: str | None, fid: str | None) -> Target | None:
    """The target that a device is to have, if the request names one; InvalidRequest if it has no known shape."""
    if token is not None:
        return check_registered_target(TargetKind.TOKEN, token, "token")
    return check_registered_target(TargetKind.FID, fid, "fid") if fid is not None else None


def address_of(profile_id: str | None, username: str | None, phone_number: str | None) -> Address | None:
    """The profile that a request names, if it names one."""
    given = ((AddressKind.PROFILE, profile_id), (AddressKind.USERNAME, username), (AddressKind.PHONE, phone_number))
    return next((Address(kind, value) for kind, value in given if value is not None), None)
