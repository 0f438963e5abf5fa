"""Profiles as the API takes them."""

from __future__ import annotations

from typing import Annotated, Self, cast

from pydantic import ConfigDict, Field, model_validator

from fanfare.domain.filters import ProfileFilter
from fanfare.domain.spreading import ProfileChanges
from fanfare.services.profiles import NewProfile
from fanfare.web.paging import PageQuery
from fanfare.web.schema import Identifier, In, Locale, Name, PhoneNumber, Tag, Tags, Timezone

_NAMES = ("username", "phone_number", "external_id")


class ProfilePath(In):
    """Which profile."""

    id: Identifier


class ProfileIn(In):
    """A profile to create; each of its names is unique within the tenant."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [name]} for name in _NAMES],
            "examples": [{"username": "alice", "locale": "sw-TZ", "tags": ["beta"]}],
        }
    )

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

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone_number": "+255712345678", "locale": None}]})

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
