"""`/profiles`: create and list."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from flask import Response, jsonify
from flask_openapi import APIBlueprint
from flask_openapi import Tag as ApiTag
from pydantic import ConfigDict, Field, model_validator

from fanfare.domain.client import Scope
from fanfare.domain.listing import ProfileFilter
from fanfare.domain.profile import Profile
from fanfare.services.list_pages import list_profiles
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.profiles import NewProfile, create_profile
from fanfare.web.device_schemas import show_time
from fanfare.web.gate import authorized, caller, deps
from fanfare.web.once import once
from fanfare.web.schema import In, Locale, Name, Out, PhoneNumber, Query, Tags, Timezone, problems

blueprint = APIBlueprint("profiles", __name__, abp_tags=[ApiTag(name="profiles", description="People, who own devices.")])


class ProfileIn(In):
    """A profile to create; each of its names is unique within the tenant."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [name]} for name in ("username", "phone_number", "external_id")]})

    username: Name | None = None
    phone_number: PhoneNumber | None = None
    external_id: Name | None = None
    tags: Tags = Field(default_factory=list)
    locale: Locale | None = None
    timezone: Timezone | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.username is None and self.phone_number is None and self.external_id is None:
            raise ValueError("give at least one of username, phone_number, external_id")
        return self


class ProfileOut(Out):
    """A profile."""

    id: str
    username: str | None
    phone_number: str | None
    external_id: str | None
    tags: list[str]
    locale: str | None
    timezone: str | None
    created_at: datetime


class ProfilePage(Out):
    """A page of profiles."""

    items: list[ProfileOut]
    next_cursor: str | None


class ProfileQuery(Query):
    """Filters of the list of profiles."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=512)] | None = None
    username: Name | None = None
    phone_number: PhoneNumber | None = None
    external_id: Name | None = None


@blueprint.post("/profiles", responses={201: ProfileOut, **problems(409)})
@authorized(Scope.DEVICES)
def create(body: ProfileIn) -> Response:
    """Create a profile."""
    fields = body.model_dump()
    new = NewProfile(**{**fields, "tags": tuple(fields["tags"])})
    return once("POST /profiles", lambda: HttpAnswer(201, show_profile(create_profile(deps(), caller().tenant, new))))


@blueprint.get("/profiles", responses={200: ProfilePage})
@authorized(Scope.DEVICES)
def index(query: ProfileQuery) -> Response:
    """List profiles."""
    filters = ProfileFilter(query.username, query.phone_number, query.external_id)
    items, cursor = list_profiles(deps(), caller().tenant, filters, query.limit, query.cursor)
    return jsonify({"items": [show_profile(profile) for profile in items], "next_cursor": cursor})


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
    }
