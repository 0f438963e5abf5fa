"""How devices are asked for: by id, by the filters of their list, by a target, by how long they have been inactive."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from fanfare.domain.device_search import DeviceSearch
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.target import Target, check_device_target
from fanfare.domain.versions import parse_version_range
from fanfare.web.paging import PageQuery
from fanfare.web.schema import DeviceTarget, Identifier, In, Name, PlatformName, Tag, Topic, exactly_one

_Days = Annotated[int, Field(ge=0, le=3650)]


class DevicePath(In):
    """Which device."""

    id: Identifier


class DeviceQuery(PageQuery):
    """Filters of the list of devices; each that is given must be met.

    App version, last seen, and the second and later of profile, topic and tags are looked at device by device, 1,000 a request: a page may then hold
    fewer than `limit`, even none, and go on all the same by its `next_cursor`.
    """

    profile_id: Identifier | None = None
    platform: PlatformName | None = None
    active: bool | None = None
    device_id: Name | None = None
    username: Name | None = None
    app_version: Annotated[str, Field(max_length=128, description="Comparisons, all of them to be met.", examples=[">=3.2,<4"])] | None = None
    seen_within_days: _Days | None = None
    not_seen_within_days: _Days | None = None
    tags: Annotated[list[Tag], Field(max_length=50, description="The device has all of them.")] = Field(default_factory=list)
    topic: Topic | None = None

    def search(self) -> DeviceSearch:
        """The query as the domain has it; InvalidRequest if its version range is none."""
        return DeviceSearch(
            profile_id=self.profile_id,
            username=self.username,
            platform=Platform(self.platform) if self.platform else None,
            active=self.active,
            device_id=self.device_id,
            app_version=parse_version_range(self.app_version, "app_version") if self.app_version is not None else (),
            seen_within_days=self.seen_within_days,
            not_seen_within_days=self.not_seen_within_days,
            tags=tuple(self.tags),
            topic=self.topic,
        )


class LookupIn(In):
    """A target to look a device up by; it stands in the body, so that no URL ever holds one."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [name]} for name in ("token", "fid")], "examples": [{"fid": "cDemoInstallationIdIos"}]}
    )

    token: DeviceTarget | None = None
    fid: DeviceTarget | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one("token", "fid")(self)
        return self

    def target(self) -> Target:
        """The target, of whatever shape: one that nobody can register is not found."""
        if self.token is not None:
            return check_device_target(TargetKind.TOKEN, self.token, "token")
        return check_device_target(TargetKind.FID, self.fid or "", "fid")


class InactiveIn(In):
    """Which inactive devices to delete."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"older_than_days": 90}]})

    older_than_days: _Days = Field(0, description="For how many days a device must have been inactive.")
